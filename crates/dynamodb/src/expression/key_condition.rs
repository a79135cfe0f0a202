//! Key conditions: which partition a Query reads, and which range of its sort keys.

use std::fmt;
use std::ops::Bound;

use cumulet_attribute::{Value, ValueRef, encode_key, encode_key_prefix};

use super::check;
use super::condition::{Operand, Test};
use super::condition_syntax::{self, Comparator};
use super::error::{ExpressionError, Fault, Kind};
use super::placeholders::Placeholders;
use crate::key::{KeyAttribute, KeySchema};

/// A KeyConditionExpression: at most one condition for each attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCondition {
    clauses: Vec<Clause>,
}

/// An attribute and what it must be; `None`: what no key can be looked up by.
type Clause = (Box<str>, Option<SortCondition>);

/// What a key attribute must be. Of a partition key it is always `Eq`.
#[derive(Debug, Clone, PartialEq)]
pub enum SortCondition {
    /// A comparator, which is not `<>`, and a value.
    Compare(Comparator, Value),
    /// BETWEEN, both bounds included.
    Between(Value, Value),
    /// begins_with.
    BeginsWith(Value),
}

/// A key condition resolved against a key schema.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyQuery {
    /// The partition key.
    pub partition: Value,
    /// What its sort keys must be; `None`: anything.
    pub sort: Option<SortCondition>,
}

/// Why a key condition does not fit a key schema. `Display` is AWS's message of a
/// ValidationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyConditionError {
    /// More conditions than key attributes: their numbers.
    TooMany(usize, usize),
    /// No condition for a key attribute: its name.
    Missed(String),
    /// A condition that no key can be looked up by.
    NotIndexable,
    /// A condition that the partition key may not have: anything but `=`.
    NotSupported,
    /// A value of another type than the key attribute.
    Type,
}

impl fmt::Display for KeyConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(count, keys) => write!(
                f,
                "The number of query conditions ({count}) exceeds the number of key attributes \
                 defined in the schema ({keys})"
            ),
            Self::Missed(name) => write!(f, "Query condition missed key schema element: {name}"),
            Self::NotIndexable => {
                f.write_str("Attempted conditional constraint is not an indexable operation")
            }
            Self::NotSupported => f.write_str("Query key condition not supported"),
            Self::Type => f.write_str(
                "One or more parameter values were invalid: Condition parameter type does not \
                 match schema type",
            ),
        }
    }
}

impl std::error::Error for KeyConditionError {}

impl KeyCondition {
    /// Compiles a key condition, noting the placeholders it uses. It is a condition to begin with,
    /// and refused as one; then it is refused for what only key conditions may not have.
    pub fn parse(
        source: &str,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Self, ExpressionError> {
        let mut clauses = Vec::new();
        condition_syntax::parse(source)
            .and_then(|syntax| check::compile(&syntax, placeholders))
            .and_then(|test| collect(test, &mut clauses))
            .map(|()| Self { clauses })
            .map_err(|fault| ExpressionError::Invalid(Kind::KeyCondition, fault))
    }

    /// From the conditions of the KeyConditions parameter, one for each attribute; `None` is one
    /// that an expression could not have.
    pub fn from_clauses(clauses: Vec<(Box<str>, Option<SortCondition>)>) -> Self {
        Self { clauses }
    }

    /// The attribute that one condition is about, and what it must be; `None` where no key can be
    /// looked up by it.
    pub(crate) fn clause(test: &Test) -> Option<(Box<str>, SortCondition)> {
        let mut clauses = Vec::new();
        collect(test.clone(), &mut clauses).ok()?;
        match <[Clause; 1]>::try_from(clauses) {
            Ok([(name, Some(condition))]) => Some((name, condition)),
            _ => None,
        }
    }

    /// What it asks of a table or an index with this key.
    pub fn resolve(&self, schema: &KeySchema) -> Result<KeyQuery, KeyConditionError> {
        let keys = schema.attributes().count();
        if self.clauses.len() > keys {
            return Err(KeyConditionError::TooMany(self.clauses.len(), keys));
        }
        let clause = |attribute: &KeyAttribute| {
            self.clauses.iter().find(|(name, _)| **name == *attribute.name).map(|(_, one)| one)
        };
        let missed = |attribute: &KeyAttribute| KeyConditionError::Missed(attribute.name.clone());
        let partition = clause(&schema.partition).ok_or_else(|| missed(&schema.partition))?;
        let sort = match &schema.sort {
            Some(attribute) if self.clauses.len() > 1 => {
                Some((attribute, clause(attribute).ok_or_else(|| missed(attribute))?))
            }
            _ => None,
        };
        let both = std::iter::once((&schema.partition, partition)).chain(sort);
        for (attribute, condition) in both {
            let mut values = condition.iter().flat_map(SortCondition::values);
            if values.any(|value| value.kind() != attribute.kind.kind()) {
                return Err(KeyConditionError::Type);
            }
        }
        let sort = sort.map(|(_, one)| one.clone().ok_or(KeyConditionError::NotIndexable));
        let partition = partition.as_ref().ok_or(KeyConditionError::NotIndexable)?;
        let sort = sort.transpose()?;
        let SortCondition::Compare(Comparator::Eq, partition) = partition else {
            return Err(KeyConditionError::NotSupported);
        };
        Ok(KeyQuery { partition: partition.clone(), sort })
    }
}

impl SortCondition {
    /// The values that it compares with.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        let (first, second) = match self {
            Self::Compare(_, value) | Self::BeginsWith(value) => (value, None),
            Self::Between(lower, upper) => (lower, Some(upper)),
        };
        std::iter::once(first).chain(second)
    }

    /// Whether a sort key meets it.
    pub fn holds(&self, key: ValueRef<'_>) -> bool {
        let mut encoded = Vec::new();
        if !encode_key(key, &mut encoded) {
            return false;
        }
        let (lower, upper) = self.bounds();
        let above = match lower {
            Bound::Included(lower) => encoded >= lower,
            Bound::Excluded(lower) => encoded > lower,
            Bound::Unbounded => true,
        };
        above
            && match upper {
                Bound::Included(upper) => encoded <= upper,
                Bound::Excluded(upper) => encoded < upper,
                Bound::Unbounded => true,
            }
    }

    /// Between which encoded sort keys those lie that meet it, within one partition. (All are of
    /// the type that the schema has.)
    pub fn bounds(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        let encoded = |value: &Value| {
            let mut bytes = Vec::new();
            // Types were checked against the schema: it is a scalar.
            let _ = encode_key(value.view(), &mut bytes);
            bytes
        };
        match self {
            Self::Compare(comparator, value) => {
                let key = encoded(value);
                match comparator {
                    Comparator::Lt => (Bound::Unbounded, Bound::Excluded(key)),
                    Comparator::Le => (Bound::Unbounded, Bound::Included(key)),
                    Comparator::Gt => (Bound::Excluded(key), Bound::Unbounded),
                    Comparator::Ge => (Bound::Included(key), Bound::Unbounded),
                    Comparator::Eq | Comparator::Ne => {
                        (Bound::Included(key.clone()), Bound::Included(key))
                    }
                }
            }
            Self::Between(lower, upper) => {
                (Bound::Included(encoded(lower)), Bound::Included(encoded(upper)))
            }
            Self::BeginsWith(value) => {
                let mut start = Vec::new();
                let _ = encode_key_prefix(value.view(), &mut start);
                let end = successor(&start).map_or(Bound::Unbounded, Bound::Excluded);
                (Bound::Included(start), end)
            }
        }
    }
}

/// The first bytes after all that begin with `prefix`: none if it is all 0xff.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut bytes = prefix.get(..=kept)?.to_vec();
    *bytes.last_mut()? += 1;
    Some(bytes)
}

/// The conditions of the attributes, in order.
fn collect(test: Test, clauses: &mut Vec<Clause>) -> Result<(), Fault> {
    let operator = |name: &str| Err(Fault::KeyOperator(name.to_owned()));
    match test {
        Test::All(tests) => tests.into_iter().try_for_each(|test| collect(test, clauses)),
        Test::Any(_) => operator("OR"),
        Test::Not(_) => operator("NOT"),
        Test::In(..) => operator("IN"),
        Test::Exists(_) => operator("attribute_exists"),
        Test::NotExists(_) => operator("attribute_not_exists"),
        Test::HasType(..) => operator("attribute_type"),
        Test::Contains(..) => operator("contains"),
        Test::Compare(Comparator::Ne, ..) => operator("<>"),
        Test::Compare(comparator, left, right) => {
            let flip = !matches!(left, Operand::Path(_));
            let (name, mut values) = split([left, right])?;
            let value = values.pop().ok_or(Fault::Key(NESTED))?;
            let comparator = if flip { flipped(comparator) } else { comparator };
            push(clauses, name, SortCondition::Compare(comparator, value))
        }
        Test::Between(operand, lower, upper) => {
            if !matches!(operand, Operand::Path(_)) {
                return Err(Fault::KeyOperands(
                    "BETWEEN operator must have the key attribute as its first operand",
                ));
            }
            let (name, mut values) = split([operand, lower, upper])?;
            match (values.pop(), values.pop()) {
                (Some(upper), Some(lower)) => {
                    push(clauses, name, SortCondition::Between(lower, upper))
                }
                _ => Err(Fault::Key(NESTED)),
            }
        }
        Test::BeginsWith(operand, start) => {
            if !matches!(operand, Operand::Path(_)) {
                return Err(Fault::KeyOperands(
                    "begins_with operator must have the key attribute as its first operand",
                ));
            }
            let (name, mut values) = split([operand, start])?;
            let value = values.pop().ok_or(Fault::Key(NESTED))?;
            push(clauses, name, SortCondition::BeginsWith(value))
        }
    }
}

const NESTED: &str = "KeyConditionExpressions cannot contain nested operations";

/// The one attribute among a condition's operands, and its values.
fn split(operands: impl IntoIterator<Item = Operand>) -> Result<(Box<str>, Vec<Value>), Fault> {
    let (mut name, mut values) = (None, Vec::new());
    for operand in operands {
        match operand {
            Operand::Path(_) if name.is_some() => {
                return Err(Fault::KeyOperands("Multiple attribute names used in one condition"));
            }
            Operand::Path(path) if path.is_nested() => {
                return Err(Fault::Key(
                    "KeyConditionExpressions cannot have conditions on nested attributes",
                ));
            }
            Operand::Path(path) => name = Some(path.name),
            Operand::Value(value) => values.push(value),
            Operand::Size(_) => return Err(Fault::Key(NESTED)),
        }
    }
    Ok((name.ok_or(Fault::KeyOperands("No key attribute specified"))?, values))
}

fn push(clauses: &mut Vec<Clause>, name: Box<str>, condition: SortCondition) -> Result<(), Fault> {
    if clauses.iter().any(|(other, _)| *other == name) {
        return Err(Fault::Key("KeyConditionExpressions must only contain one condition per key"));
    }
    clauses.push((name, Some(condition)));
    Ok(())
}

/// `:v < a` says `a > :v`.
fn flipped(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Lt => Comparator::Gt,
        Comparator::Le => Comparator::Ge,
        Comparator::Gt => Comparator::Lt,
        Comparator::Ge => Comparator::Le,
        same => same,
    }
}
