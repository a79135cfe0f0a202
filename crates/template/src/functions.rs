//! The intrinsic functions.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>
//!
//! Each takes its argument as the template writes it and evaluates what it needs. Where a part
//! is only known later, the function itself is the result, with the parts that are known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::cidr;
use crate::error::Error;
use crate::evaluate::{Evaluator, Lookup, function, scalar};
use crate::graph::{undefined_condition, unresolved};
use crate::sub::{self, Part};

type Outcome = Result<Option<Value>, Error>;

/// Evaluates one function.
pub(crate) fn call(on: &Evaluator<'_>, name: &str, argument: &Value) -> Outcome {
    match name {
        "Ref" => reference(on, argument),
        "Fn::GetAtt" => get_att(on, argument),
        "Fn::Sub" => substitute(on, argument),
        "Fn::Join" => join(on, argument),
        "Fn::Select" => select(on, argument),
        "Fn::Split" => split(on, argument),
        "Fn::If" => if_else(on, argument),
        "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
            Ok(Some(Value::Bool(condition(on, name, argument)?)))
        }
        "Fn::FindInMap" => find_in_map(on, argument),
        "Fn::Base64" => encode(on, argument),
        "Fn::GetAZs" => zones(on, argument),
        "Fn::ImportValue" => import(on, argument),
        "Fn::Cidr" => cidr_blocks(on, argument),
        "Fn::Length" => length(on, argument),
        "Fn::ToJsonString" => to_json(on, argument),
        _ => Err(Error::function(format!("{name} is not a supported intrinsic function."))),
    }
}

#[allow(clippy::unnecessary_wraps)] // every caller returns it as its outcome
fn retained(name: &str, argument: Value) -> Outcome {
    Ok(Some(Value::Object(Map::from_iter([(name.to_owned(), argument)]))))
}

/// Whether an evaluated value still holds a function, hence is only known later.
fn is_later(value: &Value) -> bool {
    value.as_object().is_some_and(|map| function(map).is_some())
}

fn reference(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let Value::String(name) = argument else {
        return Err(Error::function("every Ref object must have a single String value."));
    };
    if name == "AWS::NoValue" {
        return Ok(None);
    }
    match on.name(name) {
        Lookup::Value(value) => Ok(Some(value)),
        Lookup::Later => retained("Ref", argument.clone()),
        Lookup::Unknown => Err(unresolved(std::slice::from_ref(name), on.block)),
    }
}

fn get_att(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "every Fn::GetAtt object requires two non-empty parameters, the resource name and \
             the resource attribute",
        )
    };
    let (resource, attribute) = match argument {
        Value::String(path) => {
            let (resource, attribute) = path.split_once('.').ok_or_else(wrong)?;
            (resource.to_owned(), attribute.to_owned())
        }
        Value::Array(items) => {
            // The name of the resource is fixed; that of the attribute may be computed.
            let (Some(Value::String(resource)), Some(last)) = (items.first(), items.get(1)) else {
                return Err(wrong());
            };
            let mut attribute = on.value(last)?.as_ref().and_then(scalar).ok_or_else(wrong)?;
            for more in items.get(2..).unwrap_or_default() {
                attribute.push('.');
                attribute.push_str(more.as_str().ok_or_else(wrong)?);
            }
            (resource.clone(), attribute)
        }
        _ => return Err(wrong()),
    };
    read_attribute(on, &resource, &attribute)
}

fn read_attribute(on: &Evaluator<'_>, resource: &str, attribute: &str) -> Outcome {
    let undefined = || {
        Error::function(format!("instance of Fn::GetAtt references undefined resource {resource}"))
    };
    let context = on.context.ok_or_else(undefined)?;
    match context.attribute(resource, attribute) {
        Lookup::Value(value) => Ok(Some(value)),
        Lookup::Later => retained("Fn::GetAtt", vec![resource, attribute].into()),
        Lookup::Unknown if context.reference(resource) == Lookup::Unknown => Err(undefined()),
        Lookup::Unknown => Err(Error::function(format!(
            "resource {resource} does not support attribute type {attribute} in Fn::GetAtt"
        ))),
    }
}

fn substitute(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a \
             string as first argument, and an optional second argument to specify a mapping of \
             values to replace in the string",
        )
    };
    let (text, own) = match argument {
        Value::String(text) => (text, None),
        Value::Array(items) => match items.as_slice() {
            [Value::String(text)] => (text, None),
            [Value::String(text), Value::Object(own)] => (text, Some(on.object(own)?)),
            _ => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let mut result = String::new();
    let mut later = false;
    for part in sub::parts(text)? {
        let name = match part {
            Part::Text(text) => {
                result.push_str(text);
                continue;
            }
            Part::Variable(name) => name,
        };
        let value = match own.as_ref().and_then(|own| own.get(name)) {
            Some(value) => Some(value.clone()),
            None => match name.split_once('.') {
                Some((resource, attribute)) => read_attribute(on, resource, attribute)?,
                None => reference(on, &Value::String(name.to_owned()))?,
            },
        };
        match value {
            Some(value) if is_later(&value) => later = true,
            Some(value) => result.push_str(&scalar(&value).ok_or_else(|| {
                Error::function(format!("Fn::Sub: the value of {name} is no string."))
            })?),
            None => {}
        }
    }
    if later { retained("Fn::Sub", argument.clone()) } else { Ok(Some(Value::String(result))) }
}

fn join(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list \
             of strings to be joined or a function that returns a list of strings (such as \
             Fn::GetAZs) to be joined.",
        )
    };
    let Some([Value::String(delimiter), list]) = argument.as_array().map(Vec::as_slice) else {
        return Err(wrong());
    };
    let list = on.value(list)?.ok_or_else(wrong)?;
    let items = match &list {
        Value::Array(items) => items,
        other if is_later(other) => return retained("Fn::Join", pair(delimiter, list)),
        _ => return Err(wrong()),
    };
    if items.iter().any(is_later) {
        return retained("Fn::Join", pair(delimiter, list));
    }
    let texts: Option<Vec<_>> = items.iter().map(scalar).collect();
    Ok(Some(Value::String(texts.ok_or_else(wrong)?.join(delimiter))))
}

fn pair(first: &str, second: Value) -> Value {
    Value::Array(vec![Value::String(first.to_owned()), second])
}

fn select(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "Fn::Select requires a list argument with two elements: an integer index and a list",
        )
    };
    let Some([index, list]) = argument.as_array().map(Vec::as_slice) else { return Err(wrong()) };
    let index = on.value(index)?.ok_or_else(wrong)?;
    let list = on.value(list)?.ok_or_else(wrong)?;
    if is_later(&index) || is_later(&list) {
        return retained("Fn::Select", Value::Array(vec![index, list]));
    }
    let at: usize = scalar(&index).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let items = list.as_array().ok_or_else(wrong)?;
    items.get(at).cloned().map(Some).ok_or_else(|| {
        Error::function(format!("Fn::Select cannot select nonexistent value at index {at}"))
    })
}

fn split(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a \
             string to be split or a function that returns a string to be split.",
        )
    };
    let Some([Value::String(delimiter), text]) = argument.as_array().map(Vec::as_slice) else {
        return Err(wrong());
    };
    let text = on.value(text)?.ok_or_else(wrong)?;
    if is_later(&text) {
        return retained("Fn::Split", pair(delimiter, text));
    }
    let text = scalar(&text).ok_or_else(wrong)?;
    if delimiter.is_empty() {
        return Err(wrong());
    }
    Ok(Some(text.split(delimiter.as_str()).map(|part| Value::String(part.to_owned())).collect()))
}

fn if_else(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let Some([Value::String(name), yes, no]) = argument.as_array().map(Vec::as_slice) else {
        return Err(Error::function("Fn::If requires a list argument with three elements"));
    };
    let holds = on.conditions.get(name).ok_or_else(|| undefined_condition(name, on.block))?;
    on.value(if *holds { yes } else { no })
}

/// The value of a condition function, or of `{"Condition": name}`.
fn boolean(on: &Evaluator<'_>, value: &Value) -> Result<Option<bool>, Error> {
    match value.as_object().filter(|map| map.len() == 1).and_then(|map| map.get("Condition")) {
        Some(Value::String(name)) => {
            let holds = on.conditions.get(name).copied();
            return holds.map(Some).ok_or_else(|| undefined_condition(name, on.block));
        }
        // SAM writes `{"Condition": {"Condition": name}}`, and CloudFormation takes it.
        Some(inner) => return boolean(on, inner),
        None => {}
    }
    Ok(match on.value(value)? {
        Some(Value::Bool(flag)) => Some(flag),
        Some(Value::String(text)) if text == "true" => Some(true),
        Some(Value::String(text)) if text == "false" => Some(false),
        _ => None,
    })
}

fn condition(on: &Evaluator<'_>, name: &str, argument: &Value) -> Result<bool, Error> {
    let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    match name {
        "Fn::Equals" => {
            let [left, right] = items else { return Err(equals_wrong()) };
            let left = on.value(left)?.ok_or_else(equals_wrong)?;
            let right = on.value(right)?.ok_or_else(equals_wrong)?;
            Ok(match (scalar(&left), scalar(&right)) {
                (Some(left), Some(right)) => left == right,
                _ => left == right,
            })
        }
        "Fn::Not" => {
            let wrong = || Error::function("every Fn::Not object requires one boolean parameter.");
            let [item] = items else { return Err(wrong()) };
            boolean(on, item)?.map(|flag| !flag).ok_or_else(wrong)
        }
        _ => {
            let wrong = || {
                Error::function(format!(
                    "every {name} object requires a list of at least 2 and at most 10 boolean \
                     parameters."
                ))
            };
            if !(2..=10).contains(&items.len()) {
                return Err(wrong());
            }
            let flags: Vec<bool> = items
                .iter()
                .map(|item| boolean(on, item)?.ok_or_else(wrong))
                .collect::<Result<_, _>>()?;
            Ok(if name == "Fn::And" { flags.iter().all(|f| *f) } else { flags.contains(&true) })
        }
    }
}

fn equals_wrong() -> Error {
    Error::function("every Fn::Equals object requires a list of 2 string parameters.")
}

fn find_in_map(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "every Fn::FindInMap object requires three parameters, the map name, map key and the \
             attribute for return value",
        )
    };
    let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    let (names, default) = match items {
        [map, top, second] => ([map, top, second], None),
        [map, top, second, Value::Object(more)] => {
            ([map, top, second], Some(more.get("DefaultValue").ok_or_else(wrong)?))
        }
        _ => return Err(wrong()),
    };
    let mut keys = Vec::with_capacity(3);
    for name in names {
        keys.push(on.value(name)?.as_ref().and_then(scalar).ok_or_else(wrong)?);
    }
    let found = keys
        .iter()
        .try_fold(None, |found: Option<&Value>, key| {
            Some(Some(match found {
                None => on.mappings.get(key)?,
                Some(value) => value.get(key)?,
            }))
        })
        .flatten();
    match (found, default) {
        (Some(value), _) => Ok(Some(value.clone())),
        (None, Some(default)) => on.value(default),
        (None, None) => {
            Err(Error::function(format!("Unable to get mapping for {}", keys.join("::"))))
        }
    }
}

fn encode(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || Error::function("every Fn::Base64 object must have a String-typed value.");
    let text = on.value(argument)?.ok_or_else(wrong)?;
    if is_later(&text) {
        return retained("Fn::Base64", text);
    }
    Ok(Some(Value::String(STANDARD.encode(scalar(&text).ok_or_else(wrong)?))))
}

fn zones(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || Error::function("every Fn::GetAZs object must have a String-typed value.");
    let region = on.value(argument)?.as_ref().and_then(scalar).ok_or_else(wrong)?;
    let region = if region.is_empty() { on.pseudo.region.clone() } else { region };
    Ok(Some(on.context.map(|context| context.zones(&region)).unwrap_or_default().into()))
}

fn import(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "the attribute in Fn::ImportValue must be a string or a function that returns a string",
        )
    };
    let name = on.value(argument)?.ok_or_else(wrong)?;
    if is_later(&name) {
        return Err(Error::function(
            "the attribute in Fn::ImportValue must not depend on any resources, imported values, \
             or Fn::GetAZs",
        ));
    }
    let name = scalar(&name).ok_or_else(wrong)?;
    let found = on.context.and_then(|context| context.import(&name));
    found.map(Some).ok_or_else(|| Error::Function(format!("No export named {name} found.")))
}

fn cidr_blocks(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || {
        Error::function(
            "every Fn::Cidr object requires two parameters, (1) an IP block and (2) a count, and \
             an optional third, (3) cidr bits",
        )
    };
    let items = on.list(argument.as_array().ok_or_else(wrong)?)?;
    if items.iter().any(is_later) {
        return retained("Fn::Cidr", Value::Array(items));
    }
    let number = |at: usize| items.get(at).and_then(scalar).and_then(|text| text.parse().ok());
    let block = items.first().and_then(scalar).ok_or_else(wrong)?;
    let count = number(1).ok_or_else(wrong)?;
    let default = if block.contains(':') { 64 } else { 8 };
    let bits = if items.len() > 2 { number(2).ok_or_else(wrong)? } else { default };
    cidr::blocks(&block, count, bits).map(|blocks| Some(blocks.into())).ok_or_else(|| {
        Error::function(format!(
            "Fn::Cidr: {block} does not hold {count} blocks of {bits} bits, or is no IP block"
        ))
    })
}

/// From the `AWS::LanguageExtensions` transform, which is applied in place here.
fn length(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let wrong = || Error::function("Fn::Length requires a list.");
    let list = on.value(argument)?.ok_or_else(wrong)?;
    if is_later(&list) {
        return retained("Fn::Length", list);
    }
    Ok(Some(list.as_array().ok_or_else(wrong)?.len().into()))
}

/// From the `AWS::LanguageExtensions` transform, which is applied in place here.
fn to_json(on: &Evaluator<'_>, argument: &Value) -> Outcome {
    let value = on.value(argument)?.unwrap_or(Value::Null);
    if contains_later(&value) {
        return retained("Fn::ToJsonString", value);
    }
    Ok(Some(Value::String(value.to_string())))
}

fn contains_later(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(contains_later),
        Value::Object(map) => is_later(value) || map.values().any(contains_later),
        _ => false,
    }
}
