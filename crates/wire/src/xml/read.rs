//! XML in: a small tree of the document, then a reader over it.
//!
//! Documents are control messages of at most a few megabytes. No external entity, no DTD: a
//! document with a `<!DOCTYPE` is refused.

use std::borrow::Cow;

use cumulet_base::Timestamp;
use cumulet_shape::{
    EachEntry, EachItem, EachMember, ReadError, Reader, Schema, Structure, TimeFormat,
};
use quick_xml::events::{BytesStart, Event};

use crate::text::TextReader;

type Result<T> = std::result::Result<T, ReadError>;

/// Most elements of one document (CompleteMultipartUpload has 10,000 parts of a few each).
const ELEMENTS: usize = 200_000;

/// One element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The document's root, at most `depth` levels deep.
    pub(crate) fn parse(xml: &[u8], depth: usize) -> Result<Self> {
        let text = simdutf8::basic::from_utf8(xml).map_err(|_| ReadError::Syntax)?;
        let mut reader = quick_xml::Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        // The first entry stands for the document itself.
        let mut open = vec![Self::default()];
        let mut count = 0;
        loop {
            match reader.read_event().map_err(|_| ReadError::Syntax)? {
                Event::Start(start) => {
                    count += 1;
                    if open.len() > depth || count > ELEMENTS {
                        return Err(ReadError::TooDeep);
                    }
                    open.push(Self::start(&start)?);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(ReadError::Syntax)?;
                    open.last_mut().ok_or(ReadError::Syntax)?.children.push(element);
                }
                Event::Text(text) => {
                    let top = open.last_mut().ok_or(ReadError::Syntax)?;
                    top.text.push_str(&text);
                }
                Event::CData(data) => {
                    let top = open.last_mut().ok_or(ReadError::Syntax)?;
                    top.text.push_str(&data);
                }
                Event::GeneralRef(entity) => {
                    let resolved = match entity.resolve_char_ref() {
                        Ok(Some(c)) => Cow::Owned(c.to_string()),
                        Ok(None) => quick_xml::escape::resolve_xml_entity(&entity)
                            .map(|s| Cow::Owned(s.to_owned()))
                            .ok_or(ReadError::Syntax)?,
                        Err(_) => return Err(ReadError::Syntax),
                    };
                    open.last_mut().ok_or(ReadError::Syntax)?.text.push_str(&resolved);
                }
                Event::DocType(_) => return Err(ReadError::Syntax),
                Event::Eof => break,
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        let mut document = open.pop().filter(|_| open.is_empty()).ok_or(ReadError::Syntax)?;
        let stray = !document.text.trim().is_empty() || document.children.len() != 1;
        document.children.pop().filter(|_| !stray).ok_or(ReadError::Syntax)
    }

    fn start(start: &BytesStart<'_>) -> Result<Self> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| ReadError::Syntax)?;
            let value = quick_xml::escape::unescape(&attribute.value);
            let value = value.map_err(|_| ReadError::Syntax)?.into_owned();
            attributes.push((attribute.key.as_ref().to_owned(), value));
        }
        let name = start.local_name().as_ref().to_owned();
        Ok(Self { name, attributes, ..Self::default() })
    }

    /// The children called `name`.
    fn called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// A reader over a part of a document.
pub(crate) enum XmlReader<'a> {
    /// One element.
    Element(&'a Element),
    /// The elements of a flattened list or map.
    Elements(Vec<&'a Element>),
    /// An attribute.
    Attribute(&'a str),
}

impl<'a> XmlReader<'a> {
    fn plain(&self) -> Result<&'a str> {
        match self {
            Self::Element(element) if element.children.is_empty() => Ok(&element.text),
            Self::Attribute(text) => Ok(text),
            _ => Err(ReadError::UnexpectedStart),
        }
    }

    fn text(&self) -> Result<TextReader<'a>> {
        self.plain().map(|text| TextReader::new(text, TimeFormat::Iso8601))
    }

    /// The items of a list or map: those already picked, or the children called `name`.
    fn items(&self, name: &'a str) -> Vec<&'a Element> {
        match self {
            Self::Element(element) => element.called(name).collect(),
            Self::Elements(elements) => elements.clone(),
            Self::Attribute(_) => Vec::new(),
        }
    }
}

impl Reader for XmlReader<'_> {
    fn boolean(&mut self) -> Result<bool> {
        self.text()?.boolean()
    }
    fn integer(&mut self, schema: Schema) -> Result<i64> {
        self.text()?.integer(schema)
    }
    fn float(&mut self) -> Result<f64> {
        self.text()?.float()
    }
    fn string(&mut self) -> Result<Cow<'_, str>> {
        self.plain().map(Cow::Borrowed)
    }
    fn blob(&mut self) -> Result<Cow<'_, [u8]>> {
        self.text()?.blob().map(|blob| Cow::Owned(blob.into_owned()))
    }
    fn timestamp(&mut self, schema: Schema) -> Result<Timestamp> {
        self.text()?.timestamp(schema)
    }

    fn structure(
        &mut self,
        structure: &'static Structure,
        each: &mut EachMember<'_>,
    ) -> Result<()> {
        let Self::Element(element) = *self else { return Err(ReadError::UnexpectedField) };
        for (index, member) in structure.members.iter().enumerate() {
            let rules = member.schema.rules;
            let mut part = if rules.attribute {
                let found = element.attributes.iter().find(|(name, _)| name == member.wire);
                let Some((_, value)) = found else { continue };
                XmlReader::Attribute(value)
            } else if rules.flattened {
                let found: Vec<&Element> = element.called(member.wire).collect();
                if found.is_empty() {
                    continue;
                }
                XmlReader::Elements(found)
            } else {
                let Some(found) = element.called(member.wire).next() else { continue };
                XmlReader::Element(found)
            };
            each(index, &mut part)?;
        }
        Ok(())
    }

    fn list(&mut self, schema: Schema, each: &mut EachItem<'_>) -> Result<()> {
        for item in self.items(schema.rules.item.unwrap_or("member")) {
            each(&mut XmlReader::Element(item))?;
        }
        Ok(())
    }

    fn map(&mut self, schema: Schema, each: &mut EachEntry<'_>) -> Result<()> {
        let rules = schema.rules;
        for entry in self.items("entry") {
            let key = entry.called(rules.key.unwrap_or("key")).next();
            let value = entry.called(rules.value.unwrap_or("value")).next();
            if let (Some(key), Some(value)) = (key, value) {
                each(&key.text, &mut XmlReader::Element(value))?;
            }
        }
        Ok(())
    }
}
