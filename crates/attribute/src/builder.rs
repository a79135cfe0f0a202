//! Builds the stored form as a request is read, without a tree between.

use bytes::Bytes;

use crate::entries::{entry_bytes, levels, sort_members, sort_names};
use crate::error::{ValueError, quote};
use crate::format::{self, HEADER, VERSION};
use crate::item::{Item, Value};
use crate::number::Number;
use crate::number_bytes::{MAX_LEN, NumberRef};
use crate::size::{CONTAINER, ELEMENT};
use crate::view::{Type, ValueRef};

/// The largest item, by AWS's count.
pub const MAX_ITEM_SIZE: usize = 400 * 1024;
/// Levels of nesting, an attribute's own value being the first (31 maps in one another may hold a
/// scalar; dynamodb-conformance, captured June 2026).
pub const MAX_NESTING: usize = 32;

/// Builds an [`Item`] or a [`Value`] from calls in document order.
///
/// A value is one call (`string`, `number`, `binary`, `bool`, `null`, `value`) or a container
/// (`begin_list`, `begin_map`, `begin_set` … `end`); in an item or a map, `name` goes before it. A
/// reader that meets AWS's AttributeValue, a structure of which exactly one member is set, puts
/// `begin_value` and `end_value` around what it finds there.
///
/// Calls do not fail: the first fault, in document order, is kept, what follows it is passed over,
/// and `finish` returns it. A name that comes twice in a map has its last value, as AWS's reader
/// of JSON seems to have it (undocumented).
#[derive(Debug)]
pub struct ItemBuilder {
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    /// Offsets of the open containers' entries, the innermost last.
    offsets: Vec<u32>,
    /// Lists and maps that are open.
    nesting: usize,
    size: usize,
    limit: usize,
    error: Option<ValueError>,
    /// The outermost name under which the fault was found.
    faulty: String,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    scope: Scope,
    /// Where the payload begins in `bytes`.
    start: usize,
    /// Where the entries begin in `offsets`.
    first: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scope {
    /// An item's attributes, or a nested map's pairs; whether a name awaits its value.
    Attributes {
        named: bool,
    },
    Map {
        named: bool,
    },
    List,
    Set(Type),
    /// An AttributeValue: how many types are set.
    Value {
        types: usize,
    },
    /// The place of a [`Value`].
    Single,
}

impl ItemBuilder {
    /// For an item of at most 400 KB.
    pub fn new() -> Self {
        Self::with_limit(MAX_ITEM_SIZE)
    }

    /// For an item, or a map read as one (keys, expression values), of at most `limit` bytes by
    /// AWS's count. Beyond it nothing more is held in memory.
    pub fn with_limit(limit: usize) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(VERSION);
        bytes.extend_from_slice(&[0; 4]);
        Self::begin(bytes, Scope::Attributes { named: false }, limit)
    }

    /// For one value, to be taken by [`Self::finish_value`], of at most `limit` bytes.
    pub fn single(limit: usize) -> Self {
        Self::begin(Vec::with_capacity(32), Scope::Single, limit)
    }

    fn begin(bytes: Vec<u8>, scope: Scope, limit: usize) -> Self {
        let root = Frame { scope, start: bytes.len(), first: 0 };
        let mut frames = Vec::with_capacity(8);
        frames.push(root);
        let offsets = Vec::with_capacity(32);
        let faulty = String::new();
        Self { bytes, frames, offsets, nesting: 0, size: 0, limit, error: None, faulty }
    }

    /// Makes room at once for an item whose request text has that many bytes, instead of growing
    /// step by step. Up to 64 KB: what a length claims must not cost more.
    pub fn reserve(&mut self, length: usize) {
        self.bytes.reserve(length.min(64 << 10));
    }

    /// The fault found so far, and the outermost name (attribute or placeholder) it was found
    /// under. A reader may stop at it.
    pub fn fault(&self) -> Option<(&str, &ValueError)> {
        self.error.as_ref().map(|error| (self.faulty.as_str(), error))
    }

    /// The name of the next value.
    pub fn name(&mut self, name: &str) {
        if self.error.is_some() {
            return;
        }
        match self.frames.last_mut().map(|frame| &mut frame.scope) {
            Some(Scope::Attributes { named: named @ false }) => *named = true,
            Some(Scope::Map { named: named @ false }) => {
                *named = true;
                self.size += ELEMENT;
            }
            _ => return self.fail(ValueError::Empty),
        }
        self.entry();
        self.count(name.len());
        format::put_length(&mut self.bytes, name.len());
        self.bytes.extend_from_slice(name.as_bytes());
    }

    /// Begins an AttributeValue in which exactly one type must be set.
    pub fn begin_value(&mut self) {
        if self.error.is_none() && self.place(0) {
            self.push_frame(Scope::Value { types: 0 });
        }
    }

    /// Ends it.
    pub fn end_value(&mut self) {
        if self.error.is_some() {
            return;
        }
        match self.frames.pop().map(|frame| frame.scope) {
            Some(Scope::Value { types: 1 }) => {}
            Some(Scope::Value { types: 2.. }) => self.fail(ValueError::MoreThanOneType),
            _ => self.fail(ValueError::Empty),
        }
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        if self.accept(text.len()) {
            format::put_string(&mut self.bytes, text);
        }
    }

    /// A number from its text.
    pub fn number(&mut self, text: &str) {
        if self.error.is_some() {
            return;
        }
        match Number::parse(text) {
            Ok(number) => self.decimal(number),
            Err(error) => self.fail(error),
        }
    }

    /// A number.
    pub fn decimal(&mut self, number: Number) {
        let mut buffer = [0; MAX_LEN];
        let number = NumberRef::encode(number, &mut buffer);
        if self.accept(number.size()) {
            format::put_number(&mut self.bytes, number);
        }
    }

    /// Bytes.
    pub fn binary(&mut self, bytes: &[u8]) {
        if self.accept(bytes.len()) {
            format::put_binary(&mut self.bytes, bytes);
        }
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) {
        if self.accept(1) {
            format::put_bool(&mut self.bytes, value);
        }
    }

    /// Null, which AWS writes as `"NULL": true` and not otherwise.
    pub fn null(&mut self, value: bool) {
        if !value {
            return self.fail(ValueError::NullNotTrue);
        }
        if self.accept(1) {
            format::put_null(&mut self.bytes);
        }
    }

    /// A value that is in stored form already.
    pub fn value(&mut self, value: ValueRef<'_>) {
        if !self.accept(value.size()) {
            return;
        }
        if self.nesting + levels(value, MAX_NESTING) > MAX_NESTING {
            return self.fail(ValueError::NestingTooDeep);
        }
        format::put_value(&mut self.bytes, value);
    }

    /// Begins a list; its elements follow as values.
    pub fn begin_list(&mut self) {
        self.begin_container(Scope::List, Type::L);
    }

    /// Begins a map; names and values follow.
    pub fn begin_map(&mut self) {
        self.begin_container(Scope::Map { named: false }, Type::M);
    }

    /// Begins a set: SS, NS or BS; members follow by `member` or `member_bytes`.
    pub fn begin_set(&mut self, kind: Type) {
        if self.accept(0) {
            format::begin_container(&mut self.bytes, kind);
            self.push_frame(Scope::Set(kind));
        }
    }

    /// A member of an SS, or of an NS as its text.
    pub fn member(&mut self, text: &str) {
        if self.set() == Some(Type::NS) {
            return match Number::parse(text) {
                Ok(number) => {
                    let mut buffer = [0; MAX_LEN];
                    let number = NumberRef::encode(number, &mut buffer);
                    self.put_member(number.as_bytes(), number.size());
                }
                Err(error) => self.fail(error),
            };
        }
        self.put_member(text.as_bytes(), text.len());
    }

    /// A member of a BS.
    pub fn member_bytes(&mut self, bytes: &[u8]) {
        self.put_member(bytes, bytes.len());
    }

    /// A member of a set from a scalar of its type.
    pub fn member_value(&mut self, scalar: ValueRef<'_>) {
        if let Some(bytes) = scalar.member_bytes() {
            self.put_member(bytes, scalar.size());
        }
    }

    /// Ends the innermost list, map or set.
    pub fn end(&mut self) {
        if self.error.is_some() {
            return;
        }
        let Some(frame) = self.frames.pop() else { return };
        if let Err(error) = self.close(frame) {
            return self.fail(error);
        }
        if !matches!(frame.scope, Scope::Set(_)) {
            self.nesting -= 1;
        }
        format::end_container(&mut self.bytes, frame.start);
    }

    /// The item, or the first fault.
    pub fn finish(mut self) -> Result<Item, ValueError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let root = self.frames.pop().filter(|_| self.frames.is_empty()).ok_or(ValueError::Empty)?;
        if root.start != HEADER {
            return Err(ValueError::Empty);
        }
        self.close(root)?;
        if let Some(slot) = self.bytes.get_mut(1..HEADER) {
            slot.copy_from_slice(&(self.size as u32).to_le_bytes());
        }
        Ok(Item::built(Bytes::from(self.bytes)))
    }

    /// The value of a builder made by [`Self::single`], or the first fault.
    pub fn finish_value(mut self) -> Result<Value, ValueError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        match self.frames.as_slice() {
            [Frame { scope: Scope::Single, .. }] if !self.bytes.is_empty() => {
                Ok(Value::built(self.bytes))
            }
            _ => Err(ValueError::Empty),
        }
    }

    fn fail(&mut self, error: ValueError) {
        if self.error.is_none() {
            self.error = Some(error);
            let names = self.frames.get(1).map_or(self.offsets.len(), |inner| inner.first);
            let offset = names.checked_sub(1).and_then(|last| self.offsets.get(last));
            let payload = self.bytes.get(HEADER..).unwrap_or_default();
            let name = offset.map_or(&[][..], |offset| entry_bytes(payload, *offset));
            self.faulty = quote(&String::from_utf8_lossy(name));
            self.bytes = Vec::new();
            self.offsets = Vec::new();
        }
    }

    /// Counts bytes by AWS's rule. False once the limit is passed.
    fn count(&mut self, size: usize) -> bool {
        self.size = self.size.saturating_add(size);
        if self.size > self.limit {
            self.fail(ValueError::ItemTooLarge);
        }
        self.error.is_none()
    }

    /// Notes the beginning of an entry of the innermost container.
    fn entry(&mut self) {
        if let Some(frame) = self.frames.last() {
            self.offsets.push((self.bytes.len() - frame.start) as u32);
        }
    }

    /// Makes ready for a value of `size` bytes: whether it may be written.
    fn accept(&mut self, size: usize) -> bool {
        self.error.is_none() && self.place(1) && self.count(size)
    }

    /// Takes the place of a value in the innermost scope; `types` is 0 for an AttributeValue, whose
    /// type is yet to come.
    fn place(&mut self, types: usize) -> bool {
        match self.frames.last_mut().map(|frame| &mut frame.scope) {
            Some(
                Scope::Attributes { named: named @ true } | Scope::Map { named: named @ true },
            ) => {
                *named = false;
            }
            Some(Scope::List) => {
                self.size += ELEMENT;
                self.entry();
            }
            Some(Scope::Value { types: count }) if types > 0 => *count += types,
            Some(Scope::Single) if self.bytes.is_empty() => {}
            _ => self.fail(ValueError::Empty),
        }
        if self.nesting >= MAX_NESTING {
            self.fail(ValueError::NestingTooDeep);
        }
        self.error.is_none()
    }

    fn push_frame(&mut self, scope: Scope) {
        self.frames.push(Frame { scope, start: self.bytes.len(), first: self.offsets.len() });
    }

    fn begin_container(&mut self, scope: Scope, kind: Type) {
        if !self.accept(CONTAINER) {
            return;
        }
        format::begin_container(&mut self.bytes, kind);
        self.push_frame(scope);
        self.nesting += 1;
    }

    fn set(&self) -> Option<Type> {
        match self.frames.last().filter(|_| self.error.is_none())?.scope {
            Scope::Set(kind) => Some(kind),
            _ => None,
        }
    }

    fn put_member(&mut self, bytes: &[u8], size: usize) {
        if self.error.is_some() {
            return;
        }
        if self.set().is_none() {
            return self.fail(ValueError::Empty);
        }
        if self.count(size) {
            self.entry();
            format::put_length(&mut self.bytes, bytes.len());
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Ends a payload: checks its entries, sorts their offsets, writes them.
    fn close(&mut self, frame: Frame) -> Result<(), ValueError> {
        let offsets = self.offsets.get_mut(frame.first..).unwrap_or_default();
        let mut count = offsets.len();
        match frame.scope {
            Scope::Attributes { named: false } | Scope::Map { named: false } => {
                let nested = frame.scope != Scope::Attributes { named: false };
                let payload = self.bytes.get(frame.start..).unwrap_or_default();
                let (kept, freed) = sort_names(payload, nested, offsets);
                count = kept;
                self.size = self.size.saturating_sub(freed);
            }
            Scope::List => {}
            Scope::Set(kind) => {
                sort_members(self.bytes.get(frame.start..).unwrap_or_default(), kind, offsets)?;
            }
            _ => return Err(ValueError::Empty),
        }
        let offsets = offsets.get(..count).unwrap_or_default();
        format::end_payload(&mut self.bytes, offsets);
        self.offsets.truncate(frame.first);
        Ok(())
    }
}

impl Default for ItemBuilder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
