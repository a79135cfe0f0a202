//! The stored form, byte by byte. Little-endian; every part is position-independent, so a value
//! is copied into another item as it is.
//!
//! ```text
//! item    version (1), AWS's size of the item (u32), payload of a map
//! value   tag, body
//! body    S, B: length (LEB128), bytes    N: length (1 byte), order-preserving bytes
//!         BOOL, NULL: none                sets, L, M: payload's length (u32), payload
//! payload entries, offset of each entry (u32 each), count (u32)
//! entry   L: value    M: name's length (LEB128), name, value    sets: a body without its tag
//! ```
//! Entries lie in the order they came in; the offsets are sorted by name in a map, by member in a
//! set, and by position in a list. So a look-up is a binary search, and two equal values compare
//! entry by entry.

use crate::number_bytes::NumberRef;
use crate::view::{Container, ListRef, MapRef, SetRef, Type, ValueRef};

/// The first byte of a stored item.
pub(crate) const VERSION: u8 = 1;
/// Bytes before an item's payload: version and size.
pub(crate) const HEADER: usize = 5;

const FALSE: u8 = 0;
const TRUE: u8 = 1;
const NULL: u8 = 2;
const STRING: u8 = 3;
const NUMBER: u8 = 4;
const BINARY: u8 = 5;
const STRING_SET: u8 = 6;
const NUMBER_SET: u8 = 7;
const BINARY_SET: u8 = 8;
const LIST: u8 = 9;
const MAP: u8 = 10;

/// Appends a length as LEB128.
pub(crate) fn put_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Splits bytes with a LEB128 length before them: (bytes, rest).
pub(crate) fn split_bytes(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut length, mut shift, mut rest) = (0usize, 0, input);
    loop {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return rest.split_at_checked(length);
        }
        shift += 7;
        if shift > 28 {
            return None;
        }
    }
}

/// Reads a little-endian u32 at an offset.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.push(STRING);
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_number(out: &mut Vec<u8>, number: NumberRef<'_>) {
    out.push(NUMBER);
    put_number_body(out, number);
}

/// A number as a member of a set: its length is below 128, where LEB128 is the byte itself.
pub(crate) fn put_number_body(out: &mut Vec<u8>, number: NumberRef<'_>) {
    put_length(out, number.as_bytes().len());
    out.extend_from_slice(number.as_bytes());
}

pub(crate) fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(BINARY);
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { TRUE } else { FALSE });
}

pub(crate) fn put_null(out: &mut Vec<u8>) {
    out.push(NULL);
}

/// Begins a set, list or map: the tag, and room for the length that [`end_container`] fills in.
pub(crate) fn begin_container(out: &mut Vec<u8>, kind: Type) {
    out.push(match kind {
        Type::SS => STRING_SET,
        Type::NS => NUMBER_SET,
        Type::BS => BINARY_SET,
        Type::L => LIST,
        _ => MAP,
    });
    out.extend_from_slice(&[0; 4]);
}

/// Ends a payload that begins at `start`: the offsets (from `start`) and their count.
pub(crate) fn end_payload(out: &mut Vec<u8>, offsets: &[u32]) {
    out.reserve(4 * offsets.len() + 4);
    for offset in offsets {
        out.extend_from_slice(&offset.to_le_bytes());
    }
    out.extend_from_slice(&(offsets.len() as u32).to_le_bytes());
}

/// Fills in the length of the container whose payload begins at `start`.
pub(crate) fn end_container(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u32;
    if let Some(slot) = out.get_mut(start - 4..start) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends a value that is already in stored form.
pub(crate) fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::S(text) => put_string(out, text),
        ValueRef::N(number) => put_number(out, number),
        ValueRef::B(bytes) => put_binary(out, bytes),
        ValueRef::Bool(value) => put_bool(out, value),
        ValueRef::Null => put_null(out),
        ValueRef::SS(set) | ValueRef::NS(set) | ValueRef::BS(set) => {
            put_payload(out, value.kind(), set.0);
        }
        ValueRef::L(list) => put_payload(out, Type::L, list.0),
        ValueRef::M(map) => put_payload(out, Type::M, map.0),
    }
}

fn put_payload(out: &mut Vec<u8>, kind: Type, container: Container<'_>) {
    begin_container(out, kind);
    let start = out.len();
    out.extend_from_slice(container.payload());
    end_container(out, start);
}

/// Reads the value at the start of `input`: (value, rest). `None` if the bytes are damaged.
pub(crate) fn split_value(input: &[u8]) -> Option<(ValueRef<'_>, &[u8])> {
    let (tag, rest) = input.split_first()?;
    match *tag {
        FALSE => Some((ValueRef::Bool(false), rest)),
        TRUE => Some((ValueRef::Bool(true), rest)),
        NULL => Some((ValueRef::Null, rest)),
        STRING => split_bytes(rest).and_then(|(text, rest)| Some((ValueRef::S(utf8(text)?), rest))),
        NUMBER => {
            split_bytes(rest).map(|(bytes, rest)| (ValueRef::N(NumberRef::from_bytes(bytes)), rest))
        }
        BINARY => split_bytes(rest).map(|(bytes, rest)| (ValueRef::B(bytes), rest)),
        tag @ STRING_SET..=MAP => {
            let length = u32_at(rest, 0)? as usize;
            let (payload, rest) = rest.get(4..)?.split_at_checked(length)?;
            let container = Container::new(payload)?;
            let value = match tag {
                STRING_SET => ValueRef::SS(SetRef(container)),
                NUMBER_SET => ValueRef::NS(SetRef(container)),
                BINARY_SET => ValueRef::BS(SetRef(container)),
                LIST => ValueRef::L(ListRef(container)),
                _ => ValueRef::M(MapRef(container)),
            };
            Some((value, rest))
        }
        _ => None,
    }
}

/// Text, if it is UTF-8. Up to 64 bytes simdutf8 only adds a call to what std does.
pub(crate) fn utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.len() < 64 {
        return std::str::from_utf8(bytes).ok();
    }
    simdutf8::basic::from_utf8(bytes).ok()
}
