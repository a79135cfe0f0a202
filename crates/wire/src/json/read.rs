//! JSON in: a pull parser over the message's bytes (RFC 8259).
//!
//! It builds no tree and borrows every text that has no escapes. Nesting is bounded, skipping a
//! value takes no recursion, and nothing is allocated in proportion to a claimed length.

use std::borrow::Cow;

use base64::Engine as _;
use cumulet_base::Timestamp;
use cumulet_shape::{
    EachEntry, EachItem, EachMember, Kind, ReadError, Reader, Schema, Structure, TimeFormat,
};
use serde_json::Value;

use super::plain;
use crate::time;

type Result<T> = std::result::Result<T, ReadError>;

/// A reader of one JSON document.
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    /// Levels that may still be opened.
    depth: usize,
    /// The outermost structure must be the whole message.
    whole: bool,
    /// The last text that had escapes, or bytes that were base64.
    scratch: Vec<u8>,
}

impl<'a> JsonReader<'a> {
    /// A reader of `bytes`, which must be UTF-8; at most `depth` levels deep.
    pub fn new(bytes: &'a [u8], depth: usize) -> Result<Self> {
        let text = simdutf8::basic::from_utf8(bytes).map_err(|_| ReadError::Syntax)?;
        Ok(Self { text, at: 0, depth, whole: false, scratch: Vec::new() })
    }

    /// A reader of a message that is one structure and nothing else.
    pub fn whole(bytes: &'a [u8], depth: usize) -> Result<Self> {
        Ok(Self { whole: true, ..Self::new(bytes, depth)? })
    }

    /// Nothing but white space may follow the document.
    pub fn finish(mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(ReadError::Syntax) }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Result<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(ReadError::Syntax)
        }
    }

    /// Takes `byte` if it is next.
    fn next_is(&mut self, byte: u8) -> bool {
        let yes = self.peek() == Some(byte);
        self.at += usize::from(yes);
        yes
    }

    fn literal(&mut self, word: &str) -> Result<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(ReadError::Syntax);
        }
        self.at += word.len();
        Ok(())
    }

    fn descend(&mut self) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or(ReadError::TooDeep)?;
        Ok(())
    }

    /// What a value of another kind is called in Coral's messages.
    fn mismatch(&mut self, expected: &'static str, class: &'static str) -> ReadError {
        let found = match self.peek() {
            Some(b'"') => "STRING_VALUE",
            Some(b't') => "TRUE_VALUE",
            Some(b'f') => "FALSE_VALUE",
            Some(b'-' | b'0'..=b'9') => {
                if self.number().is_ok_and(|n| n.bytes().any(|b| matches!(b, b'.' | b'e' | b'E'))) {
                    "DECIMAL_VALUE"
                } else {
                    "NUMBER_VALUE"
                }
            }
            Some(b'n') => "NULL_VALUE",
            Some(b'{') => return ReadError::UnexpectedStart,
            Some(b'[') => return ReadError::UnexpectedList(class),
            _ => return ReadError::Syntax,
        };
        ReadError::Type { found, expected }
    }

    /// What stands where a structure, map or list should.
    fn no_container(&mut self, class: &'static str) -> ReadError {
        match self.peek() {
            Some(b'{') => ReadError::UnexpectedStart,
            Some(b'[') => ReadError::UnexpectedList(class),
            _ => self.skip_plain().err().unwrap_or(ReadError::UnexpectedField),
        }
    }

    /// The text of a number that is next, by RFC 8259's grammar.
    fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        let bytes = self.text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let digits = |mut at: usize| {
            let first = at;
            while byte(at).is_ascii_digit() {
                at += 1;
            }
            if at > first { Ok(at) } else { Err(ReadError::Syntax) }
        };
        let mut at = start + usize::from(byte(start) == b'-');
        at = if byte(at) == b'0' { at + 1 } else { digits(at)? };
        if byte(at) == b'.' {
            at = digits(at + 1)?;
        }
        if matches!(byte(at), b'e' | b'E') {
            at = digits(at + 1 + usize::from(matches!(byte(at + 1), b'+' | b'-')))?;
        }
        self.at = at;
        self.text.get(start..at).ok_or(ReadError::Syntax)
    }

    /// The text that is next, still with its quotes' content raw; whether it has escapes.
    fn raw_string(&mut self) -> Result<(&'a str, bool)> {
        self.eat(b'"')?;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let (mut end, mut escaped) = (0, false);
        while let Some(behind) = rest.get(end..) {
            end += plain(behind);
            match rest.get(end) {
                Some(b'"') => {
                    self.at = start + end + 1;
                    let raw = self.text.get(start..start + end).ok_or(ReadError::Syntax)?;
                    return Ok((raw, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                _ => break,
            }
        }
        Err(ReadError::Syntax)
    }

    /// A key, and the colon behind it.
    fn key(&mut self) -> Result<Cow<'a, str>> {
        let (raw, escaped) = self.raw_string()?;
        let key = if escaped { Cow::Owned(unescape(raw)?) } else { Cow::Borrowed(raw) };
        self.eat(b':')?;
        Ok(key)
    }

    /// Consumes a value of any kind without recursion.
    fn skip(&mut self) -> Result<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek().ok_or(ReadError::Syntax)? {
                b'{' => {
                    self.at += 1;
                    if !self.next_is(b'}') {
                        open.push(b'}');
                        self.raw_key(open.len())?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if !self.next_is(b']') {
                        open.push(b']');
                        if open.len() > self.depth {
                            return Err(ReadError::TooDeep);
                        }
                        continue;
                    }
                }
                _ => self.skip_plain()?,
            }
            // A value has ended: go on in what contains it, or up.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                if self.next_is(b',') {
                    if close == b'}' {
                        self.raw_key(open.len())?;
                    }
                    break;
                }
                self.eat(close)?;
                open.pop();
            }
        }
    }

    fn raw_key(&mut self, depth: usize) -> Result<()> {
        if depth > self.depth {
            return Err(ReadError::TooDeep);
        }
        self.key().map(drop)
    }

    fn skip_plain(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => {
                let (raw, escaped) = self.raw_string()?;
                if escaped { unescape(raw).map(drop) } else { Ok(()) }
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => self.number().map(drop),
        }
    }

    /// Reads `{…}`: `entry` consumes the value of each key.
    fn object(
        &mut self,
        entry: &mut dyn FnMut(&mut Self, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.eat(b'{')?;
        self.descend()?;
        if !self.next_is(b'}') {
            loop {
                let key = self.key()?;
                entry(self, key)?;
                if self.next_is(b'}') {
                    break;
                }
                self.eat(b',')?;
            }
        }
        self.depth += 1;
        Ok(())
    }

    /// Reads `[…]`: `element` consumes each value.
    fn array(&mut self, element: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.eat(b'[')?;
        self.descend()?;
        if !self.next_is(b']') {
            loop {
                element(self)?;
                if self.next_is(b']') {
                    break;
                }
                self.eat(b',')?;
            }
        }
        self.depth += 1;
        Ok(())
    }
}

/// Whether a member's name is the key that is there: most are told apart by their length or first
/// byte, without a call.
fn is(name: &str, key: &str) -> bool {
    let (name, key) = (name.as_bytes(), key.as_bytes());
    name.len() == key.len() && name.first() == key.first() && (name.len() == 1 || name == key)
}

/// The text that a raw string with escapes stands for. Lone surrogates are refused.
fn unescape(raw: &str) -> Result<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let code = escape.as_bytes().first().copied().ok_or(ReadError::Syntax)?;
        rest = escape.get(1..).ok_or(ReadError::Syntax)?;
        out.push(match code {
            b'"' | b'\\' | b'/' => char::from(code),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (character, behind) = unicode_escape(rest)?;
                rest = behind;
                character
            }
            _ => return Err(ReadError::Syntax),
        });
    }
    out.push_str(rest);
    Ok(out)
}

/// The character of `XXXX` or `XXXX\uXXXX` at the start of `text`, and what is behind it.
fn unicode_escape(text: &str) -> Result<(char, &str)> {
    let unit = |text: &str| {
        let hex = text.get(..4).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        hex.and_then(|hex| u16::from_str_radix(hex, 16).ok()).ok_or(ReadError::Syntax)
    };
    let first = unit(text)?;
    let behind = text.get(4..).unwrap_or_default();
    if !(0xd800..0xe000).contains(&first) {
        return Ok((char::from_u32(u32::from(first)).ok_or(ReadError::Syntax)?, behind));
    }
    let low = behind.strip_prefix("\\u").ok_or(ReadError::Syntax)?;
    let pair = [first, unit(low)?];
    let character = char::decode_utf16(pair).next().and_then(std::result::Result::ok);
    Ok((character.ok_or(ReadError::Syntax)?, low.get(4..).unwrap_or_default()))
}

impl Reader for JsonReader<'_> {
    fn null(&mut self) -> Result<bool> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal("null").map(|()| true)
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(self.mismatch("Boolean", "class java.lang.Boolean")),
        }
    }

    fn integer(&mut self, schema: Schema) -> Result<i64> {
        let (name, class) = match schema.kind {
            Kind::Integer => ("Integer", "class java.lang.Integer"),
            _ => ("Long", "class java.lang.Long"),
        };
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch(name, class));
        }
        let text = self.number()?;
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        // A whole number may be spelled 1.0 or 1e3.
        match text.parse::<f64>() {
            Ok(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(value as i64),
            _ => Err(ReadError::Type { found: "DECIMAL_VALUE", expected: name }),
        }
    }

    fn float(&mut self) -> Result<f64> {
        match self.peek() {
            Some(b'"') => match self.raw_string()?.0 {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(ReadError::Type { found: "STRING_VALUE", expected: "Double" }),
            },
            Some(b'-' | b'0'..=b'9') => self.number()?.parse().map_err(|_| ReadError::Syntax),
            _ => Err(self.mismatch("Double", "class java.lang.Double")),
        }
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.mismatch("String", "class java.lang.String"));
        }
        let (raw, escaped) = self.raw_string()?;
        Ok(if escaped { Cow::Owned(unescape(raw)?) } else { Cow::Borrowed(raw) })
    }

    fn blob(&mut self) -> Result<Cow<'_, [u8]>> {
        if self.peek() != Some(b'"') {
            return Err(self.mismatch("Blob", "class java.nio.ByteBuffer"));
        }
        let (raw, escaped) = self.raw_string()?;
        let text = if escaped { Cow::Owned(unescape(raw)?) } else { Cow::Borrowed(raw) };
        self.scratch.clear();
        let engine = base64::engine::general_purpose::STANDARD;
        engine.decode_vec(text.as_bytes(), &mut self.scratch).map_err(|_| {
            ReadError::Value("Base64 encoded length is unexpected or has invalid characters".into())
        })?;
        Ok(Cow::Borrowed(&self.scratch))
    }

    fn timestamp(&mut self, schema: Schema) -> Result<Timestamp> {
        let wrong = ReadError::Type { found: "STRING_VALUE", expected: "Timestamp" };
        match (self.peek(), schema.rules.time) {
            (Some(b'"'), Some(format @ (TimeFormat::Iso8601 | TimeFormat::Http))) => {
                let text = self.string()?;
                time::parse(&text, format).ok_or(wrong)
            }
            (Some(b'-' | b'0'..=b'9'), _) => {
                time::parse(self.number()?, TimeFormat::Epoch).ok_or(wrong)
            }
            _ => Err(self.mismatch("Timestamp", "class java.util.Date")),
        }
    }

    fn document(&mut self) -> Result<Value> {
        Ok(match self.peek() {
            Some(b'{') => {
                let mut map = serde_json::Map::new();
                self.object(&mut |r, key| {
                    map.insert(key.into_owned(), r.document()?);
                    Ok(())
                })?;
                Value::Object(map)
            }
            Some(b'[') => {
                let mut list = Vec::new();
                self.array(&mut |r| {
                    list.push(r.document()?);
                    Ok(())
                })?;
                Value::Array(list)
            }
            Some(b'"') => Value::String(self.string()?.into_owned()),
            Some(b't' | b'f') => Value::Bool(self.boolean()?),
            Some(b'n') => self.literal("null").map(|()| Value::Null)?,
            _ => {
                let text = self.number()?;
                serde_json::from_str(text).map_err(|_| ReadError::Syntax)?
            }
        })
    }

    fn structure(
        &mut self,
        structure: &'static Structure,
        each: &mut EachMember<'_>,
    ) -> Result<()> {
        if self.peek() != Some(b'{') {
            return Err(self.no_container("class java.util.Map"));
        }
        let members = structure.members;
        // Clients send members in an order of their own, but mostly the same: look on from the
        // last one found.
        let (mut next, whole) = (0, std::mem::take(&mut self.whole));
        self.object(&mut |r, key| {
            if r.peek() == Some(b'n') {
                return r.literal("null");
            }
            let found = (next..members.len())
                .chain(0..next)
                .find(|&index| members.get(index).is_some_and(|member| is(member.wire, &key)));
            let Some(index) = found else { return r.skip() };
            next = index + 1;
            each(index, r)
        })?;
        if whole && self.peek().is_some() { Err(ReadError::Syntax) } else { Ok(()) }
    }

    fn list(&mut self, _: Schema, each: &mut EachItem<'_>) -> Result<()> {
        if self.peek() != Some(b'[') {
            return Err(self.no_container("class java.util.List"));
        }
        self.array(&mut |r| each(r))
    }

    fn map(&mut self, _: Schema, each: &mut EachEntry<'_>) -> Result<()> {
        if self.peek() != Some(b'{') {
            return Err(self.no_container("class java.util.Map"));
        }
        self.object(&mut |r, key| each(&key, r))
    }
}
