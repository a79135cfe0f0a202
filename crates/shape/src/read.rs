//! The reading half of a codec.

use std::borrow::Cow;
use std::fmt;

use cumulet_base::{Body, Timestamp};

use crate::{Constraint, Faults, Kind, Schema, Structure};

/// Hands out the values of a message one after the other, in the message's order.
///
/// A codec implements what its format has; shapes drive it. A method consumes exactly one value.
pub trait Reader {
    /// Consumes a null if one is next, and says so. Most formats have none.
    fn null(&mut self) -> Result<bool, ReadError> {
        Ok(false)
    }
    /// A truth value.
    fn boolean(&mut self) -> Result<bool, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A whole number that fits the schema's kind ([`Kind::Integer`] or [`Kind::Long`]).
    fn integer(&mut self, _: Schema) -> Result<i64, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A floating-point number.
    fn float(&mut self) -> Result<f64, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A text, borrowed from the message where it stands there unescaped.
    fn string(&mut self) -> Result<Cow<'_, str>, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// Bytes.
    fn blob(&mut self) -> Result<Cow<'_, [u8]>, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A moment in the schema's format.
    fn timestamp(&mut self, _: Schema) -> Result<Timestamp, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// Any JSON value.
    fn document(&mut self) -> Result<serde_json::Value, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// The body as it comes.
    fn stream(&mut self) -> Result<Body, ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A structure: `each` gets the index of a known member and reads its value. Unknown members
    /// and nulls are skipped, a repeated member is given again.
    fn structure(
        &mut self,
        _: &'static Structure,
        _: &mut EachMember<'_>,
    ) -> Result<(), ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A list: `each` reads one element.
    fn list(&mut self, _: Schema, _: &mut EachItem<'_>) -> Result<(), ReadError> {
        Err(ReadError::UnexpectedField)
    }
    /// A map: `each` gets a key and reads its value.
    fn map(&mut self, _: Schema, _: &mut EachEntry<'_>) -> Result<(), ReadError> {
        Err(ReadError::UnexpectedField)
    }
}

/// Reads the member with this index.
pub type EachMember<'e> = dyn FnMut(usize, &mut dyn Reader) -> Result<(), ReadError> + 'e;
/// Reads one element.
pub type EachItem<'e> = dyn FnMut(&mut dyn Reader) -> Result<(), ReadError> + 'e;
/// Reads the value of this key.
pub type EachEntry<'e> = dyn FnMut(&str, &mut dyn Reader) -> Result<(), ReadError> + 'e;

/// Why a message cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// It is not of its format: broken JSON, XML or form.
    Syntax,
    /// It holds a value of another kind; both in the Coral framework's spelling.
    Type {
        /// What stands there: `NUMBER_VALUE`, `STRING_VALUE`, `TRUE_VALUE` …
        found: &'static str,
        /// What should: `String`, `Integer` …
        expected: &'static str,
    },
    /// A structure stands where a plain value or a list should.
    UnexpectedStart,
    /// A list stands where a value of this Java class should.
    UnexpectedList(&'static str),
    /// A plain value stands where a list or structure should.
    UnexpectedField,
    /// It is nested deeper than the limit.
    TooDeep,
    /// A value that cannot be what it should; the text says why.
    Value(String),
}

impl fmt::Display for ReadError {
    /// The Coral framework's messages; broken syntax has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => Ok(()),
            Self::Type { found, expected } => {
                write!(f, "{found} cannot be converted to {expected}")
            }
            Self::UnexpectedStart => {
                f.write_str("Start of structure or map found where not expected")
            }
            Self::UnexpectedList(class) => write!(f, "Unrecognized collection type {class}"),
            Self::UnexpectedField => f.write_str("Unexpected field type"),
            Self::TooDeep => f.write_str("The document is nested too deeply"),
            Self::Value(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a structure for a derived [`crate::Shape`]: gives each member its place in fault paths and
/// notes the required members that are not there. A structure has at most 128 members.
pub fn read_structure(
    structure: &'static Structure,
    r: &mut dyn Reader,
    faults: &mut Faults,
    each: &mut dyn FnMut(usize, &mut dyn Reader, &mut Faults) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut seen = 0_u128;
    r.structure(structure, &mut |index, r| {
        seen |= 1 << (index % 128);
        let mark = faults.mark();
        each(index, r, faults)?;
        if let Some(member) = structure.members.get(index) {
            faults.within_member(mark, member.name);
        }
        Ok(())
    })?;
    for (index, member) in structure.members.iter().enumerate() {
        let streams = matches!(member.schema.kind, Kind::Stream);
        if member.required && !streams && seen & (1 << (index % 128)) == 0 {
            let mark = faults.mark();
            faults.add(None, Constraint::NotNull);
            faults.within_member(mark, member.name);
        }
    }
    Ok(())
}
