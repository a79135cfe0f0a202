//! What of a condition a table or an index can look up by its key.

use std::collections::BTreeSet;

use cumulet_attribute::{Item, ItemBuilder, Value, encode_key};

use super::conditions::path_of;
use super::parser::incomplete_key;
use super::{Result, refused};
use crate::error::Error;
use crate::expression::{
    Comparator, Condition, KeyCondition, KeyQuery, Operand, SortCondition, Test,
};
use crate::key::{KeyAttribute, KeySchema};

/// Partitions that one statement reads, at most ("PartiQL select statements for DynamoDB").
const PARTITIONS: usize = 50;

/// What is read by key, and what of the condition is left to be asked of each item.
#[derive(Debug, PartialEq)]
pub(crate) struct Lookup {
    /// One after the other; each finds other items.
    pub(crate) queries: Vec<KeyQuery>,
    pub(crate) filter: Option<Condition>,
}

impl Lookup {
    /// Whether each of its queries names one item of a table with this key.
    pub(crate) fn is_whole_key(&self, schema: &KeySchema) -> bool {
        let equals =
            |sort: &SortCondition| matches!(sort, SortCondition::Compare(Comparator::Eq, _));
        let whole = |query: &KeyQuery| query.sort.as_ref().is_some_and(equals);
        schema.sort.is_none() || self.queries.iter().all(whole)
    }
}

/// How to find by key what meets the condition: where that says which partitions, with `=` or IN.
/// `None`: everything has to be looked at.
pub(crate) fn lookup(condition: Option<&Test>, schema: &KeySchema) -> Result<Option<Lookup>> {
    let mut rest = conjuncts(condition);
    let Some(partitions) = take_values(&mut rest, &schema.partition)? else { return Ok(None) };
    if partitions.len() > PARTITIONS {
        return Err(refused("Too many decomposed read operations for a given query."));
    }
    let sorts: Vec<Option<SortCondition>> = match &schema.sort {
        None => vec![None],
        Some(sort) => match take_values(&mut rest, sort)? {
            Some(values) => values
                .into_iter()
                .map(|value| Some(SortCondition::Compare(Comparator::Eq, value)))
                .collect(),
            None => vec![take_range(&mut rest, sort)?],
        },
    };
    let queries = partitions.iter().flat_map(|partition| {
        sorts.iter().map(|sort| KeyQuery { partition: partition.clone(), sort: sort.clone() })
    });
    Ok(Some(Lookup { queries: queries.collect(), filter: filter(rest) }))
}

/// The key that the condition of a write names, and what else it asks of the item.
pub(crate) fn whole_key(condition: &Test, schema: &KeySchema) -> Result<(Item, Option<Test>)> {
    let mut rest = conjuncts(Some(condition));
    let mut builder = ItemBuilder::new();
    for attribute in schema.attributes() {
        let at = rest.iter().position(|test| equality(test, &attribute.name).is_some());
        let test = at.map(|at| rest.remove(at));
        let value = test.and_then(|test| equality(test, &attribute.name));
        let value = value.ok_or_else(incomplete_key)?;
        if rest.iter().any(|test| equality(test, &attribute.name).is_some()) {
            return Err(refused(format!(
                "Multiple conditions on same key {}. Only single item Update/Insert/Delete are \
                 supported",
                attribute.name
            )));
        }
        check_type(attribute, value)?;
        builder.name(&attribute.name);
        builder.value(value.view());
    }
    let rest = rest.into_iter().cloned().collect::<Vec<_>>();
    let key = builder.finish().map_err(Error::Value)?;
    Ok((key, (!rest.is_empty()).then_some(Test::All(rest))))
}

/// The conditions that all have to hold.
fn conjuncts(condition: Option<&Test>) -> Vec<&Test> {
    let mut all = Vec::new();
    let mut left: Vec<&Test> = condition.into_iter().collect();
    while let Some(test) = left.pop() {
        match test {
            Test::All(tests) => left.extend(tests.iter().rev()),
            test => all.push(test),
        }
    }
    all
}

fn filter(rest: Vec<&Test>) -> Option<Condition> {
    let tests: Vec<Test> = rest.into_iter().cloned().collect();
    (!tests.is_empty()).then(|| Condition::from_test(Test::All(tests)))
}

/// The value that a condition says an attribute equals.
fn equality<'t>(test: &'t Test, name: &str) -> Option<&'t Value> {
    match test {
        Test::Compare(Comparator::Eq, one, Operand::Value(value))
        | Test::Compare(Comparator::Eq, Operand::Value(value), one) => {
            is_attribute(one, name).then_some(value)
        }
        _ => None,
    }
}

fn is_attribute(operand: &Operand, name: &str) -> bool {
    path_of(operand).is_some_and(|path| path.attribute() == name && !path.is_nested())
}

/// The values of which a condition says that an attribute equals one.
fn equalities<'t>(test: &'t Test, name: &str) -> Option<Vec<&'t Value>> {
    match test {
        Test::In(operand, members) if is_attribute(operand, name) => members
            .iter()
            .map(|member| match member {
                Operand::Value(value) => Some(value),
                _ => None,
            })
            .collect(),
        Test::Any(tests) => {
            let values = tests.iter().map(|test| equalities(test, name));
            let values: Vec<Vec<&Value>> = values.collect::<Option<_>>()?;
            Some(values.into_iter().flatten().collect())
        }
        test => equality(test, name).map(|value| vec![value]),
    }
}

/// Takes the first condition that names an attribute's values: these, each once.
fn take_values(rest: &mut Vec<&Test>, attribute: &KeyAttribute) -> Result<Option<Vec<Value>>> {
    let found = rest.iter().enumerate();
    let mut found = found.filter_map(|(at, test)| Some((at, equalities(test, &attribute.name)?)));
    let Some((at, values)) = found.next() else { return Ok(None) };
    drop(found);
    rest.remove(at);
    let (mut seen, mut once) = (BTreeSet::new(), Vec::new());
    for value in values {
        check_type(attribute, value)?;
        let mut encoded = Vec::new();
        if encode_key(value.view(), &mut encoded) && seen.insert(encoded) {
            once.push(value.clone());
        }
    }
    Ok(Some(once))
}

/// Takes the first condition that a range of sort keys meets.
fn take_range(rest: &mut Vec<&Test>, sort: &KeyAttribute) -> Result<Option<SortCondition>> {
    let clauses = rest.iter().map(|test| KeyCondition::clause(test));
    let mut found = clauses.enumerate().filter_map(|(at, clause)| {
        clause.filter(|(name, _)| **name == *sort.name).map(|(_, condition)| (at, condition))
    });
    let Some((at, condition)) = found.next() else { return Ok(None) };
    drop(found);
    rest.remove(at);
    condition.values().try_for_each(|value| check_type(sort, value))?;
    Ok(Some(condition))
}

fn check_type(attribute: &KeyAttribute, value: &Value) -> Result<()> {
    if value.kind() == attribute.kind.kind() {
        return Ok(());
    }
    Err(refused(format!(
        "Key attribute's data type should match its data type in table's schema: Key {}",
        attribute.name
    )))
}
