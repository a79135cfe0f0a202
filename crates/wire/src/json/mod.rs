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

/// How many bytes stand in a JSON string as they are: up to a quote, a backslash or a control
/// character (RFC 8259, section 7).
fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let marks = special(u64::from_le_bytes(*word));
        if marks != 0 {
            return at * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    bytes.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Marks the top bit of each of eight bytes that does not stand in a JSON string as it is. Above
/// the lowest mark there may be marks too many, because subtraction borrows from the next byte.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

#[cfg(test)]
mod tests;
