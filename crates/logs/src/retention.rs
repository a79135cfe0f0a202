//! Removes events that have outlived their group's retention.
//!
//! A job for each group with a retention runs every hour for as long as there is one. AWS takes up
//! to 72 hours to delete expired events; here they are out of sight at once, since every read
//! begins at the horizon, and the space comes back within the hour.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::Cloud;
use cumulet_store::{Direction, Read as _, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::{Value, json};

use crate::error::Error;
use crate::group::GroupName;
use crate::model::StreamRecord;
use crate::store::{self, Event, GroupKeys, Position};

const KIND: &str = "logs/retention";
const INTERVAL: Duration = Duration::from_secs(3600);
/// Events that one transaction removes.
const BATCH: usize = 500;
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(30);

/// Has a group's events expire from now on, once `tx` is committed.
pub(crate) async fn enqueue(
    tx: &Tx,
    name: &GroupName,
    group: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "name": name.name,
        "group": group,
    });
    let job = Job { kind: KIND.to_owned(), key: group.to_string(), payload, run_at: now };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    let (store, clock) = (cloud.parts().store.clone(), Arc::clone(&cloud.parts().clock));
    cloud.parts().work.register(KIND, 1, move |lease| {
        let (store, now) = (store.clone(), clock.now());
        async move { run(&store, now, &lease).await }
    });
}

async fn run(store: &Store, now: Timestamp, lease: &Lease) -> Outcome {
    let text = |name: &str| lease.payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let (Ok(account), Ok(region)) = (text("account").parse(), text("region").parse()) else {
        tracing::error!(job = %lease.key, "a retention of no group");
        return Outcome::Done;
    };
    let name = GroupName { account, region, name: text("name").to_owned() };
    let id = lease.payload.get("group").and_then(Value::as_u64);
    match expire(store, &name, id, now).await {
        Ok(true) => Outcome::Later { at: now.after(INTERVAL) },
        Ok(false) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, group = %name.name, "events expire later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

/// Removes what has expired; whether the group still has a retention.
async fn expire(
    store: &Store,
    name: &GroupName,
    id: Option<u64>,
    now: Timestamp,
) -> Result<bool, Error> {
    let group = name.find(&store.snapshot()).await?.filter(|group| Some(group.id) == id);
    let Some(group) = group.filter(|group| group.retention.is_some()) else { return Ok(false) };
    let (keys, horizon) = (name.keys(&group), group.horizon(now.millis()));
    let mut rest = Some(keys.streams().prefix());
    while let Some(range) = rest {
        let page = store.snapshot().range_records(&range, Direction::Forward, BATCH).await?;
        for (key, stream) in page.items {
            let stream: StreamRecord = stream;
            if stream.first_event.is_some_and(|first| first < horizon) {
                let stream_name = store::last_text(&key)?;
                while expire_some(store, &keys, &stream_name, horizon).await? {}
            }
        }
        rest = page.rest;
    }
    Ok(true)
}

/// Removes the first expired events of a stream; whether there may be more.
async fn expire_some(
    store: &Store,
    keys: &GroupKeys,
    name: &str,
    horizon: u64,
) -> Result<bool, StoreError> {
    store
        .transact(async |tx| {
            let key = keys.stream(name);
            let Some(before) = tx.get_record::<StreamRecord>(&key).await? else { return Ok(false) };
            let events = keys.events(before.id);
            let expired = events.between(Position::default(), Some(Position::at(horizon)));
            let page = tx.range(&expired, Direction::Forward, BATCH).await?;
            let size: usize = page.items.iter().map(|(_, stored)| Event::size(stored)).sum();
            for (key, _) in page.items {
                tx.delete(key);
            }
            let first = tx.range(&events.all(), Direction::Forward, 1).await?.items.pop();
            let first = first.map(|(key, _)| events.position(&key)).transpose()?;
            let mut record = before.clone();
            record.first_event = first.map(|first| first.time);
            record.last_event = before.last_event.filter(|_| first.is_some());
            record.bytes = before.bytes.saturating_sub(size as u64);
            keys.grow(&tx, record.id, -i64::try_from(size).unwrap_or(i64::MAX)).await?;
            keys.put_stream(&tx, name, &record, Some(&before));
            Ok(page.rest.is_some())
        })
        .await
}
