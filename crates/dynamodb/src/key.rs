//! Keys of tables and indexes: what they must be, and where items lie by them.

use std::fmt;

use cumulet_attribute::{Item, ItemBuilder, KeyType, Type, ValueRef, encode_key, partition_hash};

use crate::expression::Path;

/// Bytes of a partition key and of a sort key, at most.
const MAX_PARTITION: usize = 2048;
const MAX_SORT: usize = 1024;

/// A key attribute: its name and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// S, N or B.
    pub kind: KeyType,
}

/// The key of a table or an index. (Index keys of several attributes each, which AWS added in
/// 2025, are not here.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchema {
    /// The HASH attribute.
    pub partition: KeyAttribute,
    /// The RANGE attribute.
    pub sort: Option<KeyAttribute>,
}

/// Why a key or an item does not fit a schema. `Display` is AWS's message of a
/// ValidationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// A key with too few or too many attributes, or of a wrong type.
    Schema,
    /// An item without a key attribute: its name.
    Missing(String),
    /// An item with a key attribute of another type: name, expected, actual.
    Type(String, Type, Type),
    /// An item with an index key of another type: name, expected, actual, index.
    IndexType(String, Type, Type, String),
    /// An empty string or binary: its type and the attribute's name.
    Empty(Type, String),
    /// The same as an index key: type, name, index.
    IndexEmpty(Type, String, String),
    /// A partition key over 2048 bytes.
    PartitionSize,
    /// A sort key over 1024 bytes.
    SortSize,
    /// An update of a key attribute: its name.
    Update(String),
    /// A path into a key attribute: its name.
    Nested(String),
    /// A path into an attribute of an index's key: its name.
    IndexNested(String),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const INVALID: &str = "One or more parameter values were invalid: ";
        const NOT_VALID: &str = "One or more parameter values are not valid. ";
        let word = |kind: &Type| if *kind == Type::B { "binary" } else { "string" };
        match self {
            Self::Schema => f.write_str("The provided key element does not match the schema"),
            Self::Missing(name) => write!(f, "{INVALID}Missing the key {name} in the item"),
            Self::Type(name, expected, actual) => write!(
                f,
                "{INVALID}Type mismatch for key {name} expected: {expected} actual: {actual}"
            ),
            Self::IndexType(name, expected, actual, index) => write!(
                f,
                "{INVALID}Type mismatch for Index Key {name} Expected: {expected} Actual: \
                 {actual} IndexName: {index}"
            ),
            Self::Empty(kind, name) => write!(
                f,
                "{NOT_VALID}The AttributeValue for a key attribute cannot contain an empty {} \
                 value. Key: {name}",
                word(kind)
            ),
            Self::IndexEmpty(kind, name, index) => write!(
                f,
                "{NOT_VALID}A value specified for a secondary index key is not supported. The \
                 AttributeValue for a key attribute cannot contain an empty {} value. IndexName: \
                 {index}, IndexKey: {name}",
                word(kind)
            ),
            // No blank after "of": so AWS writes it.
            Self::PartitionSize => write!(
                f,
                "{INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_PARTITION} \
                 bytes"
            ),
            Self::SortSize => write!(
                f,
                "{INVALID}Aggregated size of all range keys has exceeded the size limit of \
                 {MAX_SORT} bytes"
            ),
            Self::Update(name) => write!(
                f,
                "{INVALID}Cannot update attribute {name}. This attribute is part of the key"
            ),
            Self::Nested(name) => write!(
                f,
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are \
                 not allowed: Key: {name}"
            ),
            Self::IndexNested(name) => write!(
                f,
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are \
                 not allowed: IndexKey: {name}"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl KeySchema {
    /// The attributes, partition first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    /// Whether an attribute is part of the key.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// Refuses a `Key` parameter that is not this key, whole and nothing else.
    pub fn check_key(&self, key: &Item) -> Result<(), KeyError> {
        let fits = |attribute: &KeyAttribute| {
            key.get(&attribute.name).is_some_and(|value| value.kind() == attribute.kind.kind())
        };
        if key.len() != self.attributes().count() || !self.attributes().all(fits) {
            return Err(KeyError::Schema);
        }
        self.check_values(key)
    }

    /// Refuses an item to be stored that lacks the key or has it wrong.
    pub fn check_item(&self, item: &Item) -> Result<(), KeyError> {
        for attribute in self.attributes() {
            let name = || attribute.name.clone();
            let value = item.get(&attribute.name).ok_or_else(|| KeyError::Missing(name()))?;
            let expected = attribute.kind.kind();
            if value.kind() != expected {
                return Err(KeyError::Type(name(), expected, value.kind()));
            }
        }
        self.check_values(item)
    }

    fn check_values(&self, item: &Item) -> Result<(), KeyError> {
        for attribute in self.attributes() {
            if let Some(kind) = item.get(&attribute.name).and_then(empty) {
                return Err(KeyError::Empty(kind, attribute.name.clone()));
            }
        }
        self.check_sizes(item)
    }

    fn check_sizes(&self, item: &Item) -> Result<(), KeyError> {
        let size = |attribute: &KeyAttribute| item.get(&attribute.name).map_or(0, ValueRef::size);
        if size(&self.partition) > MAX_PARTITION {
            return Err(KeyError::PartitionSize);
        }
        if self.sort.as_ref().map_or(0, size) > MAX_SORT {
            return Err(KeyError::SortSize);
        }
        Ok(())
    }

    /// As the key of the index of that name: refuses an item with an index key of a wrong type.
    /// Whether the index has an entry for the item, which needs all of its key.
    pub fn check_indexed(&self, index: &str, item: &Item) -> Result<bool, KeyError> {
        let mut all = true;
        for attribute in self.attributes() {
            let Some(value) = item.get(&attribute.name) else {
                all = false;
                continue;
            };
            let expected = attribute.kind.kind();
            if value.kind() != expected {
                let name = attribute.name.clone();
                return Err(KeyError::IndexType(name, expected, value.kind(), index.to_owned()));
            }
            if let Some(kind) = empty(value) {
                return Err(KeyError::IndexEmpty(kind, attribute.name.clone(), index.to_owned()));
            }
        }
        self.check_sizes(item)?;
        Ok(all)
    }

    /// Refuses an update of key attributes.
    pub fn check_updated<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), KeyError> {
        for path in paths {
            if self.has(path.attribute()) {
                let name = path.attribute().to_owned();
                return Err(if path.is_nested() {
                    KeyError::Nested(name)
                } else {
                    KeyError::Update(name)
                });
            }
        }
        Ok(())
    }

    /// The key attributes of an item alone.
    pub fn key_of(&self, item: &Item) -> Item {
        self.attributes()
            .filter_map(|attribute| Some((attribute.name.as_str(), item.get(&attribute.name)?)))
            .collect::<ItemBuilder>()
            .finish()
            .unwrap_or_default()
    }

    /// Where an item with this key lies: the hash of the partition key, which a Scan follows, then
    /// partition key and sort key, which sort as DynamoDB sorts. `None` without the whole key.
    pub fn position(&self, item: &Item) -> Option<Vec<u8>> {
        let mut position = partition_position(item.get(&self.partition.name)?)?;
        if let Some(sort) = &self.sort
            && !encode_key(item.get(&sort.name)?, &mut position)
        {
            return None;
        }
        Some(position)
    }
}

/// What the positions of all items of a partition begin with. `None` if it is no S, N or B.
pub fn partition_position(partition: ValueRef<'_>) -> Option<Vec<u8>> {
    let mut position = vec![0; 8];
    if !encode_key(partition, &mut position) {
        return None;
    }
    let hash = partition_hash(position.get(8..)?);
    position.get_mut(..8)?.copy_from_slice(&hash.to_be_bytes());
    Some(position)
}

/// The first position of a Scan's segment and the first one after it (`None`: to the end), of
/// `total` equal parts of the hash space.
pub fn segment(segment: u32, total: u32) -> ([u8; 8], Option<[u8; 8]>) {
    // Rounded up, so that the parts meet and the first begins at 0.
    let start = |segment: u32| {
        let start = (u128::from(segment) << 64).div_ceil(u128::from(total.max(1)));
        u64::try_from(start).ok().map(u64::to_be_bytes)
    };
    (start(segment).unwrap_or([0xff; 8]), start(segment.saturating_add(1)))
}

fn empty(value: ValueRef<'_>) -> Option<Type> {
    match value {
        ValueRef::S("") => Some(Type::S),
        ValueRef::B([]) => Some(Type::B),
        _ => None,
    }
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
