//! Values that travel as plain text: in headers, paths, queries, forms and XML.

use std::borrow::Cow;

use base64::Engine as _;
use cumulet_base::Timestamp;
use cumulet_shape::{Kind, ReadError, Reader, Schema, TimeFormat};
use serde_json::Value;

use crate::time;

type Result<T> = std::result::Result<T, ReadError>;

/// A reader of one plain value.
pub(crate) struct TextReader<'a> {
    text: Cow<'a, str>,
    /// How a timestamp is spelled here, unless the schema says otherwise.
    time: TimeFormat,
    /// What base64 stood for.
    scratch: Vec<u8>,
}

impl<'a> TextReader<'a> {
    pub(crate) fn new(text: impl Into<Cow<'a, str>>, time: TimeFormat) -> Self {
        Self { text: text.into(), time, scratch: Vec::new() }
    }

    fn wrong(expected: &'static str) -> ReadError {
        ReadError::Type { found: "STRING_VALUE", expected }
    }
}

impl Reader for TextReader<'_> {
    fn boolean(&mut self) -> Result<bool> {
        match self.text.trim() {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(Self::wrong("Boolean")),
        }
    }

    fn integer(&mut self, schema: Schema) -> Result<i64> {
        let name = if matches!(schema.kind, Kind::Integer) { "Integer" } else { "Long" };
        self.text.trim().parse().map_err(|_| Self::wrong(name))
    }

    fn float(&mut self) -> Result<f64> {
        match self.text.trim() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            text if text
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                text.parse().map_err(|_| Self::wrong("Double"))
            }
            _ => Err(Self::wrong("Double")),
        }
    }

    fn string(&mut self) -> Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(&self.text))
    }

    fn blob(&mut self) -> Result<Cow<'_, [u8]>> {
        self.scratch.clear();
        let engine = base64::engine::general_purpose::STANDARD;
        engine
            .decode_vec(self.text.trim().as_bytes(), &mut self.scratch)
            .map_err(|_| Self::wrong("Blob"))?;
        Ok(Cow::Borrowed(&self.scratch))
    }

    fn timestamp(&mut self, schema: Schema) -> Result<Timestamp> {
        let format = schema.rules.time.unwrap_or(self.time);
        time::parse(self.text.trim(), format).ok_or_else(|| Self::wrong("Timestamp"))
    }

    /// The Smithy trait `jsonvalue`: JSON in base64 where it stands in a header.
    fn document(&mut self) -> Result<Value> {
        let bytes = self.blob()?;
        crate::json::document(&bytes, 32)
    }
}

/// Percent-decoding of a path segment or a query part; `plus` makes `+` a blank, as in forms.
pub(crate) fn percent_decode(text: &str, plus: bool) -> Result<String> {
    let text = if plus { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| ReadError::Syntax)
}

/// The pairs of a query string or form, decoded. A name without `=` has the empty value.
pub(crate) fn pairs(query: &str, plus: bool) -> impl Iterator<Item = Result<(String, String)>> {
    query.split('&').filter(|part| !part.is_empty()).map(move |part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((percent_decode(name, plus)?, percent_decode(value, plus)?))
    })
}
