//! Whether what is stored agrees with itself: every item can be read, every index entry has its
//! item and every item its entries, collections are as large as is noted, streams have no gap and
//! tell what the tables hold, what items were can be read, backups have what they count, and
//! nothing lies about that belongs to nobody.
//!
//! For a data folder that no cloud runs on. It changes nothing.

mod backup;
#[cfg(test)]
mod copies_tests;
mod history;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cumulet_base::{AccountId, Region};
use cumulet_store::{Component, Direction, Key, Read as _, Snapshot, Store, StoreError};

use crate::purge;
use crate::store;
use crate::tables::Table;

/// Faults that are put in words; all are counted.
const TOLD: usize = 100;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Tables.
    pub tables: u64,
    /// Items of all tables.
    pub items: u64,
    /// Entries of all indexes.
    pub entries: u64,
    /// Streams, with those that are off and still kept.
    pub streams: u64,
    /// Records of all streams.
    pub changes: u64,
    /// Backups.
    pub backups: u64,
    /// How many faults there are.
    pub faults: u64,
    /// The first hundred of them, each a sentence.
    pub told: Vec<String>,
}

impl Verified {
    fn fault(&mut self, words: impl fmt::Display) {
        self.faults += 1;
        if self.told.len() < TOLD {
            self.told.push(words.to_string());
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tables, items, entries, streams, changes, backups, .. } = self;
        write!(
            f,
            "DynamoDB: {tables} tables, {items} items, {entries} index entries, {streams} streams, \
             {changes} stream records, {backups} backups"
        )
    }
}

/// A table's account, region and name.
type Place = (AccountId, Region, String);

/// Looks at all that DynamoDB keeps in `store`. Fails where the store itself cannot be read.
pub async fn verify(store: &Store) -> Result<Verified, StoreError> {
    let snapshot = store.snapshot();
    let mut verified = Verified::default();
    let tables = tables(&snapshot, &mut verified).await?;
    for (place, table) in &tables {
        table::verify(&snapshot, place, table, &mut verified).await?;
        history::verify(&snapshot, place, table, &mut verified).await?;
    }
    let backups = backup::verify(&snapshot, &mut verified).await?;
    let mut rest = Key::of_service(store::DATA).prefix();
    // One step for each table's items, each table's entries, and each kind of a table's streams.
    while let Some((key, _)) = snapshot.range(&rest, Direction::Forward, 1).await?.items.pop() {
        let Some(Group { place, kind }) = Group::of(&key) else {
            verified.fault(format_args!("a key that nobody knows: {}", key.escape_ascii()));
            rest = rest.after(&key);
            continue;
        };
        let (account, region, name) = &place;
        if kind.starts_with("stream") {
            let table = tables.get(&place);
            stream::verify(&snapshot, &kind, &place, table, &mut verified).await?;
        } else if !is_somebodys(&kind, name, &tables, &backups)
            && !purge::is_waiting(&snapshot, name).await?
        {
            let (key, whose) = (key.escape_ascii(), if kind == "backup" { &kind } else { "table" });
            verified.fault(format_args!("{kind} of a {whose} that is not there: {key}"));
        }
        let group = store::data(account, region).text(&kind).text(name).prefix();
        rest = store::past(rest, group);
    }
    Ok(verified)
}

/// Whether there is a table or a backup that has what lies under an id.
fn is_somebodys(kind: &str, id: &str, tables: &BTreeMap<Place, Table>, backups: &Ids) -> bool {
    match kind {
        "backup" => backups.backups.contains(id),
        "item" if backups.tables.contains(id) => true,
        "restore" => {
            tables.values().any(|table| table.record.id == *id && table.record.restoring.is_some())
        }
        _ => tables.values().any(|table| table.record.id == *id),
    }
}

/// What backups there are.
#[derive(Debug, Default)]
struct Ids {
    /// Their own ids.
    backups: BTreeSet<String>,
    /// Of the tables that are gone, and whose items system backups keep.
    tables: BTreeSet<String>,
}

/// Keys that belong to one thing.
struct Group {
    /// Account, region, and a table's id or, of streams, its name.
    place: Place,
    kind: String,
}

impl Group {
    fn of(key: &[u8]) -> Option<Self> {
        let (parts, rest) = Key::leading(key, 4)?;
        let text = |at: usize| parts.get(at).and_then(Component::as_text);
        let kind = text(3)?.to_owned();
        let known = [
            "item",
            "index",
            "collection",
            "image",
            "clock",
            "second",
            "backup",
            "restore",
            "stream",
            "stream-head",
            "stream-shard",
            "stream-change",
        ];
        let place =
            (text(1)?.parse().ok()?, text(2)?.parse().ok()?, store::leading_text(rest)?.to_owned());
        known.contains(&&*kind).then_some(Self { place, kind })
    }
}

/// Every table whose record can be read.
async fn tables(
    snapshot: &Snapshot,
    verified: &mut Verified,
) -> Result<BTreeMap<Place, Table>, StoreError> {
    let mut tables = BTreeMap::new();
    let mut scan = snapshot.scan(store::all_tables().prefix(), Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        verified.tables += 1;
        match Table::read(snapshot, &key, stored).await {
            Ok(((account, region), table)) => {
                tables.insert((account, region, table.record.name.clone()), table);
            }
            Err(why) => {
                verified.fault(format_args!("the table at {}: {why}", key.escape_ascii()));
            }
        }
    }
    Ok(tables)
}
