//! Settings as JSON in the API's own spelling, to be stored, and back.

use cumulet_service::{Error, Result};
use cumulet_shape::{Faults, Kind, Schema, Shape};
use cumulet_wire::json::{JsonReader, JsonWriter};
use serde_json::{Map, Value};

/// How deep settings are nested at most; AWS's are five levels.
const DEPTH: usize = 16;

/// A wire value as a document.
pub(crate) fn write<T: Shape>(value: &T) -> Result<Value> {
    let mut writer = JsonWriter::with_capacity(1024);
    value.write(Schema::of::<T>(), &mut writer);
    serde_json::from_slice(&writer.into_bytes()).map_err(Error::internal)
}

/// The wire value of a document that [`write`] made, or that a template holds. What breaks a rule of
/// the model is no error here: the operation that gets the value checks it.
pub(crate) fn read<T: Shape>(document: &Value) -> Result<T> {
    let text = serde_json::to_vec(document).map_err(Error::internal)?;
    let mut reader = JsonReader::whole(&text, DEPTH).map_err(|why| Error::unreadable(&why))?;
    T::read(Schema::of::<T>(), &mut reader, &mut Faults::default())
        .map_err(|why| Error::unreadable(&why))
}

/// The wire value of a resource's properties. Templates may write numbers and truth values as text,
/// and text as numbers; the model says which is meant.
pub(crate) fn from_template<T: Shape>(properties: &Map<String, Value>) -> Result<T> {
    let document = Value::Object(properties.clone());
    read(&coerced(document, T::KIND))
}

fn coerced(value: Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Object(members), Kind::Structure(structure)) => {
            let kind_of = |name: &str| {
                let member = structure().members.iter().find(|member| member.wire == name);
                member.map_or(Kind::Document, |member| member.schema.kind)
            };
            let each = |(name, value): (String, Value)| {
                let kind = kind_of(&name);
                (name, coerced(value, kind))
            };
            Value::Object(members.into_iter().map(each).collect())
        }
        (Value::Object(entries), Kind::Map(kind)) => {
            let each = |(name, value)| (name, coerced(value, *kind));
            Value::Object(entries.into_iter().map(each).collect())
        }
        (Value::Array(items), Kind::List(kind)) => {
            Value::Array(items.into_iter().map(|item| coerced(item, *kind)).collect())
        }
        (Value::String(text), Kind::Integer | Kind::Long) => {
            text.parse::<i64>().map_or(Value::String(text), Value::from)
        }
        (Value::String(text), Kind::Boolean) => match text.as_str() {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            _ => Value::String(text),
        },
        (Value::Number(number), Kind::String) => Value::String(number.to_string()),
        (Value::Bool(truth), Kind::String) => Value::String(truth.to_string()),
        (other, _) => other,
    }
}
