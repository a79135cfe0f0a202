//! What item operations share of their parameters.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use cumulet_attribute::{Attributes, Item, MAX_ITEM_SIZE, ValueError};
use cumulet_service::Result;

use crate::error::Error;
use crate::expression::{
    Condition, ExpressionError, KeyCondition, Kind, Placeholders, Projection, Update,
    check_parameters,
};
use crate::legacy::{self, Legacy, Translated};

/// An item or key of the request, or what is wrong with it.
pub(crate) fn item(attributes: Attributes) -> Result<Item> {
    let item = values(attributes)?;
    check_size(&item)?;
    Ok(item)
}

/// The same whatever its size, which some operations look at later.
pub(crate) fn values(attributes: Attributes) -> Result<Item> {
    Ok(attributes.0.map_err(|fault| Error::Value(fault.error))?)
}

/// Refuses an item over 400 KB.
pub(crate) fn check_size(item: &Item) -> Result<()> {
    if item.size() > MAX_ITEM_SIZE {
        return Err(Error::Value(ValueError::ItemTooLarge).into());
    }
    Ok(())
}

/// The maps of placeholders of one request (or of one action of a transaction), its expressions
/// that use them, and the parameters that they replaced.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sources<'a> {
    pub(crate) names: Option<&'a BTreeMap<String, String>>,
    pub(crate) values: Option<&'a Attributes>,
    pub(crate) update: Option<&'a str>,
    pub(crate) condition: Option<&'a str>,
    pub(crate) key_condition: Option<&'a str>,
    pub(crate) filter: Option<&'a str>,
    pub(crate) projection: Option<&'a str>,
    pub(crate) legacy: Legacy<'a>,
}

/// What a request's expressions, or the parameters in their place, compile to.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) update: Option<Update>,
    pub(crate) condition: Option<Condition>,
    pub(crate) key_condition: Option<KeyCondition>,
    pub(crate) filter: Option<Condition>,
    pub(crate) projection: Option<Projection>,
}

impl Sources<'_> {
    /// Refuses expressions beside the parameters that they replaced, and placeholders without
    /// expressions. `kinds`: the expressions that the operation has, in AWS's order.
    pub(crate) fn check(&self, kinds: &[Kind]) -> Result<()> {
        let legacy = self.legacy.beside(self.key_condition.is_some());
        if legacy.is_empty() && self.names.is_none() && self.values.is_none() {
            return Ok(());
        }
        let kinds: Vec<(Kind, bool)> = kinds.iter().map(|kind| (*kind, self.has(*kind))).collect();
        check_parameters(&kinds, &legacy, self.names.is_some(), self.values.is_some())
            .map_err(Error::Expression)?;
        Ok(self.legacy.check_operator()?)
    }

    fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Update => self.update.is_some(),
            Kind::Condition => self.condition.is_some(),
            Kind::KeyCondition => self.key_condition.is_some(),
            Kind::Filter => self.filter.is_some(),
            Kind::Projection => self.projection.is_some(),
        }
    }

    /// The values of ExpressionAttributeValues, or what is wrong with one of them.
    pub(crate) fn values(&self) -> Result<Option<&Item>> {
        match self.values.map(|values| &values.0) {
            None => Ok(None),
            Some(Ok(values)) => Ok(Some(values)),
            Some(Err(fault)) => {
                let (message, name) = (fault.error.to_string(), fault.name.clone());
                Err(Error::Expression(ExpressionError::Value(message, name)).into())
            }
        }
    }

    /// Compiles all in AWS's order: the old parameters, then the expressions, then the old key
    /// conditions. Refuses placeholders that no expression uses.
    pub(crate) fn compile(&self) -> Result<Compiled> {
        self.compile_after(self.legacy.translate()?)
    }

    /// The same where the old parameters were looked at before.
    pub(crate) fn compile_after(&self, legacy: Translated) -> Result<Compiled> {
        let mut placeholders = placeholders(self.names, self.values()?)?;
        let compiled = self.parse(&mut placeholders).map_err(Error::Expression)?;
        placeholders.check_used().map_err(Error::Expression)?;
        let key_conditions = self.legacy.key_conditions.map(legacy::key_condition).transpose()?;
        Ok(Compiled {
            update: compiled.update.or(legacy.update),
            condition: compiled.condition.or(legacy.condition),
            key_condition: compiled.key_condition.or(key_conditions),
            filter: compiled.filter.or(legacy.filter),
            projection: compiled.projection.or(legacy.projection),
        })
    }

    fn parse(
        &self,
        placeholders: &mut Placeholders<'_>,
    ) -> std::result::Result<Compiled, ExpressionError> {
        let update = self.update.map(|text| Update::parse(text, placeholders));
        let update = update.transpose()?;
        let condition =
            self.condition.map(|text| Condition::parse(Kind::Condition, text, placeholders));
        let condition = condition.transpose()?;
        let key_condition = self.key_condition.map(|text| KeyCondition::parse(text, placeholders));
        let key_condition = key_condition.transpose()?;
        let filter = self.filter.map(|text| Condition::parse(Kind::Filter, text, placeholders));
        let filter = filter.transpose()?;
        let projection = self.projection.map(|text| Projection::parse(text, placeholders));
        let projection = projection.transpose()?;
        Ok(Compiled { update, condition, key_condition, filter, projection })
    }

    /// The attributes that the expressions name, as far as they can be read: what cannot be is
    /// refused later, before anything is done.
    pub(crate) fn attributes(&self) -> Vec<String> {
        self.compile().map(|compiled| compiled.attributes()).unwrap_or_default()
    }
}

impl Compiled {
    /// The attributes that all of them name but the key condition, which a schema judges.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let update = self.update.iter().flat_map(Update::paths);
        let condition = self.condition.iter().chain(&self.filter).flat_map(Condition::paths);
        let paths = update.chain(condition).map(|path| path.attribute().to_owned());
        let projected = self.projection.iter().flat_map(Projection::attributes);
        paths.chain(projected.map(str::to_owned)).collect()
    }
}

/// The two maps, for the expressions of one request.
fn placeholders<'a>(
    names: Option<&'a BTreeMap<String, String>>,
    values: Option<&'a Item>,
) -> Result<Placeholders<'a>> {
    let names = names.map(|names| names.iter().map(|(key, name)| (key.as_str(), name.as_str())));
    Placeholders::new(names, values).map_err(|error| Error::Expression(error).into())
}

/// An `ExclusiveStartKey`, or what is wrong with its values.
pub(crate) fn start_key(key: Option<Attributes>) -> Result<Option<Item>> {
    let invalid =
        |error| Error::Validation(format!("The provided starting key is invalid: {error}"));
    Ok(key.map(|key| key.0.map_err(|fault| invalid(fault.error))).transpose()?)
}

/// Whether a failed condition's answer carries the item.
pub(crate) fn wants_item(on_failure: Option<ReturnValuesOnConditionCheckFailure>) -> bool {
    on_failure == Some(ReturnValuesOnConditionCheckFailure::AllOld)
}
