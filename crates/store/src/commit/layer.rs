//! The writes of one group, before and shortly after they are durable.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::Range;

/// A value, or `None` for a deletion.
pub(crate) type Value = Option<Bytes>;

/// Versioned writes of one group. Grows while the group is being formed, then is frozen.
///
/// Readers use it as an overlay above the engine, the validation as a record of what changed.
#[derive(Default)]
pub(crate) struct Layer(RwLock<Writes>);

#[derive(Default)]
pub(crate) struct Writes {
    keys: BTreeMap<Bytes, Versions>,
    bytes: usize,
    last: u64,
}

/// The values one key took on within the group.
struct Versions {
    last: (u64, Value),
    /// Ascending; empty for all but hot keys.
    older: Vec<(u64, Value)>,
}

impl Versions {
    fn at(&self, version: u64) -> Option<&(u64, Value)> {
        if self.last.0 <= version {
            return Some(&self.last);
        }
        self.older.iter().rev().find(|(written, _)| *written <= version)
    }
}

impl Layer {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Writes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Writes> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a transaction's writes under its version, which is above all earlier ones.
    pub(crate) fn add(&self, version: u64, writes: BTreeMap<Bytes, Value>) {
        let mut layer = self.write();
        for (key, value) in writes {
            layer.bytes += key.len() + value.as_ref().map_or(0, Bytes::len) + ENTRY_BYTES;
            if let Some(versions) = layer.keys.get_mut(&key) {
                let before = std::mem::replace(&mut versions.last, (version, value));
                versions.older.push(before);
            } else {
                let versions = Versions { last: (version, value), older: Vec::new() };
                layer.keys.insert(key, versions);
            }
        }
        layer.last = version;
    }
}

/// What an entry costs beside its key and value.
const ENTRY_BYTES: usize = 128;

impl Writes {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Memory held, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The highest version in it.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// What a reader at `version` finds here for `key`, with the version that wrote it.
    pub(crate) fn get(&self, key: &[u8], version: u64) -> Option<&(u64, Value)> {
        self.keys.get(key)?.at(version)
    }

    /// The same for every key of a range.
    pub(crate) fn visible<'a>(
        &'a self,
        range: &Range,
        version: u64,
    ) -> impl Iterator<Item = (&'a Bytes, &'a (u64, Value))> {
        self.within(range)
            .filter_map(move |(key, versions)| versions.at(version).map(|value| (key, value)))
    }

    /// Whether `key` was written after `version`.
    pub(crate) fn changed(&self, key: &[u8], version: u64) -> bool {
        self.keys.get(key).is_some_and(|versions| versions.last.0 > version)
    }

    /// Whether any key of `range` was written after `version`.
    pub(crate) fn changed_within(&self, range: &Range, version: u64) -> bool {
        self.within(range).any(|(_, versions)| versions.last.0 > version)
    }

    /// Whether any key begins with `prefix`.
    pub(crate) fn touches(&self, prefix: &[u8]) -> bool {
        self.keys
            .range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded))
            .next()
            .is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Each key's final value, in key order.
    pub(crate) fn finals(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.keys.iter().map(|(key, versions)| (&**key, versions.last.1.as_deref()))
    }

    fn within(&self, range: &Range) -> impl Iterator<Item = (&Bytes, &Versions)> {
        // An ordered map panics on an inverted range.
        let bounds = (!range.is_empty()).then(|| range.bounds());
        bounds.into_iter().flat_map(|bounds| self.keys.range::<[u8], _>(bounds))
    }
}
