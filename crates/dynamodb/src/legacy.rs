//! The parameters that came before expressions, made into what expressions compile to: one
//! evaluator serves both.
//!
//! Sources: the developer guide, "Legacy conditional parameters"; what AWS was observed to answer,
//! as recorded by dynalite; the order of names in the first check from AWS's DAX client.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use cumulet_api_dynamodb::types::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, Condition as AttributeCondition,
    ConditionalOperator, ExpectedAttributeValue,
};
use cumulet_attribute::{AttributeValue, Type, Value};

use crate::error::Error;
use crate::expression::{
    Action, Comparator, Condition, Expression, KeyCondition, Operand, Path, Projection,
    SortCondition, Test, Update,
};

type Result<T> = std::result::Result<T, Error>;

/// Those of a request; each operation has some of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Legacy<'a> {
    pub(crate) attributes_to_get: Option<&'a [String]>,
    pub(crate) attribute_updates: Option<&'a BTreeMap<String, AttributeValueUpdate>>,
    pub(crate) expected: Option<&'a BTreeMap<String, ExpectedAttributeValue>>,
    /// `QueryFilter` or `ScanFilter`, by its name.
    pub(crate) filter: Option<(&'static str, &'a BTreeMap<String, AttributeCondition>)>,
    pub(crate) operator: Option<ConditionalOperator>,
    pub(crate) key_conditions: Option<&'a BTreeMap<String, AttributeCondition>>,
}

/// What they say.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    pub(crate) update: Option<Update>,
    pub(crate) condition: Option<Condition>,
    pub(crate) filter: Option<Condition>,
    pub(crate) projection: Option<Projection>,
}

impl Legacy<'_> {
    /// The names of those that are there and may not stand beside expressions, in AWS's order.
    /// KeyConditions go with a FilterExpression, which is older than KeyConditionExpression.
    pub(crate) fn beside(&self, has_key_expression: bool) -> Vec<&'static str> {
        let key_conditions = has_key_expression && self.key_conditions.is_some();
        [
            ("AttributesToGet", self.attributes_to_get.is_some()),
            ("AttributeUpdates", self.attribute_updates.is_some()),
            ("Expected", self.expected.is_some()),
            (self.filter.map_or("", |(name, _)| name), self.filter.is_some()),
            ("ConditionalOperator", self.operator.is_some()),
            ("KeyConditions", key_conditions),
        ]
        .into_iter()
        .filter_map(|(name, present)| present.then_some(name))
        .collect()
    }

    /// Refuses an operator without at least two conditions to join.
    pub(crate) fn check_operator(&self) -> Result<()> {
        let conditions = match (self.expected, self.filter) {
            (Some(expected), _) => Some(expected.len()),
            (None, filter) => filter.map(|(_, filter)| filter.len()),
        };
        let text = match (self.operator, conditions) {
            (Some(_), None) => "ConditionalOperator cannot be used without Filter or Expected",
            (Some(_), Some(0 | 1)) => {
                "ConditionalOperator can only be used when Filter or Expected has two or more \
                 elements"
            }
            _ => return Ok(()),
        };
        Err(Error::Validation(text.to_owned()))
    }

    /// All but the key conditions, which AWS looks at after the expressions.
    pub(crate) fn translate(&self) -> Result<Translated> {
        let filter = self.filter.map(|(_, filter)| conditions(filter));
        Ok(Translated {
            update: self.attribute_updates.map(updates).transpose()?,
            condition: self.expected.map(expected).transpose()?.map(|tests| self.join(tests)),
            filter: filter.transpose()?.map(|tests| self.join(tests)),
            projection: self.attributes_to_get.map(projection).transpose()?,
        })
    }

    fn join(&self, tests: Vec<Test>) -> Condition {
        Condition::from_test(match self.operator {
            Some(ConditionalOperator::Or) => Test::Any(tests),
            Some(ConditionalOperator::And) | None => Test::All(tests),
        })
    }
}

/// AttributesToGet.
fn projection(names: &[String]) -> Result<Projection> {
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(Error::Parameter(format!("Duplicate value in attribute name: {name}")));
        }
    }
    Ok(Projection::of_attributes(names.iter().map(String::as_str)))
}

/// AttributeUpdates.
fn updates(updates: &BTreeMap<String, AttributeValueUpdate>) -> Result<Update> {
    let actions = updates.iter().map(|(name, update)| action(name, update));
    Ok(Update::from_attribute_updates(actions.collect::<Result<_>>()?))
}

fn action(name: &str, update: &AttributeValueUpdate) -> Result<Action> {
    let path = Path::of(name);
    let Some(value) = update.value.as_ref().map(read).transpose()? else {
        return match update.action {
            Some(AttributeAction::Delete) => Ok(Action::Remove(path)),
            _ => Err(Error::Parameter(
                "Only DELETE action is allowed when no attribute value is specified".to_owned(),
            )),
        };
    };
    let kind = value.kind();
    let is_set = matches!(kind, Type::SS | Type::NS | Type::BS);
    match update.action {
        Some(AttributeAction::Put) | None => Ok(Action::Set(path, Expression::Value(value))),
        Some(AttributeAction::Delete) if is_set => Ok(Action::Delete(path, value)),
        Some(AttributeAction::Delete) => Err(Error::Parameter(format!(
            "DELETE action with value is not supported for the type {kind}"
        ))),
        // Unlike an expression's ADD, this one appends lists.
        Some(AttributeAction::Add) if is_set || matches!(kind, Type::N | Type::L) => {
            Ok(Action::Add(path, value))
        }
        Some(AttributeAction::Add) => {
            Err(Error::Parameter(format!("ADD action is not supported for the type {kind}")))
        }
    }
}

/// Expected.
fn expected(expected: &BTreeMap<String, ExpectedAttributeValue>) -> Result<Vec<Test>> {
    expected.iter().map(|(name, one)| expectation(name, one)).collect()
}

fn expectation(name: &str, expected: &ExpectedAttributeValue) -> Result<Test> {
    let refuse = |what: String| Err(Error::Parameter(format!("{what} for Attribute: {name}")));
    let (value, list) = (expected.value.as_ref(), expected.attribute_value_list.as_deref());
    if value.is_some() && list.is_some() {
        return refuse("Value and AttributeValueList cannot be used together".to_owned());
    }
    let Some(operator) = expected.comparison_operator else {
        return match (list, expected.exists, value) {
            (Some(_), ..) => {
                refuse("AttributeValueList can only be used with a ComparisonOperator".to_owned())
            }
            (None, Some(false), None) => Ok(Test::NotExists(Path::of(name))),
            (None, Some(false), Some(_)) => {
                refuse("Value cannot be used when Exists is false".to_owned())
            }
            (None, None, None) => refuse("Value must be provided when Exists is null".to_owned()),
            (None, Some(true), None) => {
                refuse("Value must be provided when Exists is true".to_owned())
            }
            (None, _, Some(value)) => comparison(name, ComparisonOperator::Eq, vec![read(value)?]),
        };
    };
    if expected.exists.is_some() {
        return refuse("Exists and ComparisonOperator cannot be used together".to_owned());
    }
    let needs_value = !matches!(operator, ComparisonOperator::Null | ComparisonOperator::NotNull);
    if needs_value && value.is_none() && list.is_none() {
        return refuse(format!(
            "Value or AttributeValueList must be used with ComparisonOperator: {operator}"
        ));
    }
    let values = value.into_iter().chain(list.unwrap_or_default()).map(read);
    comparison(name, operator, values.collect::<Result<_>>()?)
}

/// QueryFilter or ScanFilter.
fn conditions(conditions: &BTreeMap<String, AttributeCondition>) -> Result<Vec<Test>> {
    let conditions = conditions.iter();
    conditions.map(|(name, one)| comparison(name, one.comparison_operator, values(one)?)).collect()
}

/// KeyConditions.
pub(crate) fn key_condition(
    conditions: &BTreeMap<String, AttributeCondition>,
) -> Result<KeyCondition> {
    let mut clauses = Vec::new();
    for (name, one) in conditions {
        let test = comparison(name, one.comparison_operator, values(one)?)?;
        clauses.push((name.as_str().into(), sort_condition(test)));
    }
    if !(1..=2).contains(&clauses.len()) {
        let text = "Conditions can be of length 1 or 2 only";
        return Err(Error::Validation(text.to_owned()));
    }
    Ok(KeyCondition::from_clauses(clauses))
}

/// `None`: no key can be looked up by such a condition.
fn sort_condition(test: Test) -> Option<SortCondition> {
    match test {
        Test::Compare(Comparator::Ne, ..) => None,
        Test::Compare(comparator, _, Operand::Value(value)) => {
            Some(SortCondition::Compare(comparator, value))
        }
        Test::Between(_, Operand::Value(lower), Operand::Value(upper)) => {
            Some(SortCondition::Between(lower, upper))
        }
        Test::BeginsWith(_, Operand::Value(start)) => Some(SortCondition::BeginsWith(start)),
        _ => None,
    }
}

fn values(condition: &AttributeCondition) -> Result<Vec<Value>> {
    condition.attribute_value_list.iter().flatten().map(read).collect()
}

fn read(value: &AttributeValue) -> Result<Value> {
    value.0.clone().map_err(Error::Value)
}

/// What an operator asks of an attribute, once its arguments are right in number and type.
fn comparison(name: &str, operator: ComparisonOperator, values: Vec<Value>) -> Result<Test> {
    check_arguments(operator, &values)?;
    let (path, attribute) = (Path::of(name), Operand::Path(Path::of(name)));
    let mut values = values.into_iter().map(Operand::Value);
    let (first, second) = match operator {
        ComparisonOperator::Null => return Ok(Test::NotExists(path)),
        ComparisonOperator::NotNull => return Ok(Test::Exists(path)),
        ComparisonOperator::In => return Ok(Test::In(attribute, values.collect())),
        _ => (values.next(), values.next()),
    };
    let Some(value) = first else { return Err(wrong_number(operator)) };
    let compare = |comparator, attribute, value| Ok(Test::Compare(comparator, attribute, value));
    match (operator, second) {
        (ComparisonOperator::Between, Some(upper)) => Ok(Test::Between(attribute, value, upper)),
        (ComparisonOperator::Eq, _) => compare(Comparator::Eq, attribute, value),
        (ComparisonOperator::Ne, _) => compare(Comparator::Ne, attribute, value),
        (ComparisonOperator::Lt, _) => compare(Comparator::Lt, attribute, value),
        (ComparisonOperator::Le, _) => compare(Comparator::Le, attribute, value),
        (ComparisonOperator::Gt, _) => compare(Comparator::Gt, attribute, value),
        (ComparisonOperator::Ge, _) => compare(Comparator::Ge, attribute, value),
        (ComparisonOperator::BeginsWith, _) => Ok(Test::BeginsWith(attribute, value)),
        (ComparisonOperator::Contains, _) => Ok(Test::Contains(attribute, value)),
        (ComparisonOperator::NotContains, _) => {
            Ok(Test::Not(Box::new(Test::Contains(attribute, value))))
        }
        _ => Err(wrong_number(operator)),
    }
}

fn wrong_number(operator: ComparisonOperator) -> Error {
    Error::Parameter(format!("Invalid number of argument(s) for the {operator} ComparisonOperator"))
}

fn check_arguments(operator: ComparisonOperator, values: &[Value]) -> Result<()> {
    if !arguments(operator).contains(&values.len()) {
        return Err(wrong_number(operator));
    }
    let kinds = values.iter().map(Value::kind);
    if kinds.clone().zip(kinds.clone().skip(1)).any(|(one, next)| one != next) {
        return Err(Error::Parameter(
            "AttributeValues inside AttributeValueList must be of same type".to_owned(),
        ));
    }
    if let Some(kind) = kinds.clone().next().filter(|kind| !takes(operator, *kind)) {
        return Err(Error::Parameter(format!(
            "ComparisonOperator {operator} is not valid for {kind} AttributeValue type"
        )));
    }
    match (operator, values) {
        (ComparisonOperator::Between, [lower, upper])
            if lower.view().order(upper.view()).is_some_and(std::cmp::Ordering::is_gt) =>
        {
            Err(Error::Validation(
                "The BETWEEN condition was provided a range where the lower bound is greater than \
                 the upper bound"
                    .to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

fn arguments(operator: ComparisonOperator) -> RangeInclusive<usize> {
    match operator {
        ComparisonOperator::Null | ComparisonOperator::NotNull => 0..=0,
        ComparisonOperator::In => 1..=usize::MAX,
        ComparisonOperator::Between => 2..=2,
        _ => 1..=1,
    }
}

/// Which types an operator takes ("Condition" in the API reference).
fn takes(operator: ComparisonOperator, kind: Type) -> bool {
    match operator {
        ComparisonOperator::Eq | ComparisonOperator::Ne => true,
        ComparisonOperator::BeginsWith => matches!(kind, Type::S | Type::B),
        _ => matches!(kind, Type::S | Type::N | Type::B),
    }
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
