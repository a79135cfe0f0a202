//! Gives back the space of deleted tables.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::Cloud;
use cumulet_store::{Direction, Range, Read, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use crate::store;
use crate::tables::TableName;

const KIND: &str = "dynamodb/purge";
/// Entries that one transaction removes.
const BATCH: usize = 1_000;
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);

/// Has the items and entries of a table removed once `tx` is committed.
pub(crate) async fn enqueue(
    tx: &Tx,
    name: &TableName,
    id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = json!({ "account": name.account.as_str(), "region": name.region.as_str() });
    let job = Job { kind: KIND.to_owned(), key: id.to_owned(), payload, run_at: now };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// Whether the items and entries of the table of that id are still to be removed.
pub(crate) async fn is_waiting(read: &impl Read, id: &str) -> Result<bool, StoreError> {
    Ok(cumulet_work::find(read, KIND, id).await?.is_some())
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    let parts = cloud.parts();
    let store = parts.store.clone();
    parts.work.register(KIND, 1, move |lease| run(store.clone(), lease));
}

async fn run(store: Store, lease: Lease) -> Outcome {
    let part = |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let (Ok(account), Ok(region)) = (part("account").parse(), part("region").parse()) else {
        tracing::error!(job = %lease.key, "a purge without account and region");
        return Outcome::Done;
    };
    let items = store::items(&account, &region, &lease.key).within(&[]);
    for range in [items, store::all_entries(&account, &region, &lease.key)] {
        if let Err(error) = remove(&store, range).await {
            tracing::warn!(%error, table = %lease.key, "purging goes on later");
            return Outcome::Retry { after: PAUSE };
        }
    }
    Outcome::Done
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
