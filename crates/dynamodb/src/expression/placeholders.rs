//! ExpressionAttributeNames and ExpressionAttributeValues, shared by all expressions of a request.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_attribute::{Item, Value, ValueRef};

use super::error::{ExpressionError, Fault, Kind};

/// The two maps of a request, and which of their keys its expressions have used so far.
#[derive(Debug, Default)]
pub struct Placeholders<'a> {
    names: BTreeMap<&'a str, &'a str>,
    values: Option<&'a Item>,
    used_names: BTreeSet<&'a str>,
    used_values: BTreeSet<&'a str>,
}

impl<'a> Placeholders<'a> {
    /// Takes the maps as the request has them; `None` where a map is absent. The values are an
    /// item whose names are the placeholders (see `ItemBuilder::with_limit`).
    pub fn new(
        names: Option<impl IntoIterator<Item = (&'a str, &'a str)>>,
        values: Option<&'a Item>,
    ) -> Result<Self, ExpressionError> {
        let given = names.is_some();
        let names: BTreeMap<_, _> = names.into_iter().flatten().collect();
        if given && names.is_empty() {
            return Err(ExpressionError::EmptyNames);
        }
        if let Some(key) = names.keys().find(|key| !is_placeholder(key, '#')) {
            return Err(ExpressionError::NameKey((*key).to_owned()));
        }
        if let Some(values) = values {
            if values.is_empty() {
                return Err(ExpressionError::EmptyValues);
            }
            if let Some((key, _)) = values.iter().find(|(key, _)| !is_placeholder(key, ':')) {
                return Err(ExpressionError::ValueKey(key.to_owned()));
            }
        }
        Ok(Self { names, values, ..Self::default() })
    }

    /// What a `#name` stands for; notes its use.
    pub(super) fn name(&mut self, key: &str) -> Result<&'a str, Fault> {
        let (key, name) =
            self.names.get_key_value(key).ok_or_else(|| Fault::UndefinedName(key.to_owned()))?;
        self.used_names.insert(key);
        Ok(name)
    }

    /// What a `:value` stands for; notes its use.
    pub(super) fn value(&mut self, key: &str) -> Result<ValueRef<'a>, Fault> {
        let undefined = || Fault::UndefinedValue(key.to_owned());
        let values = self.values.ok_or_else(undefined)?.attributes();
        let (key, value) = values.get_key_value(key).ok_or_else(undefined)?;
        self.used_values.insert(key);
        Ok(value)
    }

    /// The same, owned.
    pub(super) fn owned_value(&mut self, key: &str) -> Result<Value, Fault> {
        self.value(key).map(Value::from)
    }

    /// Refuses names, then values, that no expression used. For after the last expression.
    pub fn check_used(&self) -> Result<(), ExpressionError> {
        let unused = |keys: &mut dyn Iterator<Item = &str>, used: &BTreeSet<&str>| {
            keys.filter(|key| !used.contains(key)).map(str::to_owned).collect::<Vec<_>>()
        };
        let names = unused(&mut self.names.keys().copied(), &self.used_names);
        if !names.is_empty() {
            return Err(ExpressionError::UnusedNames(names));
        }
        let keys = self.values.into_iter().flat_map(|values| values.iter().map(|(key, _)| key));
        let values = unused(&mut keys.into_iter(), &self.used_values);
        if values.is_empty() { Ok(()) } else { Err(ExpressionError::UnusedValues(values)) }
    }
}

/// The mark, and one or more ASCII letters, digits or underscores.
fn is_placeholder(key: &str, mark: char) -> bool {
    key.strip_prefix(mark).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The first checks of a request: expressions and the parameters they replaced do not go together,
/// and maps of placeholders are there for an expression. `expressions` are those that the
/// operation has, each with whether the request has it; `legacy` those other parameters that it
/// has. A projection uses no values.
pub fn check_parameters(
    expressions: &[(Kind, bool)],
    legacy: &[&'static str],
    names: bool,
    values: bool,
) -> Result<(), ExpressionError> {
    let present: Vec<Kind> =
        expressions.iter().filter(|(_, present)| *present).map(|(kind, _)| *kind).collect();
    if !legacy.is_empty() && !present.is_empty() {
        return Err(ExpressionError::Mixed { legacy: legacy.to_vec(), expressions: present });
    }
    if names && present.is_empty() {
        return Err(ExpressionError::NamesAlone);
    }
    let users: Vec<Kind> = expressions
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| *kind != Kind::Projection)
        .collect();
    if values && !users.iter().any(|kind| present.contains(kind)) {
        return Err(ExpressionError::ValuesAlone(users));
    }
    Ok(())
}
