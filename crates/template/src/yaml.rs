//! YAML to a document.
//!
//! On `saphyr-parser`: pure Rust, maintained, small (two dependencies, both tiny), a pull parser
//! with tags and positions and without recursion. Building the document from its events here is
//! what lets aliases, depth and size be bounded.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::parse::Limits;
use crate::scalar;

/// Functions that may be written `!Name`. `Ref` and `Condition` have no `Fn::` before them.
const SHORT_FORMS: [&str; 24] = [
    "And",
    "Base64",
    "Cidr",
    "Condition",
    "Contains",
    "EachMemberEquals",
    "EachMemberIn",
    "Equals",
    "FindInMap",
    "ForEach",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Ref",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// What a tag asks for.
enum Meaning {
    /// No tag, or one that changes nothing: `!!map`, `!!seq`.
    Plain,
    /// `!!str` and the non-specific tag `!`: the scalar is text.
    Text,
    /// A short form: the function's long name.
    Function(String),
}

/// A mapping or sequence that is still open.
struct Open {
    meaning: Meaning,
    anchor: usize,
    /// Nodes counted before it, so that its own size is known when it closes.
    nodes_before: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    Mapping { map: Map<String, Value>, key: Option<String>, merges: Vec<Value> },
}

struct Builder<'l> {
    limits: &'l Limits,
    open: Vec<Open>,
    anchors: HashMap<usize, (Value, usize, usize)>,
    nodes: usize,
    document: Option<Value>,
}

/// Reads one YAML document.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Value, Error> {
    let mut builder =
        Builder { limits, open: Vec::new(), anchors: HashMap::new(), nodes: 0, document: None };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| syntax(*error.marker(), "YAML not well-formed."))?;
        builder.event(event, span.start)?;
    }
    builder.document.ok_or_else(|| Error::format("The template is empty."))
}

fn syntax(at: Marker, reason: impl Into<String>) -> Error {
    Error::Syntax { reason: reason.into(), line: at.line(), column: at.col() + 1 }
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, at: Marker) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let meaning = meaning(tag, at)?;
                self.scalar(&text, style, anchor, meaning, at)
            }
            Event::SequenceStart(anchor, tag) => {
                let meaning = meaning(tag, at)?;
                self.begin(Content::Sequence(Vec::new()), anchor, meaning, at)
            }
            Event::MappingStart(anchor, tag) => {
                let meaning = meaning(tag, at)?;
                let content = Content::Mapping { map: Map::new(), key: None, merges: Vec::new() };
                self.begin(content, anchor, meaning, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(_) if self.document.is_some() => {
                Err(syntax(at, "more than one YAML document."))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, at: Marker) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            return Err(syntax(at, format!("more than {} values.", self.limits.nodes)));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        content: Content,
        anchor: usize,
        meaning: Meaning,
        at: Marker,
    ) -> Result<(), Error> {
        if self.open.len() >= self.limits.depth {
            return Err(syntax(at, format!("nested deeper than {} levels.", self.limits.depth)));
        }
        let nodes_before = self.nodes;
        self.count(1, at)?;
        self.open.push(Open { meaning, anchor, nodes_before, content });
        Ok(())
    }

    fn end(&mut self, at: Marker) -> Result<(), Error> {
        let Some(open) = self.open.pop() else {
            return Err(syntax(at, "YAML not well-formed."));
        };
        let value = match open.content {
            Content::Sequence(items) => Value::Array(items),
            Content::Mapping { mut map, merges, .. } => {
                merge(&mut map, merges, at)?;
                Value::Object(map)
            }
        };
        let value = match open.meaning {
            Meaning::Function(name) => function(&name, value),
            Meaning::Plain | Meaning::Text => value,
        };
        self.finish(value, open.anchor, self.nodes - open.nodes_before, at)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        meaning: Meaning,
        at: Marker,
    ) -> Result<(), Error> {
        self.count(1, at)?;
        if let Some(Open { content: Content::Mapping { map, key: key @ None, .. }, .. }) =
            self.open.last_mut()
        {
            // Keys are text in every section of a template, whatever they would be as a value.
            if map.contains_key(text) {
                return Err(syntax(at, format!("duplicate key '{text}'")));
            }
            *key = Some(text.to_owned());
            if anchor != 0 {
                self.anchors.insert(anchor, (Value::String(text.to_owned()), 1, 0));
            }
            return Ok(());
        }
        let value = match meaning {
            // A tagged scalar is text: `!Ref 123` names the parameter "123".
            Meaning::Function(name) if name == "Fn::GetAtt" => function(&name, get_att(text)),
            Meaning::Function(name) => function(&name, Value::String(text.to_owned())),
            Meaning::Plain if style == ScalarStyle::Plain => scalar::plain(text),
            Meaning::Plain | Meaning::Text => Value::String(text.to_owned()),
        };
        self.finish(value, anchor, 1, at)
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<(), Error> {
        let Some((value, nodes, height)) = self.anchors.get(&anchor) else {
            return Err(syntax(at, "an alias stands inside what it names."));
        };
        if self.open.len() + height > self.limits.depth {
            return Err(syntax(at, format!("nested deeper than {} levels.", self.limits.depth)));
        }
        let (value, nodes) = (value.clone(), *nodes);
        self.count(nodes, at)?;
        if let Some(Open { content: Content::Mapping { map, key: key @ None, .. }, .. }) =
            self.open.last_mut()
        {
            let Value::String(text) = value else {
                return Err(syntax(at, "a key must be text."));
            };
            if map.contains_key(&text) {
                return Err(syntax(at, format!("duplicate key '{text}'")));
            }
            *key = Some(text);
            return Ok(());
        }
        self.finish(value, 0, nodes, at)
    }

    /// A value is complete: it goes where it belongs.
    fn finish(
        &mut self,
        value: Value,
        anchor: usize,
        nodes: usize,
        at: Marker,
    ) -> Result<(), Error> {
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), nodes, height(&value)));
            // The copy that is kept counts too.
            self.count(nodes, at)?;
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.document = Some(value),
            Some(Content::Sequence(items)) => items.push(value),
            Some(Content::Mapping { map, key, merges }) => match key.take() {
                Some(key) if key == "<<" => merges.push(value),
                Some(key) => {
                    map.insert(key, value);
                }
                None => return Err(syntax(at, "a key must be text.")),
            },
        }
        Ok(())
    }
}

fn height(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(height).max().unwrap_or(0),
        _ => 0,
    }
}

/// The merge key `<<` (YAML 1.1): what the mapping itself says wins, then the earlier mapping.
fn merge(map: &mut Map<String, Value>, merges: Vec<Value>, at: Marker) -> Result<(), Error> {
    for merged in merges {
        let mappings = match merged {
            Value::Array(items) => items,
            other => vec![other],
        };
        for mapping in mappings {
            let Value::Object(mapping) = mapping else {
                return Err(syntax(at, "'<<' takes a mapping or a list of mappings."));
            };
            for (key, value) in mapping {
                map.entry(key).or_insert(value);
            }
        }
    }
    Ok(())
}

fn meaning(tag: Option<Cow<'_, Tag>>, at: Marker) -> Result<Meaning, Error> {
    let Some(tag) = tag else { return Ok(Meaning::Plain) };
    if tag.is_yaml_core_schema() {
        return Ok(if tag.suffix == "str" { Meaning::Text } else { Meaning::Plain });
    }
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("" | "!", "" | "!") => Ok(Meaning::Text),
        ("!", name @ ("Ref" | "Condition")) => Ok(Meaning::Function(name.to_owned())),
        ("!", name) if SHORT_FORMS.contains(&name) => Ok(Meaning::Function(format!("Fn::{name}"))),
        (handle, name) => Err(syntax(at, format!("unknown tag '{handle}{name}'"))),
    }
}

fn function(name: &str, argument: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), argument)]))
}

/// `!GetAtt Resource.Attribute.More` is `["Resource", "Attribute.More"]`.
fn get_att(text: &str) -> Value {
    text.splitn(2, '.').map(|part| Value::String(part.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        parse(text, &Limits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn short_forms_become_long() {
        let cases = [
            ("!Ref a", json!({"Ref": "a"})),
            ("!Ref 12", json!({"Ref": "12"})),
            ("!Condition c", json!({"Condition": "c"})),
            ("!GetAtt a.b.c", json!({"Fn::GetAtt": ["a", "b.c"]})),
            ("!GetAtt [a, !Ref b]", json!({"Fn::GetAtt": ["a", {"Ref": "b"}]})),
            ("!Sub '${a}-x'", json!({"Fn::Sub": "${a}-x"})),
            ("!Sub ['${a}', {a: !Ref b}]", json!({"Fn::Sub": ["${a}", {"a": {"Ref": "b"}}]})),
            ("!If [c, 1, !Ref AWS::NoValue]", json!({"Fn::If": ["c", 1, {"Ref": "AWS::NoValue"}]})),
            ("!Join [',', [a, b]]", json!({"Fn::Join": [",", ["a", "b"]]})),
            ("Fn::Base64: !Sub |\n  x\n", json!({"Fn::Base64": {"Fn::Sub": "x\n"}})),
            ("!Transform {Name: AWS::Include}", json!({"Fn::Transform": {"Name": "AWS::Include"}})),
            ("!GetAZs ''", json!({"Fn::GetAZs": ""})),
            ("!!str 12", json!("12")),
            ("! 12", json!("12")),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn scalars_keys_and_merges() {
        assert_eq!(
            read("on: yes\n200: 'yes'\nb: \"12\"\nv: 2012-10-17\n"),
            Ok(json!({"on": true, "200": "yes", "b": "12", "v": "2012-10-17"}))
        );
        assert_eq!(
            read("base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n"),
            Ok(json!({"base": {"x": 1, "y": 2}, "d": {"y": 3, "x": 1}}))
        );
        assert_eq!(read("a: &k x\n*k : 1\n"), Ok(json!({"a": "x", "x": 1})));
    }

    #[test]
    fn errors_name_the_place() {
        let cases = [
            ("a: 1\nb:\n  c: 1\n  c: 2\n", "duplicate key 'c' (line 4, column 3)"),
            ("a: !Nope x\n", "unknown tag '!Nope' (line 1, column 4)"),
            ("a: [1\n", "YAML not well-formed. (line 2, column 1)"),
            ("a: 1\n--- \nb: 2\n", "more than one YAML document. (line 2, column 1)"),
            ("? [a]\n: 1\n", "a key must be text. (line 1, column 5)"),
            ("a: &x [*x]\n", "an alias stands inside what it names. (line 1, column 8)"),
        ];
        for (text, expected) in cases {
            let error = read(text).expect_err(text);
            assert_eq!(error, format!("Template format error: {expected}"), "{text}");
        }
        assert!(read("").is_err());
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text = format!("{text}a{level}: &a{level} [{below}]\n");
        }
        assert!(read(&text).expect_err("bomb").contains("more than 200000 values"));
        let mut text = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            text = format!("{text}a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert!(read(&text).expect_err("deep").contains("nested deeper"));
    }
}
