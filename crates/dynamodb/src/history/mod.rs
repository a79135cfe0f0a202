//! What items were: for copies of a table as of a moment, whatever is written meanwhile.
//!
//! While point-in-time recovery is on, or a copy of the table is being made, every write stores in
//! its own transaction what it replaces: the item before it, or nothing where there was none. It
//! lies under the item's position and the version that the transaction read at. A copy as of a
//! version takes, for each position, the first image whose version is not below it, or else what
//! lies there now ([`Source`]). So there are no base snapshots, and none to take when recovery is
//! switched on: the table as it is now is the base, and images lead back from it. A copy can stop
//! at any point and go on later, and needs no memory in proportion to the table. Tables without
//! either write, and read, nothing more than before.
//!
//! Versions order what moments cannot: a transaction that saw what another wrote reads at a larger
//! version, and all writes of one transaction have the same. Whatever version a copy stops at, it
//! has each transaction whole or not at all, and none without those it rests on. [`Clock`] says
//! which version a second begins with.
//!
//! | key: `dynamodb`, account, region, and | value |
//! |---|---|
//! | `image`, table id, position, version (8 bytes) | the item before, or nothing |
//! | `clock`, table id | the last second with writes |
//! | `second`, table id, second | the version that the first transaction in it read at |

mod clock;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod trim;

use bytes::Bytes;
use cumulet_attribute::Item;
use cumulet_base::Timestamp;
use cumulet_store::{Read as _, StoreError, Tx};

pub(crate) use clock::{Clock, second_of, version};
pub(crate) use source::{Part, Source, split};
pub(crate) use trim::{job, register};

use crate::model::{CopyRecord, TableRecord};
use crate::store::ItemKeys;
use crate::tables::TableName;

/// Where a table's images go, while it keeps them.
#[derive(Debug)]
pub(crate) struct History {
    images: ItemKeys,
    /// Only for recovery: a copy knows its version.
    clock: Option<Clock>,
}

impl History {
    pub(crate) fn of(name: &TableName, record: &TableRecord) -> Option<Self> {
        let images = crate::store::images(&name.account, &name.region, &record.id);
        let clock = record.recovery.as_ref().map(|_| Clock::of(name, &record.id));
        record.keeps_images().then_some(Self { images, clock })
    }

    /// Notes within the transaction that replaces it what lay at a position. An item is written
    /// once in a transaction.
    pub(crate) async fn note(
        &self,
        tx: &Tx,
        position: &[u8],
        old: Option<&Item>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(clock) = &self.clock {
            clock.tick(tx, now).await?;
        }
        let mut key = self.images.at(position);
        key.extend_from_slice(&tx.version().get().to_be_bytes());
        tx.put(key, old.map_or_else(Bytes::new, |old| old.clone().into_bytes()));
        Ok(())
    }
}

/// Notes in a table's record that a copy as of `version` is under way; from this commit on, writes
/// keep what it needs.
pub(crate) async fn hold(
    tx: &Tx,
    name: &TableName,
    record: &mut TableRecord,
    copy: CopyRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    record.copies.push(copy);
    cumulet_work::enqueue(tx, job(name, &record.id, now)).await.map(drop)
}

/// Forgets a copy that is done, unless the table is gone; then its images go with it.
pub(crate) async fn release(
    tx: &Tx,
    name: &TableName,
    id: &str,
    copy: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let record: Option<TableRecord> = tx.get_record(&name.key()).await?;
    let Some(mut record) = record.filter(|record| record.id == id) else { return Ok(()) };
    record.copies.retain(|one| one.id != copy);
    tx.put_record(name.key(), &record);
    cumulet_work::enqueue(tx, job(name, id, now)).await.map(drop)
}
