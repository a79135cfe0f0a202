//! Conditions: operators, their values, and when a key that is missing counts as a match.
//!
//! Source: "IAM JSON policy elements: Condition operators" and "Set operators for multivalued
//! context keys" in the IAM user guide.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::Timestamp;
use serde_json::{Map, Value};

use super::context::Scope;
use super::error::PolicyError;
use super::pattern::{Pattern, Reading, Unresolved};
use super::value::{Network, moment, number};

/// One key under one operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case.
    key: Box<str>,
    values: Box<[Expected]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    test: Test,
    /// `…Not…`: none of the values may match.
    negated: bool,
    /// `…IfExists`: a missing key matches.
    if_exists: bool,
    set: Set,
}

/// How the values of a key are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// No set operator: some value matches, or for a negated operator, none does.
    Plain,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Relation),
    Date(Relation),
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A value as the policy states it.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    Text(Pattern),
    TextIgnoringCase(Pattern),
    Number(Relation, f64),
    Moment(Relation, Timestamp),
    Flag(bool),
    Bytes(Box<[u8]>),
    Network(Network),
    /// `None`: a pattern without six parts, which no ARN matches.
    Arn(Option<Box<[Pattern; 6]>>),
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            None => (Set::Plain, name),
            Some(("ForAllValues", name)) => (Set::All, name),
            Some(("ForAnyValue", name)) => (Set::Any, name),
            Some(_) => return None,
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (test, negated) = match name {
            "StringEquals" => (Test::StringEquals, false),
            "StringNotEquals" => (Test::StringEquals, true),
            "StringEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::StringEqualsIgnoreCase, true),
            "StringLike" => (Test::StringLike, false),
            "StringNotLike" => (Test::StringLike, true),
            "Bool" => (Test::Bool, false),
            "BinaryEquals" => (Test::Binary, false),
            "IpAddress" => (Test::IpAddress, false),
            "NotIpAddress" => (Test::IpAddress, true),
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            // Whether a key exists cannot depend on its existing, nor on each of its values.
            "Null" if !if_exists && set == Set::Plain => (Test::Null, false),
            _ => {
                let ordered = name.strip_prefix("Numeric").map(|name| (name, true));
                let (name, numeric) =
                    ordered.or_else(|| name.strip_prefix("Date").map(|name| (name, false)))?;
                let (relation, negated) = match name {
                    "Equals" => (Relation::Equal, false),
                    "NotEquals" => (Relation::Equal, true),
                    "LessThan" => (Relation::Less, false),
                    "LessThanEquals" => (Relation::LessOrEqual, false),
                    "GreaterThan" => (Relation::Greater, false),
                    "GreaterThanEquals" => (Relation::GreaterOrEqual, false),
                    _ => return None,
                };
                (if numeric { Test::Numeric(relation) } else { Test::Date(relation) }, negated)
            }
        };
        Some(Self { test, negated, if_exists, set })
    }
}

impl Expected {
    fn parse(test: Test, text: &str, variables: bool) -> Option<Self> {
        let plain = Reading { wild: false, variables };
        Some(match test {
            Test::StringEquals => Self::Text(Pattern::new(text, plain)),
            Test::StringEqualsIgnoreCase => Self::TextIgnoringCase(Pattern::new(text, plain)),
            Test::StringLike => Self::Text(Pattern::new(text, Reading { wild: true, variables })),
            Test::Numeric(relation) => Self::Number(relation, number(text)?),
            Test::Date(relation) => Self::Moment(relation, moment(text)?),
            Test::Bool | Test::Null => Self::Flag(flag(text)?),
            Test::Binary => Self::Bytes(STANDARD.decode(text).ok()?.into()),
            Test::IpAddress => Self::Network(Network::parse(text)?),
            Test::Arn => Self::Arn(Pattern::arn(text, variables)),
        })
    }

    fn matches(&self, value: &str, scope: &Scope<'_>) -> Result<bool, Unresolved> {
        Ok(match self {
            Self::Text(pattern) => pattern.matches(value, scope)?,
            Self::TextIgnoringCase(pattern) => pattern.equals_ignoring_case(value, scope)?,
            Self::Number(relation, expected) => number(value)
                .and_then(|value| value.partial_cmp(expected))
                .is_some_and(|ordering| relation.holds(ordering)),
            Self::Moment(relation, expected) => {
                moment(value).is_some_and(|value| relation.holds(value.cmp(expected)))
            }
            Self::Flag(expected) => flag(value) == Some(*expected),
            Self::Bytes(expected) => STANDARD.decode(value).is_ok_and(|value| *value == **expected),
            Self::Network(network) => network.contains(value),
            Self::Arn(None) => false,
            Self::Arn(Some(patterns)) => {
                let mut parts = value.splitn(6, ':');
                for pattern in &**patterns {
                    let Some(part) = parts.next() else { return Ok(false) };
                    if !pattern.matches(part, scope)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }
}

fn flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The conditions of a statement, all of which must hold.
pub(super) fn parse(block: &Value, variables: bool) -> Result<Box<[Condition]>, PolicyError> {
    let block: &Map<String, Value> = block.as_object().ok_or(PolicyError::Syntax)?;
    let mut conditions = Vec::new();
    for (name, keys) in block {
        let operator = Operator::parse(name).ok_or(PolicyError::Syntax)?;
        for (key, values) in keys.as_object().ok_or(PolicyError::Syntax)? {
            let (vendor, rest) = key.split_once(':').ok_or(PolicyError::Vendor)?;
            if vendor.is_empty() || rest.is_empty() {
                return Err(PolicyError::Vendor);
            }
            let values = match values {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            let parse = |value| {
                let text = scalar(value).ok_or(PolicyError::Syntax)?;
                Expected::parse(operator.test, &text, variables).ok_or(PolicyError::LegacyParsing)
            };
            conditions.push(Condition {
                operator,
                key: key.to_lowercase().into(),
                values: values.iter().map(parse).collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(conditions.into())
}

/// Numbers and booleans may stand without quotes.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Condition {
    /// Whether the request meets the condition.
    pub(super) fn holds(&self, scope: &Scope<'_>) -> bool {
        let values = scope.key(&self.key);
        let found = values.as_ref().filter(|values| values.iter().next().is_some());
        let Operator { test, negated, if_exists, set } = self.operator;
        if test == Test::Null {
            return self.values.iter().any(|value| *value == Expected::Flag(found.is_none()));
        }
        // For the set operators "an empty string" is an empty set too (same page).
        let found = found.filter(|values| set == Set::Plain || values.single() != Some(""));
        let Some(values) = found else {
            return if_exists
                || match set {
                    Set::Plain => negated && self.every_value_is_known(scope),
                    Set::All => true,
                    Set::Any => false,
                };
        };
        let mut each = values.iter().map(|value| self.meets(value, scope));
        match set {
            Set::Plain if negated => each.all(|met| met),
            Set::Plain | Set::Any => each.any(|met| met),
            Set::All => each.all(|met| met),
        }
    }

    /// Whether one value of the key matches some value of the policy, or for a negated operator
    /// none. A variable without a value never lets the condition hold.
    fn meets(&self, value: &str, scope: &Scope<'_>) -> bool {
        let mut results = self.values.iter().map(|expected| expected.matches(value, scope));
        if self.operator.negated {
            results.all(|result| result == Ok(false)) && self.every_value_is_known(scope)
        } else {
            results.any(|result| result == Ok(true))
        }
    }

    fn every_value_is_known(&self, scope: &Scope<'_>) -> bool {
        self.values.iter().all(|expected| match expected {
            Expected::Text(pattern) | Expected::TextIgnoringCase(pattern) => {
                pattern.is_known(scope)
            }
            Expected::Arn(Some(patterns)) => patterns.iter().all(|part| part.is_known(scope)),
            _ => true,
        })
    }

    /// Whether the condition admits callers by `aws:PrincipalArn`.
    pub(super) fn singles_out_principals(&self) -> bool {
        let Operator { negated, if_exists, set, test } = self.operator;
        &*self.key == "aws:principalarn"
            && !(negated || if_exists || set == Set::All || test == Test::Null)
    }
}
