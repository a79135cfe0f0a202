//! Reading a resource's properties. CloudFormation takes numbers and booleans as text too.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;

/// Properties, or a part of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Properties<'a>(pub(crate) &'a Map<String, Value>);

type Result<T> = std::result::Result<T, Error>;

fn wrong(name: &str, what: &str) -> Error {
    Error::Invalid(format!("The property {name} must be {what}."))
}

impl<'a> Properties<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, as which numbers count too.
    pub(crate) fn text(self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn needed(self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| Error::Invalid(format!("The property {name} is required.")))
    }

    /// One of the values of an enumeration.
    pub(crate) fn one_of<T>(self, name: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(&text).map(Some).ok_or_else(|| wrong(name, "one of the values that AWS lists"))
    }

    /// A whole number.
    pub(crate) fn integer(self, name: &str) -> Result<Option<i32>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(name, "a whole number"))
    }

    /// A number.
    pub(crate) fn number(self, name: &str) -> Result<Option<f64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(name, "a number"))
    }

    /// Yes or no.
    pub(crate) fn boolean(self, name: &str) -> Result<Option<bool>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| wrong(name, "true or false"))
    }

    /// Further properties.
    pub(crate) fn part(self, name: &str) -> Result<Option<Properties<'a>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(part)) => Ok(Some(Properties(part))),
            Some(_) => Err(wrong(name, "a map")),
        }
    }

    /// A list of further properties.
    pub(crate) fn parts(self, name: &str) -> Result<Vec<Properties<'a>>> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong(name, "a list")),
        };
        let part = |item: &'a Value| item.as_object().map(Properties);
        items.iter().map(|item| part(item).ok_or_else(|| wrong(name, "a list of maps"))).collect()
    }

    /// A list of texts.
    pub(crate) fn texts(self, name: &str) -> Result<Option<Vec<String>>> {
        let items = match self.get(name) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong(name, "a list")),
        };
        let text = |item: &Value| item.as_str().map(str::to_owned);
        let texts = items.iter().map(|i| text(i).ok_or_else(|| wrong(name, "a list of texts")));
        texts.collect::<Result<_>>().map(Some)
    }

    /// Texts by name.
    pub(crate) fn texts_by_name(self, name: &str) -> Result<Option<BTreeMap<String, String>>> {
        let Some(part) = self.part(name)? else { return Ok(None) };
        let all = part.0.keys().map(|key| Ok((key.clone(), part.needed(key)?)));
        all.collect::<Result<_>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_booleans_come_as_text_too() {
        let value =
            json!({ "n": "5", "m": 6, "b": "true", "l": ["x"], "o": { "k": 1 }, "z": null });
        let properties = Properties(value.as_object().unwrap());
        assert_eq!(properties.integer("n"), Ok(Some(5)));
        assert_eq!(properties.integer("m"), Ok(Some(6)));
        assert_eq!(properties.boolean("b"), Ok(Some(true)));
        assert_eq!(properties.text("z"), Ok(None));
        assert_eq!(properties.texts("l"), Ok(Some(vec!["x".into()])));
        let by_name = properties.texts_by_name("o").unwrap().unwrap();
        assert_eq!(by_name, BTreeMap::from([("k".into(), "1".into())]));
        assert!(properties.integer("b").is_err() && properties.needed("nothing").is_err());
        assert!(properties.part("l").is_err() && properties.text("o").is_err());
    }
}
