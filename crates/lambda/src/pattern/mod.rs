//! Event patterns: which events a filter lets pass.
//!
//! "Control which events Lambda sends to your function" (Lambda developer guide) and "Creating
//! Amazon EventBridge event patterns". A pattern is an object that has the shape of the events it
//! lets pass: all its fields must match, each by one of the tests in its array.
//!
//! [`Pattern::parse`] reads one, [`Pattern::matches`] holds an event to it. Pure.

mod parse;

use serde_json::{Map, Number, Value};

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    fields: Vec<(String, Field)>,
    /// `$or`: one of these must match too, where there are any.
    either: Vec<Pattern>,
}

/// What a field of an event must be.
#[derive(Debug, Clone, PartialEq)]
enum Field {
    /// An object that matches.
    Nested(Pattern),
    /// One of these.
    Values(Vec<Test>),
}

/// What a value must be. Tests look at scalars; of an array one item must pass.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// This string, number, boolean or null.
    Equals(Value),
    Text(TextTest),
    /// There, and none of these strings or numbers.
    NoneOf(Vec<Value>),
    /// There, and no text that passes one of these.
    NoTextOf(Vec<TextTest>),
    /// A number that all of these hold of.
    Numeric(Vec<(Order, Number)>),
    Exists(bool),
}

/// What a text must be.
#[derive(Debug, Clone, PartialEq)]
enum TextTest {
    Prefix(String),
    Suffix(String),
    /// In lower case.
    SameIgnoringCase(String),
    /// In lower case.
    PrefixIgnoringCase(String),
    /// In lower case.
    SuffixIgnoringCase(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Pattern {
    /// Whether `event` passes. One that is no object does not.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        event.as_object().is_some_and(|event| self.holds(event))
    }

    fn holds(&self, event: &Map<String, Value>) -> bool {
        self.fields.iter().all(|(name, field)| field.matches(event.get(name)))
            && (self.either.is_empty() || self.either.iter().any(|one| one.holds(event)))
    }
}

impl Field {
    fn matches(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Nested(pattern) => match value {
                Some(Value::Array(items)) => items.iter().any(|item| pattern.matches(item)),
                Some(Value::Object(object)) => pattern.holds(object),
                // What is not there may be what the pattern asks for.
                _ => pattern.holds(&Map::new()),
            },
            Self::Values(tests) => {
                let scalars = scalars(value);
                tests.iter().any(|test| test.matches(&scalars))
            }
        }
    }
}

/// A value, or what is in an array of them. Objects are no leaves, and so none.
fn scalars(value: Option<&Value>) -> Vec<&Value> {
    let mut found = Vec::new();
    let mut left: Vec<&Value> = value.into_iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(_) => {}
            scalar => found.push(scalar),
        }
    }
    found
}

impl Test {
    fn matches(&self, scalars: &[&Value]) -> bool {
        match self {
            Self::Exists(wanted) => *wanted != scalars.is_empty(),
            _ => scalars.iter().any(|scalar| self.accepts(scalar)),
        }
    }

    fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Equals(wanted) => is_same(wanted, value),
            Self::Text(test) => value.as_str().is_some_and(|text| test.accepts(text)),
            Self::NoneOf(unwanted) => !unwanted.iter().any(|one| is_same(one, value)),
            Self::NoTextOf(tests) => {
                !value.as_str().is_some_and(|text| tests.iter().any(|test| test.accepts(text)))
            }
            Self::Numeric(bounds) => match value {
                Value::Number(number) => bounds.iter().all(|(order, n)| order.holds(number, n)),
                _ => false,
            },
            Self::Exists(wanted) => *wanted,
        }
    }
}

impl TextTest {
    fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Prefix(wanted) => text.starts_with(wanted),
            Self::Suffix(wanted) => text.ends_with(wanted),
            Self::SameIgnoringCase(wanted) => text.to_lowercase() == *wanted,
            Self::PrefixIgnoringCase(wanted) => text.to_lowercase().starts_with(wanted),
            Self::SuffixIgnoringCase(wanted) => text.to_lowercase().ends_with(wanted),
        }
    }
}

impl Order {
    fn holds(self, one: &Number, other: &Number) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let Some(order) = compare(one, other) else { return false };
        match self {
            Self::Equal => order == Equal,
            Self::Less => order == Less,
            Self::LessOrEqual => order != Greater,
            Self::Greater => order == Greater,
            Self::GreaterOrEqual => order != Less,
        }
    }
}

/// Numbers are the same by value: EventBridge compares how literals are written, and says to use
/// `numeric` for their values. Whether Lambda's filters do is not documented.
fn is_same(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Number(one), Value::Number(other)) => {
            compare(one, other) == Some(std::cmp::Ordering::Equal)
        }
        _ => wanted == value,
    }
}

/// Whole numbers exactly, others as doubles.
fn compare(one: &Number, other: &Number) -> Option<std::cmp::Ordering> {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

#[cfg(test)]
mod tests;
