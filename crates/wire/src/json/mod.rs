//! JSON: the codec of awsJson and restJson bodies, and users' own documents.

mod read;
mod write;

pub use read::JsonReader;
pub use write::JsonWriter;

use cumulet_shape::{ReadError, Reader as _};
use serde_json::Value;

/// Parses a user's own document (a policy, an event, a template), at most `depth` levels deep.
///
/// Of a repeated key the last one counts, as in most JSON readers.
pub fn document(bytes: &[u8], depth: usize) -> Result<Value, ReadError> {
    let mut reader = JsonReader::new(bytes, depth)?;
    let value = reader.document()?;
    reader.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests;
