//! A template's value that remembers what Python 2.7 would have made of it.
//!
//! AWS's transform began on Python 2.7, and the logical ids of REST API deployments carry a hash
//! of how that Python printed the API's definition: `u'…'` for strings of the template, `'…'` for
//! strings of the program, and mappings in the order of their hash tables. Ids must not change
//! from one version to the next, so AWS emulates that order to this day, and so must we.
//! A [`Dict`] is of one of two kinds: in order of insertion, or in the order of Python 2.7.

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use crate::python::Slots;

/// A value of the template.
#[derive(Debug, Clone, Default)]
pub(crate) enum Node {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Node>),
    Map(Dict),
}

/// A string, and whether Python 2.7 would have held it as `unicode` (it came from the template).
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) unicode: bool,
}

/// A mapping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dict {
    entries: IndexMap<String, Entry>,
    /// The hash table whose order rules; `None` where the order of insertion does.
    slots: Option<Slots>,
}

#[derive(Debug, Clone)]
struct Entry {
    unicode: bool,
    value: Node,
}

static NULL: Node = Node::Null;

impl Node {
    /// What a template holds, in order of insertion, as text of the program.
    pub(crate) fn plain(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => Self::List(items.iter().map(Self::plain).collect()),
            Value::Object(map) => {
                let mut dict = Dict::default();
                for (key, child) in map {
                    dict.insert(key.as_str(), Self::plain(child));
                }
                dict.into()
            }
        }
    }

    /// The same value, every string and mapping as if it came from the template.
    pub(crate) fn to_python(&self) -> Self {
        match self {
            Self::Text(text) => Self::Text(Text { text: text.text.clone(), unicode: true }),
            Self::List(items) => Self::List(items.iter().map(Self::to_python).collect()),
            Self::Map(dict) => {
                let mut python = Dict::python();
                for (key, child) in dict.iter() {
                    python.insert(Text { text: key.to_owned(), unicode: true }, child.to_python());
                }
                Self::Map(python)
            }
            other => other.clone(),
        }
    }

    /// The JSON value, mappings in their order.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Map(dict) => Value::Object(
                dict.iter()
                    .map(|(key, child)| (key.to_owned(), child.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Python's `copy.deepcopy`: a mapping in Python 2.7's order gets a fresh hash table.
    pub(crate) fn deep_copy(&self) -> Self {
        match self {
            Self::List(items) => Self::List(items.iter().map(Self::deep_copy).collect()),
            Self::Map(dict) => {
                let mut copy = if dict.slots.is_some() { Dict::python() } else { Dict::default() };
                for (key, unicode, child) in dict.iter_flavoured() {
                    let key = Text { text: key.to_owned(), unicode };
                    copy.insert(key, child.deep_copy());
                }
                Self::Map(copy)
            }
            other => other.clone(),
        }
    }

    /// A member of a mapping; null where there is none, or where this is no mapping.
    pub(crate) fn at(&self, key: &str) -> &Node {
        self.as_map().and_then(|dict| dict.get(key)).unwrap_or(&NULL)
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Python's truth: what is null, false, zero or empty is not.
    pub(crate) fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(flag) => *flag,
            Self::Number(number) => number.as_f64() != Some(0.0),
            Self::Text(text) => !text.text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(dict) => !dict.is_empty(),
        }
    }

    /// The value itself, or nothing where it is null: an optional property.
    pub(crate) fn some(&self) -> Option<&Node> {
        (!self.is_null()).then_some(self)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn is(&self, text: &str) -> bool {
        self.as_str() == Some(text)
    }

    pub(crate) fn as_list(&self) -> Option<&[Node]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_list_mut(&mut self) -> Option<&mut Vec<Node>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Dict> {
        match self {
            Self::Map(dict) => Some(dict),
            _ => None,
        }
    }

    pub(crate) fn as_map_mut(&mut self) -> Option<&mut Dict> {
        match self {
            Self::Map(dict) => Some(dict),
            _ => None,
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    /// What Python's `type(value).__name__` says.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Number(number) if number.is_f64() => "float",
            Self::Number(_) => "int",
            Self::Text(text) if text.unicode => "Py27UniStr",
            Self::Text(_) => "str",
            Self::List(_) => "list",
            Self::Map(dict) if dict.slots.is_some() => "Py27Dict",
            Self::Map(_) => "dict",
        }
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a.text == b.text,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| b.get(key) == Some(value))
            }
            _ => false,
        }
    }
}

impl Dict {
    /// An empty mapping in Python 2.7's order.
    pub(crate) fn python() -> Self {
        Self { entries: IndexMap::new(), slots: Some(Slots::default()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// A member; null where there is none.
    pub(crate) fn at(&self, key: &str) -> &Node {
        self.get(key).unwrap_or(&NULL)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Sets a member. A key that is there stays the object it was, as in Python.
    pub(crate) fn insert(&mut self, key: impl Into<Text>, value: impl Into<Node>) {
        let key = key.into();
        let value = value.into();
        if let Some(entry) = self.entries.get_mut(&key.text) {
            entry.value = value;
            return;
        }
        if let Some(slots) = &mut self.slots {
            slots.add(&key.text);
        }
        self.entries.insert(key.text, Entry { unicode: key.unicode, value });
    }

    /// Sets a member unless the value is null.
    pub(crate) fn insert_some(&mut self, key: &str, value: &Node) {
        if !value.is_null() {
            self.insert(key, value.clone());
        }
    }

    /// The member, made by `make` where there is none.
    pub(crate) fn entry(&mut self, key: impl Into<Text>, make: impl FnOnce() -> Node) -> &mut Node {
        let key = key.into();
        if !self.contains(&key.text) {
            self.insert(key.clone(), make());
        }
        &mut self
            .entries
            .entry(key.text)
            .or_insert(Entry { unicode: false, value: Node::Null })
            .value
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        if let Some(slots) = &mut self.slots {
            slots.remove(key);
        }
        self.entries.shift_remove(key).map(|entry| entry.value)
    }

    /// Python's `dict.update`: the table grows at once for all the keys that may come.
    pub(crate) fn update(&mut self, other: &Self) {
        if let Some(slots) = &mut self.slots {
            slots.reserve(other.len());
        }
        for (key, unicode, value) in other.iter_flavoured() {
            self.insert(Text { text: key.to_owned(), unicode }, value.clone());
        }
    }

    /// Python's `dict.copy`.
    pub(crate) fn copy(&self) -> Self {
        let mut copy = if self.slots.is_some() { Self::python() } else { Self::default() };
        copy.update(self);
        copy
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.iter_flavoured().map(|(key, _, value)| (key, value))
    }

    /// Keys as text that knows where it came from.
    pub(crate) fn keys(&self) -> Vec<Text> {
        self.iter_flavoured()
            .map(|(key, unicode, _)| Text { text: key.to_owned(), unicode })
            .collect()
    }

    pub(crate) fn iter_flavoured(&self) -> impl Iterator<Item = (&str, bool, &Node)> {
        let (by_slot, by_insertion) = match &self.slots {
            Some(slots) => (Some(slots), None),
            None => (None, Some(&self.entries)),
        };
        let slots = by_slot
            .into_iter()
            .flat_map(Slots::keys)
            .filter_map(|key| self.entries.get_key_value(key));
        slots
            .chain(by_insertion.into_iter().flatten())
            .map(|(key, entry)| (key.as_str(), entry.unicode, &entry.value))
    }

    /// Every value, in no particular order.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.entries.values_mut().map(|entry| &mut entry.value)
    }

    /// The first key and its value, where it is the only one.
    pub(crate) fn single(&self) -> Option<(&str, &Node)> {
        self.entries
            .first()
            .filter(|_| self.entries.len() == 1)
            .map(|(key, entry)| (key.as_str(), &entry.value))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), unicode: false }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text, unicode: false }
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Text> for Node {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&Text> for Node {
    fn from(text: &Text) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Dict> for Node {
    fn from(dict: Dict) -> Self {
        Self::Map(dict)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

impl From<&Node> for Node {
    fn from(node: &Node) -> Self {
        node.clone()
    }
}

/// A mapping in order of insertion: `dict! { "Type" => "x", "Value" => node }`.
macro_rules! dict {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut dict = $crate::node::Dict::default();
        $(dict.insert($key, $value);)*
        $crate::node::Node::Map(dict)
    }};
}

/// A mapping in Python 2.7's order.
macro_rules! python {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut dict = $crate::node::Dict::python();
        $(dict.insert($key, $value);)*
        $crate::node::Node::Map(dict)
    }};
}

/// A list: `list![a, b]`.
macro_rules! list {
    ($($item:expr),* $(,)?) => {
        $crate::node::Node::List(vec![$($crate::node::Node::from($item)),*])
    };
}

pub(crate) use {dict, list, python};
