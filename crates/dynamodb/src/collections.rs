//! Item collections: all items of a table with local indexes, and their entries, that share a
//! partition key (developer guide, "Item collections in Local Secondary Indexes").
//!
//! The size of each is a record of its own, which every write that changes it moves in its own
//! transaction; a collection without items has none. Tables without local indexes have neither
//! records nor a limit. In tables of builds that kept no sizes, a collection is measured with the
//! first write that touches it.

use std::collections::BTreeMap;

use bytes::Bytes;
use cumulet_api_dynamodb::types::{ItemCollectionMetrics, ReturnItemCollectionMetrics};
use cumulet_attribute::{Item, Value};
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Read, Record, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::key::partition_position;
use crate::tables::Table;
use crate::write::{Action, EntryChange, Write, decode};

const GIGABYTE: f64 = (1 << 30) as f64;

/// The size of an item collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CollectionRecord {
    /// Of items and entries, by the count of item sizes.
    pub(crate) bytes: u64,
}

impl Record for CollectionRecord {
    const VERSION: u16 = 1;
}

/// Notes what replacing one item by another does to their collection. Refuses one that grows beyond
/// the limit; what is over it for another reason may shrink.
pub(crate) async fn grow(
    tx: &Tx,
    table: &Table,
    (old, new): (Option<&Item>, Option<&Item>),
    entries: &[EntryChange<'_>],
) -> Result<std::result::Result<(), Error>> {
    let size = |item: Option<&Item>| item.map_or(0, |item| item.size() as i64);
    let local = entries.iter().filter(|entry| entry.index.record.local);
    let growth = size(new) - size(old) + local.map(EntryChange::growth).sum::<i64>();
    let Some(partition) = old.or(new).and_then(|item| place(table, item)) else {
        return Ok(Ok(()));
    };
    if growth == 0 {
        return Ok(Ok(()));
    }
    let bytes = size_of(tx, table, &partition).await?.saturating_add_signed(growth);
    if growth > 0 && bytes > table.collection_limit {
        return Ok(Err(Error::CollectionTooLarge));
    }
    let key = table.collections.at(&partition);
    match bytes {
        0 => tx.delete(key),
        bytes => tx.put_record(key, &CollectionRecord { bytes }),
    }
    Ok(Ok(()))
}

/// What the positions of an item's collection begin with.
fn place(table: &Table, item: &Item) -> Option<Vec<u8>> {
    item.get(&table.schema.partition.name).and_then(partition_position)
}

async fn size_of(
    read: &impl Read,
    table: &Table,
    partition: &[u8],
) -> std::result::Result<u64, StoreError> {
    let record = read.get_record(&table.collections.at(partition)).await?;
    match record {
        Some(CollectionRecord { bytes }) => Ok(bytes),
        None if table.record.counts_collections => Ok(0),
        None => measure(read, table, partition).await,
    }
}

/// Adds up what lies in a collection.
pub(crate) async fn measure(
    read: &impl Read,
    table: &Table,
    partition: &[u8],
) -> std::result::Result<u64, StoreError> {
    let locals = table.indexes.iter().filter(|index| index.record.local);
    let mut bytes = 0;
    for keys in std::iter::once(&table.keys).chain(locals.map(|index| &index.keys)) {
        let mut scan = read.scan(keys.within(partition), Direction::Forward);
        while let Some((_, stored)) = scan.next().await? {
            bytes += decode(stored)?.size() as u64;
        }
    }
    Ok(bytes)
}

/// The partition's position, which a position in its collection begins with.
pub(crate) fn partition_of(table: &Table, item: &Item) -> Bytes {
    place(table, item).unwrap_or_default().into()
}

/// The answer's `ItemCollectionMetrics` for what a write has touched, where the caller wants them
/// and the table has local indexes.
pub(crate) async fn answer(
    cx: &Cx,
    table: &Table,
    write: &Write,
    wanted: Option<ReturnItemCollectionMetrics>,
) -> Result<Option<ItemCollectionMetrics>> {
    if wanted != Some(ReturnItemCollectionMetrics::Size) || !table.has_collections() {
        return Ok(None);
    }
    let key = match &write.action {
        Action::Put(item) | Action::Insert { item, .. } => item,
        Action::Update(key, _) | Action::Delete(key) | Action::Check(key) => key,
    };
    let snapshot = cx.store().snapshot();
    let bytes = size_of(&snapshot, table, &partition_of(table, key)).await?;
    let name = &table.schema.partition.name;
    let lower = (bytes as f64 / GIGABYTE).floor();
    let key = key.get(name).map(|value| (name.clone(), Value::from(value).into()));
    Ok(Some(ItemCollectionMetrics {
        item_collection_key: Some(key.into_iter().collect::<BTreeMap<_, _>>()),
        size_estimate_range_gb: Some(vec![lower, lower + 1.0]),
    }))
}

#[cfg(test)]
#[path = "collections_tests.rs"]
mod tests;
