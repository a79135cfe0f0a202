//! A transaction under way.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::commit::{Base, Value};
use crate::read::PageBuilder;
use crate::{Direction, Page, Range, Read, Record, StoreError, Version, record};

/// Bytes of a key.
pub const MAX_KEY: usize = 16 << 10;
/// Bytes of a value.
pub const MAX_VALUE: usize = 4 << 20;
/// Bytes of all keys and values that one transaction writes: what DynamoDB's largest one comes to.
/// Its 4 MiB of items lie in the table, in up to 25 indexes, twice in a stream's record and once
/// among the old images of a table that is restored to moments, each under keys of up to 6 KiB.
pub const MAX_TRANSACTION: usize = 160 << 20;
/// Bytes above which a transaction is large: at most one such waits for the disk at a time.
pub(crate) const LARGE: usize = 8 << 20;
/// Keys and ranges that one transaction reads.
pub const MAX_READS: usize = 65_536;

/// A transaction under way: a handle to pass around, valid within the closure it was given to.
///
/// It reads one consistent state and its own writes. What it wrote is stored when the closure
/// has returned `Ok` and nothing that it read has changed.
#[derive(Clone)]
pub struct Tx(Arc<Inner>);

struct Inner {
    base: Base,
    recorded: Mutex<Recorded>,
}

/// What a transaction read and wrote.
#[derive(Default)]
pub(crate) struct Recorded {
    pub(crate) reads: HashSet<Bytes>,
    pub(crate) ranges: Vec<Range>,
    pub(crate) writes: BTreeMap<Bytes, Value>,
    /// The newest not yet durable version that it read.
    pub(crate) depends_on: u64,
    bytes: usize,
    /// The first write or read that was over a limit.
    refused: Option<StoreError>,
}

impl Tx {
    pub(crate) fn new(base: Base) -> Self {
        Self(Arc::new(Inner { base, recorded: Mutex::default() }))
    }

    pub(crate) fn base(&self) -> &Base {
        &self.0.base
    }

    /// Ends the recording. What is done with clones of the handle afterwards has no effect.
    pub(crate) fn finish(&self) -> Result<Recorded, StoreError> {
        let mut recorded = std::mem::take(&mut *self.lock());
        recorded.refused.take().map_or(Ok(recorded), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that it reads at. A transaction that sees what another one wrote has a larger
    /// one, across restarts too, which makes it a fencing token.
    pub fn version(&self) -> Version {
        Version(self.0.base.version)
    }

    /// Stores a value. One over [`MAX_VALUE`], a key over [`MAX_KEY`] or an empty key fail the
    /// transaction.
    pub fn put(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.write(key.into(), Some(value.into()));
    }

    /// Stores a record.
    pub fn put_record<R: Record>(&self, key: impl Into<Bytes>, record: &R) {
        match record::encode(record) {
            Ok(bytes) => self.write(key.into(), Some(bytes)),
            Err(why) => self.lock().refuse(why),
        }
    }

    /// Deletes a key, whether it is there or not.
    pub fn delete(&self, key: impl Into<Bytes>) {
        self.write(key.into(), None);
    }

    /// Deletes every key of a range, reading it page by page. Returns how many there were.
    pub async fn delete_range(&self, range: &Range) -> Result<usize, StoreError> {
        let mut count = 0;
        let mut rest = Some(range.clone());
        while let Some(range) = rest {
            let page = self.range(&range, Direction::Forward, usize::MAX).await?;
            count += page.items.len();
            for (key, _) in page.items {
                self.delete(key);
            }
            rest = page.rest;
        }
        Ok(count)
    }

    fn write(&self, key: Bytes, value: Value) {
        let mut recorded = self.lock();
        let size = value.as_ref().map_or(0, Bytes::len);
        if key.is_empty() || key.len() > MAX_KEY {
            return recorded.refuse(StoreError::TooLarge("a key has 1 to 16,384 bytes"));
        }
        if size > MAX_VALUE {
            return recorded.refuse(StoreError::TooLarge("a value has at most 4 MiB"));
        }
        recorded.bytes += key.len() + size;
        let key_size = key.len();
        if let Some(before) = recorded.writes.insert(key, value) {
            recorded.bytes -= key_size + before.map_or(0, |value| value.len());
        }
        if recorded.bytes > MAX_TRANSACTION {
            recorded.writes.clear();
            recorded.bytes = 0;
            recorded.refuse(StoreError::TooLarge("a transaction writes at most 160 MiB"));
        }
    }

    /// What the not yet durable writes say of `key`.
    fn pending(&self, key: &[u8]) -> Option<(u64, Value)> {
        let base = &self.0.base;
        base.pending.iter().find_map(|layer| layer.read().get(key, base.version).cloned())
    }

    /// All that overlays the engine within `range`: not yet durable writes, then own ones.
    fn overlay(&self, range: &Range) -> BTreeMap<Bytes, Value> {
        let base = &self.0.base;
        let mut overlay = BTreeMap::new();
        let mut newest = 0;
        for layer in base.pending.iter().rev() {
            for (key, (version, value)) in layer.read().visible(range, base.version) {
                newest = newest.max(*version);
                overlay.insert(key.clone(), value.clone());
            }
        }
        let mut recorded = self.lock();
        recorded.depends_on = recorded.depends_on.max(newest);
        if !range.is_empty() {
            for (key, value) in recorded.writes.range::<[u8], _>(range.bounds()) {
                overlay.insert(key.clone(), value.clone());
            }
        }
        overlay
    }

    /// A page of the engine's entries with the overlay applied.
    fn merged(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let mut overlay = self.overlay(range);
        let mut page = PageBuilder::new(limit);
        self.0.base.snapshot.visit(range, direction, &mut |key, value| {
            // First what the overlay has before this key, then its word on the key itself.
            while let Some((before, value)) = pop_before(&mut overlay, key, direction) {
                if value.is_some_and(|value| page.push(before, value)) {
                    return ControlFlow::Break(());
                }
            }
            let value = match overlay.remove(key) {
                Some(value) => value,
                None => Some(Bytes::copy_from_slice(value)),
            };
            if value.is_some_and(|value| page.push(Bytes::copy_from_slice(key), value)) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        while !page.is_full()
            && let Some((key, value)) = pop_first(&mut overlay, direction)
        {
            if let Some(value) = value {
                page.push(key, value);
            }
        }
        Ok(page.finish(range, direction))
    }
}

fn pop_first(overlay: &mut BTreeMap<Bytes, Value>, direction: Direction) -> Option<(Bytes, Value)> {
    match direction {
        Direction::Forward => overlay.pop_first(),
        Direction::Backward => overlay.pop_last(),
    }
}

/// The overlay's next entry if it comes before `key`.
fn pop_before(
    overlay: &mut BTreeMap<Bytes, Value>,
    key: &[u8],
    direction: Direction,
) -> Option<(Bytes, Value)> {
    let next = match direction {
        Direction::Forward => overlay.first_entry().filter(|next| next.key() < key),
        Direction::Backward => overlay.last_entry().filter(|next| next.key() > key),
    };
    next.map(std::collections::btree_map::OccupiedEntry::remove_entry)
}

impl Recorded {
    /// Whether it writes so much that it must not wait for the disk beside others that do.
    pub(crate) fn is_large(&self) -> bool {
        self.bytes > LARGE
    }

    fn refuse(&mut self, why: StoreError) {
        self.refused.get_or_insert(why);
    }

    fn note_read(&mut self, key: &[u8]) {
        if !self.reads.contains(key) {
            if self.reads.len() >= MAX_READS {
                self.refuse(StoreError::TooLarge("a transaction reads at most 65,536 keys"));
            } else {
                self.reads.insert(Bytes::copy_from_slice(key));
            }
        }
    }

    fn note_range(&mut self, range: Range) {
        if range.is_empty() {
            return;
        }
        // Pages of one walk follow each other: they are one range.
        if let Some(last) = self.ranges.last_mut() {
            if last.to.as_ref().map(AsRef::<[u8]>::as_ref) == adjoining(&range.from)
                && adjoining(&range.from) != std::ops::Bound::Unbounded
            {
                last.to = range.to;
                return;
            }
            if last.from.as_ref().map(AsRef::<[u8]>::as_ref) == adjoining(&range.to)
                && adjoining(&range.to) != std::ops::Bound::Unbounded
            {
                last.from = range.from;
                return;
            }
        }
        if self.ranges.len() >= MAX_READS {
            self.refuse(StoreError::TooLarge("a transaction reads at most 65,536 ranges"));
        } else {
            self.ranges.push(range);
        }
    }
}

/// The bound on the other side of the same cut.
fn adjoining(bound: &std::ops::Bound<Bytes>) -> std::ops::Bound<&[u8]> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    match bound {
        Included(key) => Excluded(key),
        Excluded(key) => Included(key),
        Unbounded => Unbounded,
    }
}

impl Read for Tx {
    async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        {
            let mut recorded = self.lock();
            if let Some(own) = recorded.writes.get(key) {
                return Ok(own.clone());
            }
            recorded.note_read(key);
        }
        if let Some((version, value)) = self.pending(key) {
            let mut recorded = self.lock();
            recorded.depends_on = recorded.depends_on.max(version);
            return Ok(value);
        }
        self.0.base.snapshot.get(key)
    }

    async fn range(
        &self,
        range: &Range,
        direction: Direction,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let page = self.merged(range, direction, limit)?;
        let read = match (&page.rest, page.items.last()) {
            (Some(_), Some((key, _))) => range.up_to(key.clone(), direction),
            _ => range.clone(),
        };
        self.lock().note_range(read);
        Ok(page)
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}
