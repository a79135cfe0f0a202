//! The query protocol's input: a form whose names are paths (`Tags.member.1.Key`).
//!
//! Source: Smithy's "AWS query protocol" specification.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cumulet_base::Timestamp;
use cumulet_shape::{
    EachEntry, EachItem, EachMember, Kind, ReadError, Reader, Schema, Structure, TimeFormat,
};

use crate::text::{TextReader, pairs};

type Result<T> = std::result::Result<T, ReadError>;

/// Most parameters of one form.
const PARAMETERS: usize = 20_000;
/// Most parts of one name.
const PARTS: usize = 64;

/// The parameters of a query-protocol request, as a tree.
#[derive(Debug, Default)]
pub struct Form {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Form {
    /// Reads the target's query and the body, which is `application/x-www-form-urlencoded`.
    pub fn parse(query: &str, body: &[u8]) -> Result<Self> {
        let body = std::str::from_utf8(body).map_err(|_| ReadError::Syntax)?;
        let mut form = Self::default();
        for (count, pair) in pairs(query, true).chain(pairs(body.trim(), true)).enumerate() {
            let (name, value) = pair?;
            if count >= PARAMETERS || name.split('.').count() > PARTS {
                return Err(ReadError::TooDeep);
            }
            let mut node = &mut form.root;
            for part in name.split('.') {
                node = node.children.entry(part.to_owned()).or_default();
            }
            // A repeated scalar: the first wins.
            node.value.get_or_insert(value);
        }
        Ok(form)
    }

    /// A parameter at the top: `Action`, `Version`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.root.children.get(name)?.value.as_deref()
    }
}

/// A reader over one node of a form.
pub(crate) struct QueryReader<'a> {
    node: &'a Node,
    depth: usize,
}

impl<'a> QueryReader<'a> {
    pub(crate) fn new(form: &'a Form, depth: usize) -> Self {
        Self { node: &form.root, depth }
    }

    fn below(&self, node: &'a Node) -> Result<Self> {
        let depth = self.depth.checked_sub(1).ok_or(ReadError::TooDeep)?;
        Ok(Self { node, depth })
    }

    fn text(&self) -> TextReader<'a> {
        let text = self.node.value.as_deref().unwrap_or_default();
        TextReader::new(text, TimeFormat::Iso8601)
    }

    /// The children with numbers for names, in the order of the numbers. Gaps do not matter.
    fn numbered(&self, wrapper: Option<&str>) -> Vec<&'a Node> {
        let parent = match wrapper {
            Some(wrapper) => self.node.children.get(wrapper),
            None => Some(self.node),
        };
        let children = parent.into_iter().flat_map(|parent| &parent.children);
        let mut numbered: Vec<(u64, &Node)> =
            children.filter_map(|(name, node)| Some((name.parse().ok()?, node))).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, node)| node).collect()
    }
}

impl Reader for QueryReader<'_> {
    fn boolean(&mut self) -> Result<bool> {
        self.text().boolean()
    }
    fn integer(&mut self, schema: Schema) -> Result<i64> {
        self.text().integer(schema)
    }
    fn float(&mut self) -> Result<f64> {
        self.text().float()
    }
    fn string(&mut self) -> Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(self.node.value.as_deref().unwrap_or_default()))
    }
    fn blob(&mut self) -> Result<Cow<'_, [u8]>> {
        self.text().blob().map(|blob| Cow::Owned(blob.into_owned()))
    }
    fn timestamp(&mut self, schema: Schema) -> Result<Timestamp> {
        self.text().timestamp(schema)
    }

    fn structure(
        &mut self,
        structure: &'static Structure,
        each: &mut EachMember<'_>,
    ) -> Result<()> {
        for (index, member) in structure.members.iter().enumerate() {
            // A flattened list's items are named by the list's own member name.
            if let Some(node) = self.node.children.get(member.wire) {
                // `Name=` alone is an empty text, an empty list or no structure at all.
                let empty = node.children.is_empty() && node.value.as_deref() == Some("");
                if empty && matches!(member.schema.kind, Kind::Structure(_)) {
                    continue;
                }
                each(index, &mut self.below(node)?)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, schema: Schema, each: &mut EachItem<'_>) -> Result<()> {
        let wrapper = (!schema.rules.flattened).then(|| schema.rules.item.unwrap_or("member"));
        for node in self.numbered(wrapper) {
            each(&mut self.below(node)?)?;
        }
        Ok(())
    }

    fn map(&mut self, schema: Schema, each: &mut EachEntry<'_>) -> Result<()> {
        let rules = schema.rules;
        for node in self.numbered((!rules.flattened).then_some("entry")) {
            let child = |name: &str| node.children.get(name);
            let key = child(rules.key.unwrap_or("key")).and_then(|n| n.value.as_deref());
            if let (Some(key), Some(value)) = (key, child(rules.value.unwrap_or("value"))) {
                each(key, &mut self.below(value)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cumulet_shape::{Faults, Shape};

    use super::*;

    #[derive(Debug, Default, PartialEq, Shape)]
    struct Tag {
        #[shape(wire = "Key")]
        key: Option<String>,
        #[shape(wire = "Value")]
        value: Option<String>,
    }

    #[derive(Debug, Default, PartialEq, Shape)]
    struct Input {
        #[shape(wire = "Name")]
        name: Option<String>,
        #[shape(wire = "Tags")]
        tags: Option<Vec<Tag>>,
        #[shape(wire = "Word", flattened)]
        words: Option<Vec<String>>,
        #[shape(wire = "Map")]
        map: Option<BTreeMap<String, i32>>,
        #[shape(wire = "At")]
        at: Option<Timestamp>,
    }

    fn read(form: &str) -> Result<Input> {
        let form = Form::parse("", form.as_bytes())?;
        let mut faults = Faults::default();
        Input::read(Schema::of::<Input>(), &mut QueryReader::new(&form, 16), &mut faults)
    }

    #[test]
    fn lists_maps_and_plain_values() {
        let input = read(concat!(
            "Action=X&Name=a+b%26c&Tags.member.10.Key=z&Tags.member.2.Key=k&Tags.member.2.Value=",
            "&Word.1=x&Word.2=y&Map.entry.1.key=a&Map.entry.1.value=7&At=2026-11-21T01:02:03Z"
        ));
        let tag = |key: &str, value: Option<&str>| Tag {
            key: Some(key.into()),
            value: value.map(Into::into),
        };
        assert_eq!(
            input.unwrap(),
            Input {
                name: Some("a b&c".into()),
                tags: Some(vec![tag("k", Some("")), tag("z", None)]),
                words: Some(vec!["x".into(), "y".into()]),
                map: Some(BTreeMap::from([("a".into(), 7)])),
                at: Some(Timestamp::from_millis(1_795_222_923_000)),
            }
        );
        assert_eq!(read("Tags=").unwrap().tags, Some(vec![]));
        assert_eq!(read("").unwrap(), Input::default());
    }

    #[test]
    fn hostile_forms_are_bounded() {
        assert_eq!(read(&format!("{}=1", vec!["a"; 100].join("."))), Err(ReadError::TooDeep));
        assert_eq!(read(&"a=1&".repeat(30_000)), Err(ReadError::TooDeep));
        assert_eq!(read("a=%ff"), Err(ReadError::Syntax));
        bolero::check!().with_iterations(5_000).for_each(|bytes: &[u8]| {
            let _ = Form::parse("", bytes);
        });
    }
}
