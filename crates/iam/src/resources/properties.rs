//! A resource's properties, as templates spell them.

use std::collections::BTreeMap;

use cumulet_api_iam::types::Tag;
use cumulet_service::{Desired, Error, Result};
use serde_json::{Map, Value};

/// The random part of a made name and the dash before it.
const END: usize = 13;

pub(crate) type Properties = Map<String, Value>;

fn wrong(name: &str, what: &str) -> Error {
    Error::validation(format!("The property {name} must be {what}."))
}

/// A text; numbers and booleans are texts too, as in AWS's templates.
pub(crate) fn text(properties: &Properties, name: &str) -> Result<Option<String>> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(scalar(value).ok_or_else(|| wrong(name, "a text"))?)),
    }
}

/// A text that must be there.
pub(crate) fn required(properties: &Properties, name: &str) -> Result<String> {
    text(properties, name)?
        .ok_or_else(|| Error::validation(format!("The property {name} is required.")))
}

/// A number.
pub(crate) fn number(properties: &Properties, name: &str) -> Result<Option<i32>> {
    let text = text(properties, name)?;
    text.map(|text| text.parse().map_err(|_| wrong(name, "a number"))).transpose()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list of texts; not there is empty.
pub(crate) fn texts(properties: &Properties, name: &str) -> Result<Vec<String>> {
    let wrong = || wrong(name, "a list of texts");
    match properties.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| scalar(item).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// A policy: an object, or its text.
pub(crate) fn document(properties: &Properties, name: &str) -> Result<String> {
    match properties.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ Value::Object(_)) => Ok(value.to_string()),
        _ => Err(wrong(name, "a policy")),
    }
}

/// `Policies`: inline policies, name to text.
pub(crate) fn policies(properties: &Properties) -> Result<BTreeMap<String, String>> {
    let wrong = || wrong("Policies", "a list of policies with PolicyName and PolicyDocument");
    let items = match properties.get("Policies") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let read = |item: &Value| {
        let item = item.as_object().ok_or_else(wrong)?;
        Ok((required(item, "PolicyName")?, document(item, "PolicyDocument")?))
    };
    items.iter().map(read).collect()
}

/// The resource's own tags, before the stack's with the same key.
pub(crate) fn tags(desired: &Desired<'_>) -> Result<Vec<Tag>> {
    // IAM takes no tags of AWS's own from anybody.
    let stack = desired.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let stack: BTreeMap<String, String> = stack.cloned().collect();
    let own = own_tags(desired.properties)?;
    let tags = stack.into_iter().chain(own).collect::<BTreeMap<_, _>>();
    Ok(tags.into_iter().map(|(key, value)| Tag { key, value }).collect())
}

/// `Tags`, key to value.
pub(crate) fn own_tags(properties: &Properties) -> Result<BTreeMap<String, String>> {
    let wrong = || wrong("Tags", "a list of tags with Key and Value");
    let items = match properties.get("Tags") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong()),
    };
    let read = |item: &Value| {
        let item = item.as_object().ok_or_else(wrong)?;
        Ok((required(item, "Key")?, required(item, "Value")?))
    };
    items.iter().map(read).collect()
}

/// The name that the template gives, or one made of `desired.name` with `longest` characters at
/// most: the end, which tells stacks apart, is kept.
pub(crate) fn name(desired: &Desired<'_>, property: &str, longest: usize) -> Result<String> {
    if let Some(given) = text(desired.properties, property)? {
        return Ok(given);
    }
    let count = desired.name.chars().count();
    if count <= longest {
        return Ok(desired.name.to_owned());
    }
    let head = desired.name.chars().take(longest.saturating_sub(END));
    Ok(head.chain(desired.name.chars().skip(count - END)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_of_the_wrong_kind_are_named() {
        let properties = json!({"A": [1], "L": "x", "N": "12", "B": true, "Policies": {}});
        let properties = properties.as_object().unwrap();
        assert!(text(properties, "A").unwrap_err().message.contains('A'));
        assert!(texts(properties, "L").is_err());
        assert_eq!(number(properties, "N").unwrap(), Some(12));
        assert_eq!(text(properties, "B").unwrap().as_deref(), Some("true"));
        assert_eq!(texts(properties, "none").unwrap(), Vec::<String>::new());
        assert!(required(properties, "none").is_err() && document(properties, "N").is_ok());
        assert!(policies(properties).is_err());
    }

    #[test]
    fn made_names_keep_their_end() {
        let long = format!("{}-ABCDEFGHIJKL", "s".repeat(80));
        let properties = Properties::new();
        let desired = Desired { name: &long, properties: &properties, tags: &[] };
        let name = name(&desired, "RoleName", 64).unwrap();
        assert!(name.len() == 64 && name.ends_with("s-ABCDEFGHIJKL"));
    }
}
