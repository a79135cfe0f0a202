//! Forgets what is older than 24 hours, closes shards that are, and in the end the stream that is
//! off.
//!
//! AWS trims records at some moment after 24 hours ("Data retention limit for DynamoDB Streams").
//! Here a job for each stream does, within minutes. Until then they can be read.

use std::time::Duration;

use bytes::Bytes;
use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Error as ServiceError, Result};
use cumulet_store::{Component, Direction, Key, Read as _, Snapshot, Store, StoreError};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use super::append::{SHARD_MILLIS, outlived, roll_full};
use super::{Change, Head, ShardRecord, StreamInfo, StreamName};
use crate::purge;

const KIND: &str = "dynamodb/stream";
/// How long a record is kept; milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;
/// Records that one transaction forgets.
const BATCH: usize = 500;
/// The pause between two walks at least, and after the store has refused.
const PAUSE: Duration = Duration::from_secs(60);

/// The job that looks after a stream for as long as there is one.
pub(super) fn job(name: &StreamName, now: Timestamp) -> Job {
    let arn = name.to_string();
    Job { kind: KIND.to_owned(), key: arn, payload: json!({}), run_at: now }
}

/// Begins to look after streams.
pub(crate) fn register(cloud: &Cloud) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    parts.work.register(KIND, 1, move |lease: Lease| {
        let (store, now) = (store.clone(), clock.now());
        async move {
            let Ok(name) = lease.key.parse::<StreamName>() else {
                tracing::error!(job = %lease.key, "no stream's name");
                return Outcome::Done;
            };
            match walk(&store, &name, now).await {
                Ok(None) => Outcome::Done,
                Ok(Some(next)) => Outcome::Later { at: next.max(now.after(PAUSE)) },
                Err(error) => {
                    tracing::warn!(%error, stream = %name, "old records are forgotten later");
                    Outcome::Retry { after: PAUSE }
                }
            }
        }
    });
}

/// Forgets what is too old at `now`; when there is more to do, `None` once the stream is gone.
pub(super) async fn walk(
    store: &Store,
    name: &StreamName,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let horizon = now.millis().saturating_sub(KEPT);
    let oldest = records(store, name, horizon).await?;
    let opened = relieve(store, name, now).await?;
    let ended = shards(store, name, horizon).await?;
    let info: Option<StreamInfo> = store.snapshot().get_record(&name.info()).await?;
    let Some(info) = info else { return Ok(None) };
    if info.closed.is_some_and(|closed| closed <= horizon) {
        forget(store, name).await?;
        return Ok(None);
    }
    let kept = |at: i64| at.saturating_add(KEPT);
    let next = [
        oldest.map(kept),
        ended.map(kept),
        info.closed.map(kept),
        opened.filter(|at| *at > now.millis()),
        Some(now.millis().saturating_add(SHARD_MILLIS)),
    ];
    Ok(next.into_iter().flatten().min().map(Timestamp::from_millis))
}

/// Forgets records up to `horizon`; the time of the oldest that is left. Of a stream that is gone,
/// nothing.
async fn records(store: &Store, name: &StreamName, horizon: i64) -> Result<Option<i64>> {
    let all = name.changes().prefix();
    loop {
        let page = store.snapshot().range(&all, Direction::Forward, BATCH).await?;
        let (mut old, mut oldest) = (Vec::new(), None);
        for (key, stored) in page.items {
            let at = Change::decode(stored)?.at;
            if at > horizon {
                oldest = Some(at);
                break;
            }
            old.push(key);
        }
        let Some(last) = old.last() else { return Ok(oldest) };
        let first = sequence_of(last)? + 1;
        let there = store
            .transact(|tx| {
                let old = &old;
                async move {
                    let info: Option<StreamInfo> = tx.get_record(&name.info()).await?;
                    let Some(mut info) = info else { return Ok(false) };
                    info.first = first;
                    tx.put_record(name.info(), &info);
                    for key in old {
                        tx.delete(key.clone());
                    }
                    Ok::<_, ServiceError>(true)
                }
            })
            .await?;
        if oldest.is_some() || !there {
            return Ok(oldest);
        }
    }
}

/// The number at the end of a key: of a change or of a shard.
pub(crate) fn sequence_of(key: &[u8]) -> std::result::Result<u64, StoreError> {
    let parts = Key::components(key).unwrap_or_default();
    let last = parts.last().and_then(Component::as_u64);
    last.ok_or_else(|| StoreError::Corrupt("a stream's key without a number".to_owned()))
}

/// Closes an open shard that has taken records for long enough, though none comes that would; when
/// the newest one will have.
async fn relieve(store: &Store, name: &StreamName, now: Timestamp) -> Result<Option<i64>> {
    store
        .transact(|tx| async move {
            let info: Option<StreamInfo> = tx.get_record(&name.info()).await?;
            let head: Option<Head> = tx.get_record(&name.head()).await?;
            let Some(head) = head.filter(|_| info.is_some_and(|info| info.closed.is_none())) else {
                return Ok(None);
            };
            let at = now.millis().max(head.at);
            let head = roll_full(&tx, name, head, at).await?;
            Ok::<_, ServiceError>(Some(outlived(&head)))
        })
        .await
}

/// Forgets shards that were closed at `horizon`, and so have no records any more; when the oldest
/// closed one that is left was closed.
async fn shards(store: &Store, name: &StreamName, horizon: i64) -> Result<Option<i64>> {
    let (old, left) = old_shards(&store.snapshot(), name, horizon).await?;
    if !old.is_empty() {
        store
            .transact(|tx| {
                for key in &old {
                    tx.delete(key.clone());
                }
                async { Ok::<_, StoreError>(()) }
            })
            .await?;
    }
    Ok(left)
}

async fn old_shards(
    snapshot: &Snapshot,
    name: &StreamName,
    horizon: i64,
) -> Result<(Vec<Bytes>, Option<i64>)> {
    let mut scan = snapshot.scan(name.shards().prefix(), Direction::Forward);
    let mut old = Vec::new();
    while let Some((key, shard)) = scan.next_record::<ShardRecord>().await? {
        match shard.closed {
            Some(closed) if closed.at <= horizon => old.push(key),
            closed => return Ok((old, closed.map(|closed| closed.at))),
        }
    }
    Ok((old, None))
}

/// Forgets a stream and all that is left of it.
async fn forget(store: &Store, name: &StreamName) -> Result<()> {
    purge::remove(store, name.changes().prefix()).await?;
    store
        .transact(|tx| async move {
            tx.delete_range(&name.shards().prefix()).await?;
            tx.delete(name.head());
            tx.delete(name.info());
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(())
}
