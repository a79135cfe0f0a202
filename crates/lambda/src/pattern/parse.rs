//! Reading patterns. What EventBridge's rules refuse is refused here: a filter that was misspelt
//! would else drop events in silence.

use cumulet_wire::json;
use serde_json::{Map, Number, Value};

use super::{Field, Order, Pattern, Test, TextTest, compare};

/// Levels of a pattern. Its text has 4,096 characters at most.
const DEPTH: usize = 32;
/// The name that is no field's.
const OR: &str = "$or";

/// Why a text is no pattern.
pub(crate) type Fault = String;

impl Pattern {
    /// Reads a pattern's text.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let document = json::document(text.as_bytes(), DEPTH).map_err(|why| why.to_string())?;
        match document {
            Value::Object(pattern) => object(&pattern),
            _ => Err("A pattern is a JSON object.".to_owned()),
        }
    }
}

fn object(pattern: &Map<String, Value>) -> Result<Pattern, Fault> {
    if pattern.is_empty() {
        return Err("Empty objects are not allowed.".to_owned());
    }
    let mut read = Pattern { fields: Vec::new(), either: Vec::new() };
    for (name, value) in pattern {
        match value {
            Value::Array(items) if name == OR => read.either = alternatives(items)?,
            Value::Object(nested) => {
                read.fields.push((name.clone(), Field::Nested(object(nested)?)));
            }
            Value::Array(items) if !items.is_empty() => {
                let tests = items.iter().map(test).collect::<Result<_, _>>()?;
                read.fields.push((name.clone(), Field::Values(tests)));
            }
            _ => return Err(format!("{name} must be an object or an array that is not empty.")),
        }
    }
    Ok(read)
}

fn alternatives(items: &[Value]) -> Result<Vec<Pattern>, Fault> {
    let one = |item: &Value| match item {
        Value::Object(pattern) => object(pattern),
        _ => Err(format!("{OR} is an array of patterns.")),
    };
    if items.len() < 2 {
        return Err(format!("{OR} is an array of two patterns at least."));
    }
    items.iter().map(one).collect()
}

fn test(value: &Value) -> Result<Test, Fault> {
    match value {
        Value::Object(test) => match single(test)? {
            ("exists", Value::Bool(wanted)) => Ok(Test::Exists(*wanted)),
            ("anything-but", unwanted) => anything_but(unwanted),
            ("numeric", Value::Array(bounds)) => numeric(bounds).map(Test::Numeric),
            (name, wanted) => text_test(name, wanted).map(Test::Text),
        },
        Value::Array(_) => Err("An array within an array is no test.".to_owned()),
        scalar => Ok(Test::Equals(scalar.clone())),
    }
}

fn single(test: &Map<String, Value>) -> Result<(&str, &Value), Fault> {
    let mut all = test.iter();
    match (all.next(), all.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        _ => Err("A test has one name.".to_owned()),
    }
}

fn text_test(name: &str, wanted: &Value) -> Result<TextTest, Fault> {
    let fault = || Err(format!("{name} with {wanted} is no test."));
    let ignoring_case = match wanted {
        Value::Object(test) => match single(test)? {
            ("equals-ignore-case", Value::String(text)) => Some(text.to_lowercase()),
            _ => return fault(),
        },
        _ => None,
    };
    match (name, wanted, ignoring_case) {
        ("prefix", Value::String(text), _) => Ok(TextTest::Prefix(text.clone())),
        ("suffix", Value::String(text), _) => Ok(TextTest::Suffix(text.clone())),
        ("equals-ignore-case", Value::String(text), _) => {
            Ok(TextTest::SameIgnoringCase(text.to_lowercase()))
        }
        ("prefix", _, Some(text)) => Ok(TextTest::PrefixIgnoringCase(text)),
        ("suffix", _, Some(text)) => Ok(TextTest::SuffixIgnoringCase(text)),
        _ => fault(),
    }
}

/// A value, a list of values, or a test of texts with one or several of them.
fn anything_but(unwanted: &Value) -> Result<Test, Fault> {
    match unwanted {
        Value::String(_) | Value::Number(_) => Ok(Test::NoneOf(vec![unwanted.clone()])),
        Value::Array(values) if !values.is_empty() => {
            let texts = values.iter().all(Value::is_string);
            if !texts && !values.iter().all(Value::is_number) {
                return Err("anything-but has strings or numbers, not both.".to_owned());
            }
            Ok(Test::NoneOf(values.clone()))
        }
        Value::Object(test) => match single(test)? {
            (name, Value::Array(all)) if !all.is_empty() => {
                let tests = all.iter().map(|one| text_test(name, one));
                Ok(Test::NoTextOf(tests.collect::<Result<_, _>>()?))
            }
            (name, one) => Ok(Test::NoTextOf(vec![text_test(name, one)?])),
        },
        _ => Err(format!("anything-but with {unwanted} is no test.")),
    }
}

/// `["=", n]`, one bound, or a lower and an upper one.
fn numeric(bounds: &[Value]) -> Result<Vec<(Order, Number)>, Fault> {
    let fault = || format!("numeric with {} is no test.", Value::Array(bounds.to_vec()));
    let (pairs, []) = bounds.as_chunks::<2>() else { return Err(fault()) };
    let read = |[order, number]: &[Value; 2]| {
        let number = number.as_number()?.clone();
        Some((order.as_str().and_then(order_of)?, number))
    };
    let read: Option<Vec<_>> = pairs.iter().map(read).collect();
    let read = read.ok_or_else(fault)?;
    let is_range = match read.as_slice() {
        [_] => true,
        [(low, from), (high, to)] => {
            matches!(low, Order::Greater | Order::GreaterOrEqual)
                && matches!(high, Order::Less | Order::LessOrEqual)
                && compare(from, to) == Some(std::cmp::Ordering::Less)
        }
        _ => false,
    };
    if is_range { Ok(read) } else { Err(fault()) }
}

fn order_of(text: &str) -> Option<Order> {
    match text {
        "=" => Some(Order::Equal),
        "<" => Some(Order::Less),
        "<=" => Some(Order::LessOrEqual),
        ">" => Some(Order::Greater),
        ">=" => Some(Order::GreaterOrEqual),
        _ => None,
    }
}
