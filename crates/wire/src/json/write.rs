//! JSON out, straight into the response's buffer.

use base64::Engine as _;
use cumulet_base::Timestamp;
use cumulet_shape::{Location, Member, Schema, Structure, TimeFormat, Writer};
use serde_json::Value;

use super::plain;
use crate::time;

/// A writer of one JSON document.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
    /// Leave out members of the outermost structure that stand outside the body (REST protocols).
    body_only: bool,
    /// Levels open.
    depth: usize,
}

impl JsonWriter {
    /// A writer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), ..Self::default() }
    }

    /// A writer of the part of a REST message that is its body.
    pub fn body_only() -> Self {
        Self { body_only: true, ..Self::default() }
    }

    /// The document.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// An object around what `write` writes.
    pub(crate) fn object(&mut self, write: &mut dyn FnMut(&mut Self)) {
        self.separate();
        self.out.push(b'{');
        write(self);
        self.out.push(b'}');
    }

    /// A name and a text.
    pub(crate) fn pair(&mut self, name: &str, value: &str) {
        self.name(name);
        text(&mut self.out, value);
    }

    /// A comma, unless this is the first value of its list or structure.
    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    fn name(&mut self, name: &str) {
        self.separate();
        text(&mut self.out, name);
        self.out.push(b':');
    }

    fn value(&mut self, json: &[u8]) {
        self.separate();
        self.out.extend_from_slice(json);
    }

    fn within(&mut self, open: u8, close: u8, write: &mut dyn FnMut(&mut dyn Writer)) {
        self.separate();
        self.out.push(open);
        self.depth += 1;
        write(self);
        self.depth -= 1;
        self.out.push(close);
    }
}

/// Appends `value` as a JSON string.
pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = value.as_bytes();
    loop {
        let (clear, special) = rest.split_at(plain(rest));
        out.extend_from_slice(clear);
        let Some((&byte, behind)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
        rest = behind;
    }
    out.push(b'"');
}

impl Writer for JsonWriter {
    fn structure(
        &mut self,
        _: &'static Structure,
        _: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        self.within(b'{', b'}', members);
    }

    fn member(&mut self, member: &'static Member) -> bool {
        let wanted = !self.body_only || self.depth > 1 || member.at == Location::Body;
        if wanted {
            self.name(member.wire);
        }
        wanted
    }

    fn list(&mut self, _: Schema, _: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        self.within(b'[', b']', items);
    }

    fn map(&mut self, _: Schema, _: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        self.within(b'{', b'}', entries);
    }

    fn key(&mut self, key: &str) {
        self.name(key);
    }

    fn boolean(&mut self, _: Schema, value: bool) {
        self.value(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, _: Schema, value: i64) {
        self.value(value.to_string().as_bytes());
    }

    fn float(&mut self, _: Schema, value: f64) {
        let spelled = if value.is_nan() {
            "\"NaN\"".to_owned()
        } else if value.is_infinite() {
            format!("\"{}Infinity\"", if value < 0.0 { "-" } else { "" })
        } else {
            format!("{value:?}")
        };
        self.value(spelled.as_bytes());
    }

    fn string(&mut self, _: Schema, value: &str) {
        self.separate();
        text(&mut self.out, value);
    }

    fn blob(&mut self, _: Schema, value: &[u8]) {
        self.separate();
        self.out.push(b'"');
        let start = self.out.len();
        let engine = base64::engine::general_purpose::STANDARD;
        self.out.resize(start + value.len().div_ceil(3) * 4, b'=');
        let room = self.out.get_mut(start..).unwrap_or_default();
        // The room is exactly what base64 with padding takes.
        let written = engine.encode_slice(value, room).unwrap_or_default();
        self.out.truncate(start + written);
        self.out.push(b'"');
    }

    fn timestamp(&mut self, schema: Schema, value: Timestamp) {
        match schema.rules.time {
            None | Some(TimeFormat::Epoch) => {
                self.value(time::format(value, TimeFormat::Epoch).as_bytes());
            }
            Some(format) => self.string(schema, &time::format(value, format)),
        }
    }

    fn document(&mut self, _: Schema, value: &Value) {
        self.separate();
        self.out.extend_from_slice(value.to_string().as_bytes());
    }
}
