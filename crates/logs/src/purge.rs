//! Gives back the space of deleted groups and streams.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::Cloud;
use cumulet_store::{Direction, Range, Read as _, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::{Value, json};

use crate::group::GroupName;
use crate::store::GroupKeys;

const KIND: &str = "logs/purge";
/// Entries that one transaction removes.
const BATCH: usize = 1_000;
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);

/// Has all of a group, or the events of one stream in it, removed once `tx` is committed. Nothing
/// is added to either any more: both have left their records.
pub(crate) async fn enqueue(
    tx: &Tx,
    name: &GroupName,
    group: u64,
    stream: Option<u64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "group": group,
        "stream": stream,
    });
    let key = stream.map_or_else(|| group.to_string(), |stream| format!("{group}/{stream}"));
    let job = Job { kind: KIND.to_owned(), key, payload, run_at: now };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    let store = cloud.parts().store.clone();
    cloud.parts().work.register(KIND, 1, move |lease| run(store.clone(), lease));
}

async fn run(store: Store, lease: Lease) -> Outcome {
    let Some(range) = range(&lease.payload) else {
        tracing::error!(job = %lease.key, "a purge of no group");
        return Outcome::Done;
    };
    match remove(&store, range).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, job = %lease.key, "purging goes on later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

fn range(payload: &Value) -> Option<Range> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| payload.get(name).and_then(Value::as_u64);
    let (account, region) = (text("account").parse().ok()?, text("region").parse().ok()?);
    let keys = GroupKeys::new(&account, &region, number("group")?);
    Some(number("stream").map_or_else(|| keys.all(), |stream| keys.events(stream).all()))
}

async fn remove(store: &Store, range: Range) -> Result<(), StoreError> {
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
