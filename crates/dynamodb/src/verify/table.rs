//! A table: its items, and its indexes against them, both ways.

use bytes::Bytes;
use cumulet_attribute::Item;
use cumulet_store::{Direction, Key, Read as _, Snapshot, StoreError};

use super::{Place, Verified};
use crate::collections::{self, CollectionRecord};
use crate::model::IndexState;
use crate::store;
use crate::tables::{Index, Table};
use crate::write;

/// Looks at every item and every entry.
pub(super) async fn verify(
    snapshot: &Snapshot,
    (account, region, _): &Place,
    table: &Table,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut scan = snapshot.scan(table.keys.within(&[]), Direction::Forward);
    // Items of one partition lie side by side.
    let mut partition = Bytes::new();
    while let Some((key, stored)) = scan.next().await? {
        verified.items += 1;
        match read(table, &key, stored) {
            Ok((item, position)) => {
                entries_of(snapshot, table, &item, &position, verified).await?;
                let of_item = collections::partition_of(table, &item);
                if table.has_collections() && partition != of_item {
                    collection(snapshot, table, &of_item, verified).await?;
                    partition = of_item;
                }
            }
            Err(why) => verified.fault(at(table, &key, why)),
        }
    }
    let mut scan = snapshot.scan(table.collections.within(&[]), Direction::Forward);
    while let Some((key, _)) = scan.next().await? {
        let partition = table.collections.position(&key);
        let items = table.keys.within(&partition);
        if snapshot.range(&items, Direction::Forward, 1).await?.items.is_empty() {
            verified.fault(at(table, &key, "the size of a collection without items"));
        }
    }
    let entries = store::all_entries(account, region, &table.record.id);
    let mut scan = snapshot.scan(entries, Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        verified.entries += 1;
        let name = Key::leading(&key, 5).and_then(|(_, rest)| store::leading_text(rest));
        let name = name.unwrap_or_default();
        let wrong = match table.index(name) {
            Some(index) => wrong_entry(snapshot, table, index, &key, stored).await?,
            None => Some("an entry of an index that is not there"),
        };
        if let Some(why) = wrong {
            verified.fault(at(table, &key, &format!("index {name}: {why}")));
        }
    }
    Ok(())
}

/// Compares what is noted of a collection with what lies in it.
async fn collection(
    snapshot: &Snapshot,
    table: &Table,
    partition: &[u8],
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let key = table.collections.at(partition);
    let noted = match snapshot.get_record::<CollectionRecord>(&key).await {
        Ok(Some(noted)) => noted.bytes,
        // Not yet measured.
        Ok(None) if !table.record.counts_collections => return Ok(()),
        Ok(None) => 0,
        Err(why) => {
            verified.fault(at(table, &key, &why.to_string()));
            return Ok(());
        }
    };
    // What cannot be read is a fault already.
    let there = match collections::measure(snapshot, table, partition).await {
        Err(StoreError::Corrupt(_)) => return Ok(()),
        there => there?,
    };
    if noted != there {
        let what = format!("a collection of {there} bytes is noted as having {noted}");
        verified.fault(at(table, &key, &what));
    }
    Ok(())
}

fn at(table: &Table, key: &[u8], what: &str) -> String {
    format!("table {}: {what} (key {})", table.record.name, key.escape_ascii())
}

/// An item and its position.
pub(super) fn read(
    table: &Table,
    key: &[u8],
    stored: Bytes,
) -> Result<(Item, Vec<u8>), &'static str> {
    let item = whole(stored).ok_or("an item cannot be read")?;
    if table.schema.check_item(&item).is_err() {
        return Err("an item lacks the table's key");
    }
    let position = table.schema.position(&item).ok_or("an item lacks the table's key")?;
    if table.keys.at(&position) != key {
        return Err("an item lies where its key does not belong");
    }
    Ok((item, position))
}

/// An item of which every byte is as it was written.
pub(super) fn whole(stored: Bytes) -> Option<Item> {
    let item = Item::from_bytes(stored).ok()?;
    item.check().is_ok().then_some(item)
}

/// Looks for the entries that an item must have.
async fn entries_of(
    snapshot: &Snapshot,
    table: &Table,
    item: &Item,
    position: &[u8],
    verified: &mut Verified,
) -> Result<(), StoreError> {
    for index in table.indexes.iter().filter(|index| index.is_whole()) {
        let Ok(Some((key, _))) = write::entry(index, position, item) else { continue };
        if snapshot.get(&key).await?.is_none() {
            let what = format!("index {}: an item has no entry", index.record.name);
            verified.fault(at(table, &table.keys.at(position), &what));
        }
    }
    Ok(())
}

/// What is wrong with an entry.
async fn wrong_entry(
    snapshot: &Snapshot,
    table: &Table,
    index: &Index,
    key: &[u8],
    stored: Bytes,
) -> Result<Option<&'static str>, StoreError> {
    let Some(entry) = whole(stored) else { return Ok(Some("an entry cannot be read")) };
    // What is being removed is kept no more.
    if index.record.state == IndexState::Deleting {
        return Ok(None);
    }
    let Some(position) = table.schema.position(&entry) else {
        return Ok(Some("an entry lacks the table's key"));
    };
    let Some(item) = snapshot.get(&table.keys.at(&position)).await? else {
        return Ok(Some("an entry has no item"));
    };
    // An item that cannot be read is a fault already.
    let Some(item) = whole(item) else { return Ok(None) };
    Ok(match write::entry(index, &position, &item) {
        Ok(Some((place, _))) if place != key => Some("an entry is not where its item has it"),
        Ok(Some((_, expected))) if expected != entry => Some("an entry is not what its item says"),
        Ok(Some(_)) => None,
        _ => Some("an entry is of an item that has none"),
    })
}
