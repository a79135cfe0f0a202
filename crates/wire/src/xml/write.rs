//! XML out.

use std::fmt::Write as _;

use base64::Engine as _;
use cumulet_base::Timestamp;
use cumulet_shape::{Location, Member, Rules, Schema, Structure, TimeFormat, Writer};

use crate::time;

/// A writer of one XML document.
pub(crate) struct XmlWriter {
    out: String,
    /// The name and rules of the value that comes next.
    next: Tag,
    /// A start tag stands open for attributes.
    start_open: bool,
    /// Of the open structure, write attributes alone (true) or all but them (false).
    attributes: Option<bool>,
    /// Leave out members that stand outside the body (REST).
    body_only: bool,
    /// Timestamps always show their milliseconds, as those of S3, CloudFront and Route 53 do.
    millis: bool,
    /// For each open map, whether an entry is open, and its tags.
    maps: Vec<Map>,
}

#[derive(Clone, Copy)]
struct Tag {
    name: &'static str,
    attribute: bool,
}

struct Map {
    entry: &'static str,
    key: &'static str,
    value: &'static str,
    open: bool,
}

/// Text with XML's special characters escaped. Carriage returns too, or a parser would drop them.
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            // XML 1.0 has no other control characters, not even escaped (section 2.2); a character
            // reference is what S3 writes all the same, and what its clients read.
            c if c < ' ' && !matches!(c, '\t' | '\n') => {
                let _ = write!(out, "&#x{:X};", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

impl XmlWriter {
    /// A writer whose root element is `root`.
    pub(crate) fn new(root: &'static str) -> Self {
        Self {
            out: String::new(),
            next: Tag { name: root, attribute: false },
            start_open: false,
            attributes: None,
            body_only: false,
            millis: false,
            maps: Vec::new(),
        }
    }

    /// A writer of the part of a REST message that is its body.
    pub(crate) fn body_only(root: &'static str) -> Self {
        Self { body_only: true, ..Self::payload(root) }
    }

    /// A writer of a REST message's body that is one member.
    pub(crate) fn payload(root: &'static str) -> Self {
        Self { millis: true, ..Self::new(root) }
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }

    fn finish_start(&mut self) {
        if std::mem::take(&mut self.start_open) {
            self.out.push('>');
        }
    }

    fn open(&mut self, name: &str) {
        self.finish_start();
        self.out.push('<');
        self.out.push_str(name);
        self.start_open = true;
    }

    fn close(&mut self, name: &str) {
        self.finish_start();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn plain(&mut self, text: &str) {
        let Tag { name, attribute } = self.next;
        if attribute && self.start_open {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, text);
            self.out.push('"');
            return;
        }
        self.open(name);
        self.finish_start();
        escape(&mut self.out, text);
        self.close(name);
    }

    fn element(&mut self, rules: &Rules, write: &mut dyn FnMut(&mut Self)) {
        let Tag { name, .. } = self.next;
        self.open(name);
        if let Some((prefix, uri)) = rules.xmlns {
            self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.out.push_str(prefix);
            self.out.push_str("=\"");
            escape(&mut self.out, uri);
            self.out.push('"');
        }
        write(self);
        self.close(name);
    }

    fn named(&mut self, name: &'static str) {
        self.next = Tag { name, attribute: false };
    }
}

impl Writer for XmlWriter {
    fn structure(
        &mut self,
        structure: &'static Structure,
        schema: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        let (own, outer) = (self.next, self.attributes.take());
        // Attributes stand in the start tag, wherever the model has them.
        let attributed = structure.members.iter().any(|m| m.schema.rules.attribute);
        self.element(schema.rules, &mut |w| {
            if attributed {
                w.attributes = Some(true);
                members(w);
                w.attributes = Some(false);
            }
            members(w);
        });
        (self.next, self.attributes) = (own, outer);
    }

    fn member(&mut self, member: &'static Member) -> bool {
        let attribute = member.schema.rules.attribute;
        self.next = Tag { name: member.wire, attribute };
        self.attributes.is_none_or(|alone| alone == attribute)
            && (!self.body_only || member.at == Location::Body)
    }

    fn list(&mut self, schema: Schema, _: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        let own = self.next;
        if schema.rules.flattened {
            items(self);
        } else {
            self.element(schema.rules, &mut |w| {
                w.named(schema.rules.item.unwrap_or("member"));
                items(w);
            });
        }
        self.next = own;
    }

    fn map(&mut self, schema: Schema, _: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        let own = self.next;
        let rules = schema.rules;
        let map = |entry| Map {
            entry,
            key: rules.key.unwrap_or("key"),
            value: rules.value.unwrap_or("value"),
            open: false,
        };
        let mut write = |w: &mut Self, entry| {
            w.maps.push(map(entry));
            entries(w);
            if let Some(Map { entry, open: true, .. }) = w.maps.pop() {
                w.close(entry);
            }
        };
        if rules.flattened {
            write(self, own.name);
        } else {
            self.element(rules, &mut |w| write(w, "entry"));
        }
        self.next = own;
    }

    fn key(&mut self, key: &str) {
        let Some(map) = self.maps.last_mut() else { return };
        let (entry, was_open) = (map.entry, std::mem::replace(&mut map.open, true));
        let (key_name, value_name) = (map.key, map.value);
        if was_open {
            self.close(entry);
        }
        self.open(entry);
        self.named(key_name);
        self.plain(key);
        self.named(value_name);
    }

    fn boolean(&mut self, _: Schema, value: bool) {
        self.plain(if value { "true" } else { "false" });
    }

    fn integer(&mut self, _: Schema, value: i64) {
        self.plain(&value.to_string());
    }

    fn float(&mut self, _: Schema, value: f64) {
        let spelled = if value.is_infinite() {
            format!("{}Infinity", if value < 0.0 { "-" } else { "" })
        } else {
            format!("{value:?}")
        };
        self.plain(&spelled);
    }

    fn string(&mut self, _: Schema, value: &str) {
        self.plain(value);
    }

    fn blob(&mut self, _: Schema, value: &[u8]) {
        self.plain(&base64::engine::general_purpose::STANDARD.encode(value));
    }

    fn timestamp(&mut self, schema: Schema, value: Timestamp) {
        let format = schema.rules.time.unwrap_or(TimeFormat::Iso8601);
        let spelled = match format {
            TimeFormat::Iso8601 if self.millis => value.iso8601(true),
            _ => time::format(value, format),
        };
        self.plain(&spelled);
    }

    fn document(&mut self, _: Schema, value: &serde_json::Value) {
        self.plain(&value.to_string());
    }
}
