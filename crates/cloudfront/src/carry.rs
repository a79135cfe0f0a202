//! Between wire types and stored documents, by the names of their members.
//!
//! A configuration is stored as what it is to its owner: a document of AWS's model, which is read
//! back whole. Both ways lead through its type, so what the model does not have is not stored.

use cumulet_service::{Error, Result};
use cumulet_shape::{Faults, Schema, Shape};
use cumulet_wire::json::{JsonReader, JsonWriter};
use serde_json::{Map, Value};

/// Levels of a configuration; the deepest has eight.
const DEPTH: usize = 32;

/// The members of a wire type that are present.
pub(crate) fn members<S: Shape>(shape: &S) -> Result<Map<String, Value>> {
    let mut writer = JsonWriter::default();
    shape.write(Schema::of::<S>(), &mut writer);
    serde_json::from_slice(&writer.into_bytes()).map_err(Error::internal)
}

/// The wire type that has these members.
pub(crate) fn shape<S: Shape>(members: &Map<String, Value>) -> Result<S> {
    let bytes = serde_json::to_vec(members).map_err(Error::internal)?;
    let mut reader = JsonReader::new(&bytes, DEPTH).map_err(Error::internal)?;
    S::read(Schema::of::<S>(), &mut reader, &mut Faults::default()).map_err(Error::internal)
}
