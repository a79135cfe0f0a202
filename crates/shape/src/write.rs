//! The writing half of a codec.

use cumulet_base::Timestamp;

use crate::{Member, Schema, Shape, Structure};

/// Takes the values of a message one after the other.
///
/// A codec implements it; shapes drive it. Writing into memory cannot fail.
pub trait Writer {
    /// A structure: `members` calls [`Self::member`] before each value.
    fn structure(
        &mut self,
        structure: &'static Structure,
        schema: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    );
    /// Names the member whose value follows. `false`: the writer does not want it; write nothing.
    fn member(&mut self, member: &'static Member) -> bool;
    /// A list of `len` elements, which `items` writes.
    fn list(&mut self, schema: Schema, len: usize, items: &mut dyn FnMut(&mut dyn Writer));
    /// A map of `len` entries: `entries` calls [`Self::key`] before each value.
    fn map(&mut self, schema: Schema, len: usize, entries: &mut dyn FnMut(&mut dyn Writer));
    /// Names the map entry whose value follows.
    fn key(&mut self, key: &str);
    /// A truth value.
    fn boolean(&mut self, schema: Schema, value: bool);
    /// A whole number.
    fn integer(&mut self, schema: Schema, value: i64);
    /// A floating-point number.
    fn float(&mut self, schema: Schema, value: f64);
    /// A text.
    fn string(&mut self, schema: Schema, value: &str);
    /// Bytes.
    fn blob(&mut self, schema: Schema, value: &[u8]);
    /// A moment, in the schema's format or the protocol's.
    fn timestamp(&mut self, schema: Schema, value: Timestamp);
    /// Any JSON value.
    fn document(&mut self, schema: Schema, value: &serde_json::Value);
}

/// Writes one member of a structure for a derived [`Shape`], where there is a value and a wish.
pub fn write_member<T: Shape>(w: &mut dyn Writer, member: Option<&'static Member>, value: &T) {
    if let Some(member) = member
        && value.is_present()
        && w.member(member)
    {
        value.write(member.schema, w);
    }
}
