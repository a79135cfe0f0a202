//! REST input: members from the path, the query, the headers and the body.
//!
//! Source: Smithy's "HTTP bindings" specification.

use std::borrow::Cow;

use cumulet_base::Body;
use cumulet_shape::{
    EachEntry, EachItem, EachMember, Kind, Location, Member, Protocol, ReadError, Reader, Schema,
    Structure, TimeFormat,
};
use http::HeaderMap;

use crate::json::JsonReader;
use crate::message::Message;
use crate::text::{TextReader, pairs};
use crate::xml::{Element, XmlReader};

type Result<T> = std::result::Result<T, ReadError>;

/// A reader of a REST operation's input. Only [`Reader::structure`] makes sense on it, once.
pub(crate) struct RestReader<'a> {
    protocol: Protocol,
    labels: &'a [(&'static str, String)],
    query: Vec<(String, String)>,
    headers: &'a HeaderMap,
    body: &'a [u8],
    stream: Option<Body>,
    depth: usize,
}

impl<'a> RestReader<'a> {
    pub(crate) fn new(
        protocol: Protocol,
        message: &'a mut Message<'_>,
        depth: usize,
    ) -> Result<Self> {
        Ok(Self {
            protocol,
            labels: &message.labels,
            query: pairs(message.query, false).collect::<Result<_>>()?,
            headers: message.headers,
            body: &message.body,
            stream: message.stream.take(),
            depth,
        })
    }

    /// The member's values in the head, as plain texts.
    fn head(&self, member: &Member) -> Vec<Cow<'_, str>> {
        match member.at {
            Location::Uri => {
                let found = self.labels.iter().find(|(name, _)| *name == member.wire);
                found.map(|(_, value)| Cow::Borrowed(value.as_str())).into_iter().collect()
            }
            Location::Query => {
                let found = self.query.iter().filter(|(name, _)| name == member.wire);
                found.map(|(_, value)| Cow::Borrowed(value.as_str())).collect()
            }
            Location::Header => {
                let values = self.headers.get_all(member.wire).iter();
                let texts: Vec<Cow<'_, str>> =
                    values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
                let texts = if texts.is_empty() { self.presigned(member.wire) } else { texts };
                let texts = texts.into_iter();
                if matches!(member.schema.kind, Kind::List(_)) {
                    let each = member.schema.each();
                    texts.flat_map(|text| split_list(&text, each)).map(Cow::Owned).collect()
                } else {
                    texts.take(1).map(|text| Cow::Owned(text.trim().to_owned())).collect()
                }
            }
            _ => Vec::new(),
        }
    }

    /// S3: `x-amz-*` parameters of a presigned URL act as the headers of those names.
    fn presigned(&self, name: &str) -> Vec<Cow<'_, str>> {
        if self.protocol != Protocol::RestXml || !name.starts_with("x-amz-") {
            return Vec::new();
        }
        let found = self.query.iter().filter(|(parameter, _)| parameter.eq_ignore_ascii_case(name));
        found.map(|(_, value)| Cow::Borrowed(value.as_str())).collect()
    }

    fn prefixed(&self, prefix: &str) -> Vec<(String, Cow<'_, str>)> {
        let matching = self.headers.iter().filter_map(|(name, value)| {
            let rest = name.as_str().strip_prefix(&prefix.to_ascii_lowercase())?;
            Some((rest.to_owned(), String::from_utf8_lossy(value.as_bytes())))
        });
        let mut pairs: Vec<_> = matching.collect();
        if self.protocol == Protocol::RestXml && pairs.is_empty() {
            pairs.extend(self.query.iter().filter_map(|(name, value)| {
                let name = name.to_ascii_lowercase();
                let rest = name.strip_prefix(prefix)?.to_owned();
                Some((rest, Cow::Borrowed(value.as_str())))
            }));
        }
        pairs
    }

    fn payload(&mut self, member: &Member, each: &mut EachMember<'_>, index: usize) -> Result<()> {
        match member.schema.kind {
            Kind::Stream => each(index, &mut StreamReader(self.stream.take())),
            _ if self.body.is_empty() => Ok(()),
            Kind::Blob => each(index, &mut BlobReader(self.body)),
            Kind::String | Kind::Enum(_) => {
                let text = std::str::from_utf8(self.body).map_err(|_| ReadError::Syntax)?;
                each(index, &mut TextReader::new(text, TimeFormat::Iso8601))
            }
            _ if self.protocol == Protocol::RestXml => {
                let root = Element::parse(self.body, self.depth)?;
                each(index, &mut XmlReader::Element(&root))
            }
            _ => {
                let mut reader = JsonReader::new(self.body, self.depth)?;
                each(index, &mut reader)?;
                reader.finish()
            }
        }
    }

    /// The members that stand in the body beside each other.
    fn body(&mut self, structure: &'static Structure, each: &mut EachMember<'_>) -> Result<()> {
        let wanted = |index: usize| {
            structure.members.get(index).is_some_and(|member| member.at == Location::Body)
        };
        if self.body.is_empty() || !structure.members.iter().any(|m| m.at == Location::Body) {
            return Ok(());
        }
        if self.protocol == Protocol::RestXml {
            let root = Element::parse(self.body, self.depth)?;
            let mut reader = XmlReader::Element(&root);
            return reader.structure(structure, &mut |index, r| {
                if wanted(index) { each(index, r) } else { Ok(()) }
            });
        }
        let mut reader = JsonReader::new(self.body, self.depth)?;
        reader.structure(structure, &mut |index, r| {
            if wanted(index) { each(index, r) } else { r.document().map(drop) }
        })?;
        reader.finish()
    }
}

/// A header's list. Texts may be quoted; HTTP dates contain one comma each.
fn split_list(text: &str, each: Schema) -> Vec<String> {
    if matches!(each.kind, Kind::Timestamp)
        && each.rules.time.unwrap_or(TimeFormat::Http) == TimeFormat::Http
    {
        let parts: Vec<&str> = text.split(',').collect();
        return parts.chunks(2).map(|date| date.join(",").trim().to_owned()).collect();
    }
    let (mut items, mut item, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                item.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => items.push(std::mem::take(&mut item).trim().to_owned()),
            _ => item.push(c),
        }
    }
    items.push(item.trim().to_owned());
    items.retain(|item| !item.is_empty());
    items
}

impl Reader for RestReader<'_> {
    fn structure(
        &mut self,
        structure: &'static Structure,
        each: &mut EachMember<'_>,
    ) -> Result<()> {
        for (index, member) in structure.members.iter().enumerate() {
            match member.at {
                Location::Body | Location::Status => {}
                Location::Payload => self.payload(member, each, index)?,
                Location::Queries => {
                    let pairs = self.query.iter();
                    let pairs =
                        pairs.map(|(k, v)| (k.clone(), Cow::Borrowed(v.as_str()))).collect();
                    each(index, &mut PairsReader(pairs))?;
                }
                Location::Headers => {
                    let pairs = self.prefixed(member.wire);
                    if !pairs.is_empty() {
                        each(index, &mut PairsReader(pairs))?;
                    }
                }
                Location::Uri | Location::Query | Location::Header => {
                    let time = match member.at {
                        Location::Header => TimeFormat::Http,
                        _ => TimeFormat::Iso8601,
                    };
                    let texts = self.head(member);
                    if matches!(member.schema.kind, Kind::List(_)) {
                        if !texts.is_empty() {
                            each(index, &mut TextsReader { texts, time })?;
                        }
                    } else if let Some(text) = texts.into_iter().next() {
                        each(index, &mut TextReader::new(text, time))?;
                    }
                }
            }
        }
        self.body(structure, each)
    }
}

/// The body as it comes.
struct StreamReader(Option<Body>);

impl Reader for StreamReader {
    fn stream(&mut self) -> Result<Body> {
        Ok(self.0.take().unwrap_or_default())
    }
}

/// The whole body as bytes.
struct BlobReader<'a>(&'a [u8]);

impl Reader for BlobReader<'_> {
    fn blob(&mut self) -> Result<Cow<'_, [u8]>> {
        Ok(Cow::Borrowed(self.0))
    }
}

/// Several texts: a repeated query parameter or a header's list.
struct TextsReader<'a> {
    texts: Vec<Cow<'a, str>>,
    time: TimeFormat,
}

impl Reader for TextsReader<'_> {
    fn list(&mut self, _: Schema, each: &mut EachItem<'_>) -> Result<()> {
        self.texts.drain(..).try_for_each(|text| each(&mut TextReader::new(text, self.time)))
    }
}

/// Names and texts: all query parameters, or headers with a prefix.
struct PairsReader<'a>(Vec<(String, Cow<'a, str>)>);

impl Reader for PairsReader<'_> {
    fn map(&mut self, schema: Schema, each: &mut EachEntry<'_>) -> Result<()> {
        let listed = matches!(schema.each().kind, Kind::List(_));
        self.0.drain(..).try_for_each(|(name, text)| {
            let time = TimeFormat::Iso8601;
            if listed {
                each(&name, &mut TextsReader { texts: vec![text], time })
            } else {
                each(&name, &mut TextReader::new(text, time))
            }
        })
    }
}
