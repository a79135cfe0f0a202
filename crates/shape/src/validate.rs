//! Checks a value against the constraints of its schema.
//!
//! The validator is a [`Writer`]: it is handed each value with its schema and keeps nothing but
//! what is wrong. So an input from the wire and one from a neighbour service are checked alike.

use std::fmt::Write as _;

use cumulet_base::Timestamp;

use crate::{Constraint, Faults, Kind, Member, Pattern, Rules, Schema, Shape, Structure, Writer};

/// Bytes of a broken value that a message shows.
const SHOWN: usize = 4096;

/// Adds to `faults` all that `input` breaks.
pub fn validate<T: Shape>(input: &T, faults: &mut Faults) {
    let mut validator = Validator { faults, path: Vec::new() };
    input.write(Schema::of::<T>(), &mut validator);
}

/// A value as a log may have it: without its sensitive members, of bounded length.
pub fn shown<T: Shape>(value: &T) -> String {
    Shown::of(Schema::of::<T>(), |w| value.write(Schema::of::<T>(), w))
}

struct Validator<'f> {
    faults: &'f mut Faults,
    path: Vec<Place>,
}

/// Where in the input the validator is.
enum Place {
    Member(&'static str),
    Item(usize),
    Entry(String, &'static Rules),
}

impl Validator<'_> {
    /// Notes a broken constraint of the value at the present place.
    ///
    /// What an element or map value breaks, AWS reports of the list or map as a whole, naming all
    /// constraints of the element.
    fn broken(&mut self, schema: Schema, shown: String, constraint: Constraint) {
        let shown = Some(shown).filter(|_| !schema.rules.sensitive);
        let mark = self.faults.mark();
        let (constraint, whole) = match self.path.last() {
            Some(Place::Item(_)) => (Constraint::ListMember(all(schema)), true),
            Some(Place::Entry(..)) if !matches!(constraint, Constraint::MapKeys(_)) => {
                (Constraint::MapValue(all(schema)), true)
            }
            last => (constraint, matches!(last, Some(Place::Entry(..)))),
        };
        self.faults.add(shown, constraint);
        for (depth, place) in self.path.iter().rev().enumerate() {
            match place {
                _ if whole && depth == 0 => {}
                Place::Member(name) => self.faults.within_member(mark, name),
                Place::Item(index) => self.faults.within_item(mark, index),
                Place::Entry(key, _) => self.faults.within_item(mark, key),
            }
        }
        self.faults.forgive_absent(mark);
    }

    fn length(&mut self, schema: Schema, length: usize, show: &dyn Fn() -> String) {
        let length = length as i64;
        if let Some(max) = schema.rules.max.filter(|&max| length > max) {
            self.broken(schema, show(), Constraint::MaxLength(max));
        }
        if let Some(min) = schema.rules.min.filter(|&min| length < min) {
            self.broken(schema, show(), Constraint::MinLength(min));
        }
    }

    /// The next element or entry begins.
    fn step(&mut self) {
        if let Some(Place::Item(index)) = self.path.last_mut() {
            *index += 1;
        }
    }

    fn inside(&mut self, place: Place, visit: &mut dyn FnMut(&mut dyn Writer)) {
        self.path.push(place);
        visit(self);
        self.path.pop();
    }
}

/// Every constraint of a plain value, in AWS's order.
fn all(schema: Schema) -> Vec<Constraint> {
    let rules = schema.rules;
    let number = matches!(schema.kind, Kind::Integer | Kind::Long | Kind::Float | Kind::Double);
    let (max, min): (fn(i64) -> Constraint, fn(i64) -> Constraint) = if number {
        (Constraint::MaxValue, Constraint::MinValue)
    } else {
        (Constraint::MaxLength, Constraint::MinLength)
    };
    let enumerated = match schema.kind {
        Kind::Enum(values) => Some(Constraint::Enum(values)),
        _ => None,
    };
    let bounds = rules.max.map(max).into_iter().chain(rules.min.map(min));
    bounds.chain(rules.pattern.map(Constraint::Pattern)).chain(enumerated).collect()
}

/// Whether anything below a value of this kind and these rules can break a constraint.
fn constrained(kind: Kind, rules: &Rules) -> bool {
    rules.min.is_some()
        || rules.max.is_some()
        || rules.pattern.is_some()
        || rules.each.is_some()
        || rules.keys.is_some()
        || reaches_structure(kind)
}

fn reaches_structure(kind: Kind) -> bool {
    match kind {
        Kind::Structure(_) => true,
        Kind::List(each) | Kind::Map(each) => reaches_structure(*each),
        _ => false,
    }
}

/// A text's length as AWS's validator counts it: UTF-16 code units (Java's `String.length`).
fn java_length(value: &str) -> usize {
    if value.is_ascii() { value.len() } else { value.encode_utf16().count() }
}

impl Writer for Validator<'_> {
    fn structure(
        &mut self,
        _: &'static Structure,
        _: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        self.step();
        self.inside(Place::Member(""), members);
    }

    fn member(&mut self, member: &'static Member) -> bool {
        if let Some(place) = self.path.last_mut() {
            *place = Place::Member(member.name);
        }
        constrained(member.schema.kind, member.schema.rules)
    }

    fn list(&mut self, schema: Schema, len: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        self.step();
        if schema.rules.min.is_some() || schema.rules.max.is_some() {
            let mut shown = String::new();
            let too = |bound: Option<i64>, test: fn(i64, i64) -> bool| {
                bound.is_some_and(|bound| test(len as i64, bound))
            };
            if too(schema.rules.max, |len, max| len > max)
                || too(schema.rules.min, |len, min| len < min)
            {
                shown = Shown::of(schema, |w| w.list(schema, len, items));
            }
            self.length(schema, len, &|| shown.clone());
        }
        if constrained(schema.each().kind, schema.each().rules) {
            self.inside(Place::Item(0), items);
        }
    }

    fn map(&mut self, schema: Schema, len: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        self.step();
        self.length(schema, len, &|| format!("[{len} entries]"));
        self.inside(Place::Entry(String::new(), schema.keys()), entries);
    }

    fn key(&mut self, key: &str) {
        let Some(Place::Entry(last, rules)) = self.path.last_mut() else { return };
        let rules = *rules;
        key.clone_into(last);
        let length = java_length(key) as i64;
        let broken = rules.max.is_some_and(|max| length > max)
            || rules.min.is_some_and(|min| length < min)
            || rules.pattern.is_some_and(|pattern| !pattern.matches(key));
        if broken {
            let schema = Schema { kind: Kind::String, rules };
            self.broken(schema, shorten(key.to_owned()), Constraint::MapKeys(all(schema)));
        }
    }

    fn boolean(&mut self, _: Schema, _: bool) {
        self.step();
    }

    fn integer(&mut self, schema: Schema, value: i64) {
        self.step();
        if let Some(max) = schema.rules.max.filter(|&max| value > max) {
            self.broken(schema, value.to_string(), Constraint::MaxValue(max));
        }
        if let Some(min) = schema.rules.min.filter(|&min| value < min) {
            self.broken(schema, value.to_string(), Constraint::MinValue(min));
        }
    }

    fn float(&mut self, schema: Schema, value: f64) {
        self.step();
        if let Some(max) = schema.rules.max.filter(|&max| value > max as f64) {
            self.broken(schema, value.to_string(), Constraint::MaxValue(max));
        }
        if let Some(min) = schema.rules.min.filter(|&min| value < min as f64) {
            self.broken(schema, value.to_string(), Constraint::MinValue(min));
        }
    }

    fn string(&mut self, schema: Schema, value: &str) {
        self.step();
        let show = || shorten(value.to_owned());
        self.length(schema, java_length(value), &show);
        let broken = |pattern: &&'static Pattern| !pattern.matches(value);
        if let Some(pattern) = schema.rules.pattern.filter(broken) {
            self.broken(schema, show(), Constraint::Pattern(pattern));
        }
    }

    fn blob(&mut self, schema: Schema, value: &[u8]) {
        self.step();
        // How AWS shows a Java ByteBuffer.
        let show = || format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len());
        self.length(schema, value.len(), &show);
    }

    fn timestamp(&mut self, _: Schema, _: Timestamp) {
        self.step();
    }

    fn document(&mut self, _: Schema, _: &serde_json::Value) {
        self.step();
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// A value as Java's `toString` shows it, which is how AWS's messages do.
struct Shown {
    text: String,
    /// For each open structure, list or map: whether a separator is due.
    open: Vec<bool>,
}

impl Shown {
    fn of(schema: Schema, write: impl FnOnce(&mut dyn Writer)) -> String {
        if schema.rules.sensitive {
            return String::new();
        }
        let mut shown = Self { text: String::new(), open: Vec::new() };
        write(&mut shown);
        shorten(shown.text)
    }

    fn value(&mut self, value: &dyn std::fmt::Display) {
        self.separate();
        // Past the shown length nothing is kept: a million elements cost no memory.
        if self.text.len() <= SHOWN {
            let _ = write!(self.text, "{value}");
        }
    }

    fn separate(&mut self) {
        if let Some(due) = self.open.last_mut() {
            if *due && self.text.len() <= SHOWN {
                self.text.push_str(", ");
            }
            *due = true;
        }
    }

    fn named(&mut self, name: &str) {
        self.separate();
        if self.text.len() <= SHOWN {
            let _ = write!(self.text, "{name}=");
        }
        if let Some(due) = self.open.last_mut() {
            *due = false;
        }
    }

    fn within(&mut self, open: &str, close: char, visit: &mut dyn FnMut(&mut dyn Writer)) {
        self.separate();
        self.text.push_str(open);
        self.open.push(false);
        visit(self);
        self.open.pop();
        self.text.push(close);
    }
}

impl Writer for Shown {
    fn structure(
        &mut self,
        structure: &'static Structure,
        _: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        self.within(&format!("{}(", structure.name), ')', members);
    }
    fn member(&mut self, member: &'static Member) -> bool {
        if !member.schema.rules.sensitive {
            self.named(member.name);
        }
        !member.schema.rules.sensitive
    }
    fn list(&mut self, _: Schema, _: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        self.within("[", ']', items);
    }
    fn map(&mut self, _: Schema, _: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        self.within("{", '}', entries);
    }
    fn key(&mut self, key: &str) {
        self.named(key);
    }
    fn boolean(&mut self, _: Schema, value: bool) {
        self.value(&value);
    }
    fn integer(&mut self, _: Schema, value: i64) {
        self.value(&value);
    }
    fn float(&mut self, _: Schema, value: f64) {
        self.value(&value);
    }
    fn string(&mut self, _: Schema, value: &str) {
        self.value(&value);
    }
    fn blob(&mut self, _: Schema, value: &[u8]) {
        self.value(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len()));
    }
    fn timestamp(&mut self, _: Schema, value: Timestamp) {
        self.value(&value.iso8601(true));
    }
    fn document(&mut self, _: Schema, value: &serde_json::Value) {
        self.value(value);
    }
}
