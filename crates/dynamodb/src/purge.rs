//! Gives back the space of deleted tables and backups.
//!
//! What is being copied from a table when it is deleted waits for the copy; the items that a
//! system backup keeps stay.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{AccountId, Region, Timestamp};
use cumulet_service::Cloud;
use cumulet_store::{Direction, Range, Read, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::{Value, json};

use crate::model::CopyRecord;
use crate::tables::TableName;
use crate::{backups, history, restore, store};

const KIND: &str = "dynamodb/purge";
/// Entries that one transaction removes.
const BATCH: usize = 1_000;
/// The pause before it is looked again whether a copy is done.
const COPYING: Duration = Duration::from_secs(1);
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);

/// What is removed of a table or a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purged {
    /// All of it.
    All,
    /// All but the items, which a system backup keeps.
    AllButItems,
}

/// Has what lies under the id of a table, or of a backup, removed once `tx` is committed and the
/// copies that are being made of it are done.
pub(crate) async fn enqueue(
    tx: &Tx,
    (account, region): (&AccountId, &Region),
    id: &str,
    what: Purged,
    copies: &[CopyRecord],
    now: Timestamp,
) -> Result<(), StoreError> {
    let copies: Vec<&str> = copies.iter().map(|copy| copy.id.as_str()).collect();
    let payload = json!({
        "account": account.as_str(),
        "region": region.as_str(),
        "keeps_items": what == Purged::AllButItems,
        "copies": copies,
    });
    let job = Job { kind: KIND.to_owned(), key: id.to_owned(), payload, run_at: now };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// Whether what lies under the id of a table or a backup is still to be removed.
pub(crate) async fn is_waiting(read: &impl Read, id: &str) -> Result<bool, StoreError> {
    Ok(cumulet_work::find(read, KIND, id).await?.is_some())
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    parts.work.register(KIND, 1, move |lease| run(store.clone(), clock.now(), lease));
}

async fn run(store: Store, now: Timestamp, lease: Lease) -> Outcome {
    let Some(place) = TableName::of_job(&lease) else { return Outcome::Done };
    match work(&store, &place, &lease).await {
        Ok(true) => Outcome::Done,
        Ok(false) => Outcome::Later { at: now.after(COPYING) },
        Err(error) => {
            tracing::warn!(%error, id = %lease.key, "purging goes on later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

/// Removes what the job is about; false where it is being copied.
async fn work(store: &Store, place: &TableName, lease: &Lease) -> Result<bool, StoreError> {
    let (account, region, id) = (&place.account, &place.region, &*lease.key);
    let copies = lease.payload.get("copies").and_then(Value::as_array).into_iter().flatten();
    for copy in copies.filter_map(Value::as_str) {
        let (snapshot, place) = (store.snapshot(), (account, region));
        if backups::is_copying(&snapshot, place, copy).await?
            || restore::is_copying(&snapshot, place, copy).await?
        {
            return Ok(false);
        }
    }
    let keeps_items = lease.payload.get("keeps_items").and_then(Value::as_bool) == Some(true);
    let items = (!keeps_items).then(|| store::items(account, region, id).within(&[]));
    let clock = history::Clock::of(place, id);
    let rest = [
        store::all_entries(account, region, id),
        store::collections(account, region, id).within(&[]),
        store::images(account, region, id).within(&[]),
        clock.seconds().prefix(),
        clock.head().prefix(),
        store::backup_items(account, region, id).within(&[]),
    ];
    for range in items.into_iter().chain(rest) {
        remove(store, range).await?;
    }
    Ok(true)
}

/// Removes all that lies in a range, in batches.
pub(crate) async fn remove(store: &Store, range: Range) -> Result<(), StoreError> {
    let mut rest = Some(range);
    while let Some(range) = rest {
        let page = store.snapshot().range(&range, Direction::Forward, BATCH).await?;
        let keys: Vec<_> = page.items.into_iter().map(|(key, _)| key).collect();
        store
            .transact(|tx| {
                for key in &keys {
                    tx.delete(key.clone());
                }
                async { Ok::<_, StoreError>(()) }
            })
            .await?;
        rest = page.rest;
    }
    Ok(())
}
