//! What a write does to an item and to its index entries, within a transaction.

use std::collections::BTreeSet;

use bytes::Bytes;
use cumulet_attribute::Item;
use cumulet_service::Result;
use cumulet_store::{Read as _, StoreError, Tx};

use crate::capacity::{self, IndexChange};
use crate::error::Error;
use crate::expression::Projection;
use crate::request::Units;
use crate::tables::{Index, Table};

/// The item at a position.
pub(crate) async fn read(tx: &Tx, table: &Table, position: &[u8]) -> Result<Option<Item>> {
    let stored = tx.get(&table.keys.at(position)).await?;
    Ok(stored.map(decode).transpose()?)
}

/// An item from its stored form.
pub(crate) fn decode(bytes: Bytes) -> std::result::Result<Item, StoreError> {
    Item::from_bytes(bytes).map_err(|_| StoreError::Corrupt("an item is damaged".to_owned()))
}

/// Refuses an item that cannot be stored: its key, its index keys.
pub(crate) fn check(table: &Table, item: &Item) -> Result<()> {
    table.schema.check_item(item).map_err(Error::Key)?;
    for index in &table.indexes {
        index.schema.check_indexed(&index.record.name, item).map_err(Error::Key)?;
    }
    Ok(())
}

/// Replaces `old`, which lies at `position`, by `new`; `None` is no item. Returns what it costs.
pub(crate) fn replace(
    tx: &Tx,
    table: &Table,
    position: &[u8],
    old: Option<&Item>,
    new: Option<&Item>,
) -> Result<Units> {
    let key = table.keys.at(position);
    match new {
        Some(new) => tx.put(key, new.clone().into_bytes()),
        None => tx.delete(key),
    }
    let size = |item: Option<&Item>| item.map_or(0, Item::size);
    let mut units = Units::table(capacity::write(size(old), size(new), false));
    for index in &table.indexes {
        let change = replace_entry(tx, index, position, old, new)?;
        let used = capacity::index_write(change, false);
        units.indexes.push((index.record.name.clone(), index.record.local, used));
    }
    Ok(units)
}

fn replace_entry(
    tx: &Tx,
    index: &Index,
    position: &[u8],
    old: Option<&Item>,
    new: Option<&Item>,
) -> Result<IndexChange> {
    let before = old.map(|item| entry(index, position, item)).transpose()?.flatten();
    let after = new.map(|item| entry(index, position, item)).transpose()?.flatten();
    Ok(match (before, after) {
        (None, None) => IndexChange::None,
        (Some((_, before)), Some((_, after))) if before == after => IndexChange::None,
        (None, Some((key, after))) => {
            let change = IndexChange::Insert(after.size());
            tx.put(key, after.into_bytes());
            change
        }
        (Some((key, before)), None) => {
            tx.delete(key);
            IndexChange::Delete(before.size())
        }
        (Some((old_key, before)), Some((key, after))) => {
            let sizes = (before.size(), after.size());
            let moved = old_key != key;
            if moved {
                tx.delete(old_key);
            }
            tx.put(key, after.into_bytes());
            if moved {
                IndexChange::Move(sizes.0, sizes.1)
            } else {
                IndexChange::Update(sizes.0, sizes.1)
            }
        }
    })
}

/// The key and the attributes of an item's entry in an index; `None` where it has none.
pub(crate) fn entry(
    index: &Index,
    position: &[u8],
    item: &Item,
) -> Result<Option<(Vec<u8>, Item)>> {
    let Some(mut place) = index.schema.position(item) else { return Ok(None) };
    // Entries with one index key lie side by side in the order of the table's keys.
    place.extend_from_slice(position);
    let entry = match &index.attributes {
        None => item.clone(),
        Some(names) => {
            let projection = Projection::of_attributes(names.iter().map(String::as_str));
            projection.project(item).map_err(Error::Value)?
        }
    };
    Ok(Some((index.keys.at(&place), entry)))
}

/// Names of an item's attributes.
pub(crate) fn names(item: &Item) -> BTreeSet<String> {
    item.iter().map(|(name, _)| name.to_owned()).collect()
}
