//! An item and a single value, owned, in stored form.

use std::fmt;

use bytes::Bytes;

use crate::builder::{ItemBuilder, MAX_NESTING};
use crate::error::Damaged;
use crate::format::{self, HEADER, VERSION, split_value, u32_at};
use crate::number::Number;
use crate::number_bytes::{MAX_LEN, NumberRef};
use crate::view::{Container, MapRef, Type, ValueRef};

/// An item in stored form: one buffer, cheap to clone, read without being decoded.
///
/// Equality is that of the attributes, whatever the order in which they were written.
#[derive(Clone)]
pub struct Item(Bytes);

impl Item {
    /// An item without attributes.
    pub fn empty() -> Self {
        Self(Bytes::from_static(&[VERSION, 0, 0, 0, 0, 0, 0, 0, 0]))
    }

    /// Takes bytes of [`Self::as_bytes`] back from storage. Looks at the outermost structure only;
    /// what is damaged further in reads as absent. [`Self::check`] looks at everything.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Damaged> {
        let version = bytes.first().ok_or(Damaged)?;
        let payload = bytes.get(HEADER..).and_then(Container::new);
        if *version == VERSION && payload.is_some() { Ok(Self(bytes)) } else { Err(Damaged) }
    }

    /// From bytes that the builder made.
    pub(crate) fn built(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The stored form, without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The attributes, as a map.
    pub fn attributes(&self) -> MapRef<'_> {
        MapRef(self.0.get(HEADER..).and_then(Container::new).unwrap_or(Container::EMPTY))
    }

    /// An attribute by its name.
    pub fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.attributes().get(name)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, ValueRef<'_>)> {
        self.attributes().iter()
    }

    /// How many attributes.
    pub fn len(&self) -> usize {
        self.attributes().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.attributes().is_empty()
    }

    /// Bytes by AWS's count, which limits and capacity go by. Kept in the stored form.
    pub fn size(&self) -> usize {
        u32_at(&self.0, 1).unwrap_or(0) as usize
    }

    /// Reads every byte: for data from a backup or a doubtful disk. It finds damage, not malice:
    /// bytes that another party could have written must be built anew.
    pub fn check(&self) -> Result<(), Damaged> {
        let attributes = self.attributes();
        for at in 0..attributes.len() {
            let (_, value) = attributes.entry(at).ok_or(Damaged)?;
            check(value, MAX_NESTING)?;
        }
        if attributes.size() == self.size() { Ok(()) } else { Err(Damaged) }
    }
}

fn check(value: ValueRef<'_>, levels: usize) -> Result<(), Damaged> {
    let levels = levels.checked_sub(1).ok_or(Damaged)?;
    match value {
        ValueRef::N(number) => {
            let canonical = NumberRef::encode(number.number(), &mut [0; MAX_LEN]) == number;
            if canonical { Ok(()) } else { Err(Damaged) }
        }
        ValueRef::L(list) => {
            (0..list.len()).try_for_each(|at| check(list.get(at).ok_or(Damaged)?, levels))
        }
        ValueRef::M(map) => {
            (0..map.len()).try_for_each(|at| check(map.entry(at).ok_or(Damaged)?.1, levels))
        }
        ValueRef::NS(_) => value.members().try_for_each(|member| check(member, 1)),
        _ => Ok(()),
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.attributes() == other.attributes()
    }
}

impl Default for Item {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attributes().fmt(f)
    }
}

/// One attribute value, owned, in stored form: what an expression's placeholders stand for.
#[derive(Clone)]
pub struct Value(Box<[u8]>);

impl Value {
    /// From bytes that the builder made.
    pub(crate) fn built(bytes: Vec<u8>) -> Self {
        Self(bytes.into_boxed_slice())
    }

    /// The value itself.
    pub fn view(&self) -> ValueRef<'_> {
        split_value(&self.0).map_or(ValueRef::Null, |(value, _)| value)
    }

    /// Its type.
    pub fn kind(&self) -> Type {
        self.view().kind()
    }

    /// A string.
    pub fn string(text: &str) -> Self {
        Self::from(ValueRef::S(text))
    }

    /// A number.
    pub fn number(number: Number) -> Self {
        let mut buffer = [0; MAX_LEN];
        Self::from(ValueRef::N(NumberRef::encode(number, &mut buffer)))
    }

    /// Bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::from(ValueRef::B(bytes))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        let mut bytes = Vec::new();
        format::put_value(&mut bytes, value);
        Self::built(bytes)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<'a> FromIterator<(&'a str, ValueRef<'a>)> for ItemBuilder {
    fn from_iter<I: IntoIterator<Item = (&'a str, ValueRef<'a>)>>(attributes: I) -> Self {
        let mut builder = Self::new();
        for (name, value) in attributes {
            builder.name(name);
            builder.value(value);
        }
        builder
    }
}
