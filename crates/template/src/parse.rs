//! From text to a document: JSON where the text is JSON, YAML otherwise.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::yaml;

/// Bounds of the reader.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a template (CloudFormation: 51,200 in a request, 1 MB from S3).
    pub bytes: usize,
    /// Levels of nesting. AWS documents none; no template of use comes near it.
    pub depth: usize,
    /// Values, mappings and sequences together, aliases counted as often as they are used.
    pub nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1_000_000, depth: 100, nodes: 200_000 }
    }
}

/// Reads a template. Short forms (`!Ref`, `!Sub`, …) come out in their long form.
///
/// Errors carry the line and column; duplicate keys are refused.
pub fn parse(text: &str, limits: &Limits) -> Result<Value, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Format(format!(
            "Template may not exceed {} bytes in size.",
            limits.bytes
        )));
    }
    // A flow mapping may open a YAML document too, so what is not JSON gets its second chance;
    // the message then is the JSON one, since that is what the author most likely meant.
    if text.trim_start().starts_with('{') {
        return match json(text) {
            Ok(value) => Ok(value),
            Err(error) => yaml::parse(text, limits).map_err(|_| error),
        };
    }
    yaml::parse(text, limits)
}

fn json(text: &str) -> Result<Value, Error> {
    serde_json::from_str::<Unique>(text).map(|value| value.0).map_err(|error| Error::Syntax {
        reason: if error.is_data() {
            error.to_string().split(" at line").next().unwrap_or_default().to_owned()
        } else {
            "JSON not well-formed.".to_owned()
        },
        line: error.line(),
        column: error.column(),
    })
}

/// A JSON value none of whose objects names a key twice. (serde_json itself keeps the last.)
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format!("duplicate key '{key}'")));
            }
            let Unique(value) = access.next_value()?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        parse(text, &Limits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_json_and_refuses_duplicate_keys() {
        assert_eq!(read("{\"a\": [1, 2.5, \"x\", null, true]}"), {
            Ok(json!({"a": [1, 2.5, "x", null, true]}))
        });
        assert_eq!(
            read("{\n \"a\": 1,\n \"a\": 2}"),
            Err("Template format error: duplicate key 'a' (line 3, column 4)".to_owned())
        );
        assert_eq!(
            read("{\"a\": ]"),
            Err("Template format error: JSON not well-formed. (line 1, column 7)".to_owned())
        );
        assert_eq!(read("{a: !Ref b}"), Ok(json!({"a": {"Ref": "b"}})));
    }

    #[test]
    fn refuses_what_is_too_large() {
        let limits = Limits { bytes: 10, ..Limits::default() };
        assert!(parse("a: 1234567890", &limits).is_err());
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(read(&deep).is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert!(read(&deep).is_err());
    }

    #[test]
    fn never_panics() {
        bolero::check!().with_iterations(4000).for_each(|bytes: &[u8]| {
            if let Ok(text) = std::str::from_utf8(bytes) {
                let _ = parse(text, &Limits::default());
            }
        });
    }
}
