//! The parts of Python that show in the transform's results: the order of a 2.7 mapping, how a
//! value prints, how it is written as JSON.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::node::Node;

/// The hash table of a Python 2.7 `dict`: which key lies in which slot.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    table: Vec<Slot>,
    /// Keys that are there.
    used: usize,
    /// Slots that are not empty, those of removed keys counted.
    filled: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Slot {
    Empty,
    Removed,
    Key(Arc<str>),
}

const MIN_SIZE: usize = 8;

/// From this many keys on, tables double instead of growing fourfold.
const LARGE: usize = 50_000;

impl Default for Slots {
    fn default() -> Self {
        Self { table: vec![Slot::Empty; MIN_SIZE], used: 0, filled: 0 }
    }
}

impl Slots {
    /// Keys in the order in which Python 2.7 lists them.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.iter().filter_map(|slot| match slot {
            Slot::Key(key) => Some(&**key),
            Slot::Empty | Slot::Removed => None,
        })
    }

    pub(crate) fn add(&mut self, key: &str) {
        self.place(key, || key.into());
    }

    /// Puts a key in its slot, unless it is there.
    fn place(&mut self, key: &str, make: impl FnOnce() -> Arc<str>) {
        let at = self.find(key);
        let Some(slot) = self.table.get_mut(at) else { return };
        match slot {
            Slot::Key(_) => return,
            Slot::Removed => {}
            Slot::Empty => self.filled += 1,
        }
        *slot = Slot::Key(make());
        self.used += 1;
        if self.filled * 3 >= self.table.len() * 2 {
            self.resize(self.used * if self.used > LARGE { 2 } else { 4 });
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        let at = self.find(key);
        if let Some(slot @ Slot::Key(_)) = self.table.get_mut(at) {
            *slot = Slot::Removed;
            self.used -= 1;
        }
    }

    /// Room for `more` keys, as `dict.update` makes it.
    pub(crate) fn reserve(&mut self, more: usize) {
        if more > 0 && (self.filled + more) * 3 >= self.table.len() * 2 {
            self.resize((self.used + more) * 2);
        }
    }

    /// The slot where the key is, or would go.
    fn find(&self, key: &str) -> usize {
        let hash = hash(key);
        let mask = self.table.len() - 1;
        let slot_of = |walker: u64| walker as usize & mask;
        let mut at = slot_of(hash);
        let mut free = None;
        let mut walker = at as u64;
        let mut perturb = hash;
        // A third of the table is empty at least, and the walk visits every slot.
        loop {
            match self.table.get(at) {
                Some(Slot::Key(other)) if **other != *key => {}
                Some(Slot::Removed) => {
                    free.get_or_insert(at);
                }
                Some(Slot::Key(_)) => return at,
                Some(Slot::Empty) | None => return free.unwrap_or(at),
            }
            walker = walker.wrapping_mul(5).wrapping_add(perturb).wrapping_add(1);
            at = slot_of(walker);
            perturb >>= 5;
        }
    }

    fn resize(&mut self, request: usize) {
        let mut size = MIN_SIZE;
        while size <= request {
            size <<= 1;
        }
        let old = std::mem::replace(&mut self.table, vec![Slot::Empty; size]);
        self.used = 0;
        self.filled = 0;
        for slot in old {
            if let Slot::Key(key) = slot {
                self.place(&key.clone(), || key);
            }
        }
    }
}

/// The hash of a Python 2.7 string on a 64-bit machine.
fn hash(text: &str) -> u64 {
    let Some(first) = text.chars().next() else { return 0 };
    let mut hash = u64::from(u32::from(first)) << 7;
    let mut length = 0_u64;
    for character in text.chars() {
        hash = hash.wrapping_mul(1_000_003) ^ u64::from(u32::from(character));
        length += 1;
    }
    hash ^= length;
    if hash == u64::MAX { u64::MAX - 1 } else { hash }
}

/// A value as messages show it: text as it is, everything else as Python 3 prints it.
pub(crate) fn str(node: &Node) -> String {
    match node {
        Node::Text(text) => text.text.clone(),
        other => printed(other, false),
    }
}

/// A value as Python 2.7 prints it, which is what hashes are made from.
pub(crate) fn repr(node: &Node) -> String {
    printed(node, true)
}

fn printed(node: &Node, marks: bool) -> String {
    let mut out = String::new();
    print(node, marks, &mut out);
    out
}

/// `marks`: whether strings of the template show their `u`.
fn print(node: &Node, marks: bool, out: &mut String) {
    match node {
        Node::Null => out.push_str("None"),
        Node::Bool(true) => out.push_str("True"),
        Node::Bool(false) => out.push_str("False"),
        Node::Number(number) => out.push_str(&number_text(number)),
        Node::Text(text) => out.push_str(&quoted(&text.text, marks && text.unicode)),
        Node::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                print(item, marks, out);
            }
            out.push(']');
        }
        Node::Map(dict) => {
            out.push('{');
            for (at, (key, unicode, value)) in dict.iter_flavoured().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                out.push_str(&quoted(key, marks && unicode));
                out.push_str(": ");
                print(value, marks, out);
            }
            out.push('}');
        }
    }
}

/// Python's float notation differs from Rust's where there is an exponent: `1e+16`, `1e-05`.
fn number_text(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', exponent.strip_prefix('+').unwrap_or(exponent)),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

/// A string literal. Double quotes only where the text has single quotes and no double ones.
fn quoted(text: &str, unicode: bool) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 3);
    if unicode {
        out.push('u');
    }
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if unicode && u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c if unicode && u32::from(c) > 0xff => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if unicode && u32::from(c) > 0x7f => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// How `json.dumps` is asked to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json {
    pub(crate) item: &'static str,
    pub(crate) colon: &'static str,
    pub(crate) sorted: bool,
    pub(crate) indent: Option<usize>,
}

impl Json {
    /// `json.dumps(value)`.
    pub(crate) const DEFAULT: Self = Self { item: ", ", colon: ": ", sorted: false, indent: None };
    /// What logical ids are hashed from: no spaces, keys sorted.
    pub(crate) const CANONICAL: Self = Self { item: ",", colon: ":", sorted: true, indent: None };
    /// How a state machine's definition is laid out.
    pub(crate) const INDENTED: Self =
        Self { item: ",", colon: ": ", sorted: true, indent: Some(4) };

    pub(crate) fn write(self, node: &Node) -> String {
        let mut out = String::new();
        self.value(node, 0, &mut out);
        out
    }

    fn value(self, node: &Node, depth: usize, out: &mut String) {
        match node {
            Node::Null => out.push_str("null"),
            Node::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Node::Number(number) => out.push_str(&number_text(number)),
            Node::Text(text) => escape(&text.text, out),
            Node::List(items) if items.is_empty() => out.push_str("[]"),
            Node::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.separate(at, depth + 1, out);
                    self.value(item, depth + 1, out);
                }
                self.line(depth, out);
                out.push(']');
            }
            Node::Map(dict) if dict.is_empty() => out.push_str("{}"),
            Node::Map(dict) => {
                let mut members: Vec<_> = dict.iter().collect();
                if self.sorted {
                    members.sort_by_key(|(key, _)| *key);
                }
                out.push('{');
                for (at, (key, value)) in members.into_iter().enumerate() {
                    self.separate(at, depth + 1, out);
                    escape(key, out);
                    out.push_str(self.colon);
                    self.value(value, depth + 1, out);
                }
                self.line(depth, out);
                out.push('}');
            }
        }
    }

    fn separate(self, at: usize, depth: usize, out: &mut String) {
        if at > 0 {
            out.push_str(self.item);
        }
        self.line(depth, out);
    }

    fn line(self, depth: usize, out: &mut String) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }
}

fn escape(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_keys_as_python_2_7_does() {
        // What CPython 2.7 prints for these on a 64-bit machine.
        let order = |keys: &[&str]| {
            let mut slots = Slots::default();
            for key in keys {
                slots.add(key);
            }
            slots.keys().map(str::to_owned).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&["a", "b", "c", "d"]), "a c b d");
        assert_eq!(order(&["one", "two", "three"]), "three two one");
        assert_eq!(order(&["swagger", "info", "paths"]), "info paths swagger");
    }

    #[test]
    fn prints_and_writes() {
        let node = Node::plain(&json!({"k": [1, 2.0, null, true, "it's \u{e9}"]})).to_python();
        assert_eq!(repr(&node), "{u'k': [1, 2.0, None, True, u\"it's \\xe9\"]}");
        let node = Node::plain(&json!({"b": "é\u{1f600}", "a": [], "c": 1e16}));
        assert_eq!(
            Json::CANONICAL.write(&node),
            "{\"a\":[],\"b\":\"\\u00e9\\ud83d\\ude00\",\"c\":1e+16}"
        );
        assert_eq!(Json::INDENTED.write(&Node::plain(&json!([1]))), "[\n    1\n]");
    }
}
