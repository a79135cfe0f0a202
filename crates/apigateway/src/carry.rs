//! Between wire types and stored records, by the names of their members.
//!
//! API Gateway's requests, answers and resources are the same members over and over, so a record is
//! filled from a request, and an answer from a record, by name. Both sides are typed: what a record
//! does not have is not stored.

use cumulet_service::{Error, Result};
use cumulet_shape::{Faults, Schema, Shape};
use cumulet_wire::json::{JsonReader, JsonWriter};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Levels of an API's resource; the deepest (a stage's settings) has four.
const DEPTH: usize = 32;

/// The members of a wire type that are present.
pub(crate) fn members<S: Shape>(shape: &S) -> Result<Map<String, Value>> {
    let mut writer = JsonWriter::default();
    shape.write(Schema::of::<S>(), &mut writer);
    serde_json::from_slice(&writer.into_bytes()).map_err(Error::internal)
}

/// A wire type of a record's members.
pub(crate) fn shape<S: Shape>(record: &impl Serialize) -> Result<S> {
    let bytes = serde_json::to_vec(record).map_err(Error::internal)?;
    let mut reader = JsonReader::new(&bytes, DEPTH).map_err(Error::internal)?;
    S::read(Schema::of::<S>(), &mut reader, &mut Faults::default()).map_err(Error::internal)
}

/// A record of a request's members.
pub(crate) fn record<R: DeserializeOwned>(members: Map<String, Value>) -> Result<R> {
    serde_json::from_value(Value::Object(members)).map_err(Error::internal)
}

/// `record` with the members that a request brings.
pub(crate) fn changed<R>(record: &R, members: Map<String, Value>) -> Result<R>
where
    R: Serialize + DeserializeOwned,
{
    let mut all = serde_json::to_value(record).map_err(Error::internal)?;
    if let Some(all) = all.as_object_mut() {
        all.extend(members);
    }
    serde_json::from_value(all).map_err(Error::internal)
}

/// A text among a request's members.
pub(crate) fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}
