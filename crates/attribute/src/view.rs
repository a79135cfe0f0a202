//! Borrowed views of the stored form. Reading allocates nothing. Damaged bytes read as absent
//! attributes, NULL or nothing, and never panic: [`crate::Item::check`] finds damage.

use std::cmp::Ordering;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::format::{split_bytes, split_value, u32_at, utf8};
use crate::number_bytes::NumberRef;

/// The ten types of an attribute value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
    /// Boolean.
    Bool,
    /// Null.
    Null,
    /// String set.
    SS,
    /// Number set.
    NS,
    /// Binary set.
    BS,
    /// List.
    L,
    /// Map.
    M,
}

impl Type {
    /// AWS's descriptor: `S`, `N`, `B`, `BOOL`, `NULL`, `SS`, `NS`, `BS`, `L`, `M`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::SS => "SS",
            Self::NS => "NS",
            Self::BS => "BS",
            Self::L => "L",
            Self::M => "M",
        }
    }

    /// From AWS's descriptor, in capitals.
    pub fn parse(text: &str) -> Option<Self> {
        use Type::{B, BS, Bool, L, M, N, NS, Null, S, SS};
        [S, N, B, Bool, Null, SS, NS, BS, L, M].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An attribute value, borrowed from an item or a [`crate::Value`].
#[derive(Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// A string.
    S(&'a str),
    /// A number.
    N(NumberRef<'a>),
    /// Bytes.
    B(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// Null.
    Null,
    /// A set of strings.
    SS(SetRef<'a>),
    /// A set of numbers.
    NS(SetRef<'a>),
    /// A set of binaries.
    BS(SetRef<'a>),
    /// A list.
    L(ListRef<'a>),
    /// A map.
    M(MapRef<'a>),
}

impl<'a> ValueRef<'a> {
    /// Its type.
    pub fn kind(self) -> Type {
        match self {
            Self::S(_) => Type::S,
            Self::N(_) => Type::N,
            Self::B(_) => Type::B,
            Self::Bool(_) => Type::Bool,
            Self::Null => Type::Null,
            Self::SS(_) => Type::SS,
            Self::NS(_) => Type::NS,
            Self::BS(_) => Type::BS,
            Self::L(_) => Type::L,
            Self::M(_) => Type::M,
        }
    }

    /// The order of two values of one type that has an order (S by UTF-8 bytes, N by value, B by
    /// unsigned bytes); `None` for all others.
    pub fn order(self, other: ValueRef<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::S(left), ValueRef::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
            (Self::N(left), ValueRef::N(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
            (Self::B(left), ValueRef::B(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }

    /// The bytes by which a scalar is a member of a set of its type; `None` for other types.
    pub(crate) fn member_bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::S(text) => Some(text.as_bytes()),
            Self::N(number) => Some(number.as_bytes()),
            Self::B(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether this is a set with the scalar as a member.
    pub fn has_member(self, scalar: ValueRef<'_>) -> bool {
        match (self, scalar) {
            (Self::SS(set), ValueRef::S(_))
            | (Self::NS(set), ValueRef::N(_))
            | (Self::BS(set), ValueRef::B(_)) => {
                scalar.member_bytes().is_some_and(|bytes| set.find(bytes))
            }
            _ => false,
        }
    }

    /// The members of a set, sorted, each as a scalar; nothing for other types.
    pub fn members(self) -> impl ExactSizeIterator<Item = ValueRef<'a>> {
        let set = match self {
            Self::SS(set) | Self::NS(set) | Self::BS(set) => set,
            _ => SetRef(Container::EMPTY),
        };
        let kind = self.kind();
        (0..set.len()).map(move |at| set.member(kind, at))
    }
}

impl fmt::Debug for ValueRef<'_> {
    /// As AWS's messages write it, `{S:b}`; in containers likewise.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}:", self.kind())?;
        match self {
            Self::S(text) => f.write_str(text)?,
            Self::N(number) => write!(f, "{number}")?,
            Self::B(bytes) => f.write_str(&BASE64_STANDARD.encode(bytes))?,
            Self::Bool(value) => write!(f, "{value}")?,
            Self::Null => f.write_str("true")?,
            Self::SS(_) | Self::NS(_) | Self::BS(_) => {
                f.debug_list().entries(self.members()).finish()?;
            }
            Self::L(list) => f.debug_list().entries(list.iter()).finish()?,
            Self::M(map) => f.debug_map().entries(map.iter()).finish()?,
        }
        f.write_str("}")
    }
}

/// Entries and their offsets (see the module `format`).
#[derive(Clone, Copy)]
pub(crate) struct Container<'a> {
    payload: &'a [u8],
    /// 4 bytes for each entry.
    table: &'a [u8],
}

impl<'a> Container<'a> {
    pub(crate) const EMPTY: Self = Self { payload: &[0; 4], table: &[] };

    pub(crate) fn new(payload: &'a [u8]) -> Option<Self> {
        let end = payload.len().checked_sub(4)?;
        let count = u32_at(payload, end)? as usize;
        let table = payload.get(end.checked_sub(count.checked_mul(4)?)?..end)?;
        Some(Self { payload, table })
    }

    pub(crate) fn payload(self) -> &'a [u8] {
        self.payload
    }

    pub(crate) fn len(self) -> usize {
        self.table.len() / 4
    }

    /// The bytes from an entry's start to the payload's end.
    pub(crate) fn entry(self, at: usize) -> Option<&'a [u8]> {
        self.payload.get(u32_at(self.table, at.checked_mul(4)?)? as usize..)
    }

    /// Binary search for the entry whose leading bytes (a name or a member) are `wanted`: its
    /// position.
    fn position(self, wanted: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let (name, _) = split_bytes(self.entry(middle)?)?;
            match name.cmp(wanted) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// The bytes after that entry's leading bytes.
    fn find(self, wanted: &[u8]) -> Option<&'a [u8]> {
        Some(split_bytes(self.entry(self.position(wanted)?)?)?.1)
    }
}

/// The members of a set, sorted; read them by [`ValueRef::members`], which knows their type.
#[derive(Clone, Copy)]
pub struct SetRef<'a>(pub(crate) Container<'a>);

impl<'a> SetRef<'a> {
    /// How many members.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Never true of a set that was built.
    pub fn is_empty(self) -> bool {
        self.0.len() == 0
    }

    fn bytes(self, at: usize) -> Option<&'a [u8]> {
        Some(split_bytes(self.0.entry(at)?)?.0)
    }

    fn find(self, bytes: &[u8]) -> bool {
        self.0.find(bytes).is_some()
    }

    fn member(self, kind: Type, at: usize) -> ValueRef<'a> {
        let bytes = self.bytes(at).unwrap_or_default();
        match kind {
            Type::SS => ValueRef::S(utf8(bytes).unwrap_or_default()),
            Type::NS => ValueRef::N(NumberRef::from_bytes(bytes)),
            _ => ValueRef::B(bytes),
        }
    }
}

impl PartialEq for SetRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|at| self.bytes(at) == other.bytes(at))
    }
}

/// The elements of a list.
#[derive(Clone, Copy)]
pub struct ListRef<'a>(pub(crate) Container<'a>);

impl<'a> ListRef<'a> {
    /// How many elements.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.len() == 0
    }

    /// The element at an index from 0.
    pub fn get(self, at: usize) -> Option<ValueRef<'a>> {
        Some(split_value(self.0.entry(at)?)?.0)
    }

    /// The elements in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = ValueRef<'a>> {
        (0..self.len()).map(move |at| self.get(at).unwrap_or(ValueRef::Null))
    }
}

impl PartialEq for ListRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|at| self.get(at) == other.get(at))
    }
}

/// The names and values of a map, or the attributes of an item.
#[derive(Clone, Copy)]
pub struct MapRef<'a>(pub(crate) Container<'a>);

impl<'a> MapRef<'a> {
    /// How many names.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.len() == 0
    }

    /// The value of a name.
    pub fn get(self, name: &str) -> Option<ValueRef<'a>> {
        Some(split_value(self.0.find(name.as_bytes())?)?.0)
    }

    /// The name, as the map holds it, and its value.
    pub fn get_key_value(self, name: &str) -> Option<(&'a str, ValueRef<'a>)> {
        self.entry(self.0.position(name.as_bytes())?)
    }

    /// The names and values, sorted by name (by UTF-8 bytes).
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, ValueRef<'a>)> {
        (0..self.len()).map(move |at| self.entry(at).unwrap_or(("", ValueRef::Null)))
    }

    pub(crate) fn entry(self, at: usize) -> Option<(&'a str, ValueRef<'a>)> {
        let (name, rest) = split_bytes(self.0.entry(at)?)?;
        Some((utf8(name)?, split_value(rest)?.0))
    }
}

impl PartialEq for MapRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|at| self.entry(at) == other.entry(at))
    }
}

macro_rules! debug_as_list {
    ($($name:ident: $method:ident),*) => {$(
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.$method().entries(self.iter()).finish()
            }
        }
    )*};
}
debug_as_list!(ListRef: debug_list, MapRef: debug_map);

impl fmt::Debug for SetRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a set of {}", self.len())
    }
}
