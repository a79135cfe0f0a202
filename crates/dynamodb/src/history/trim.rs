//! Forgets images that no moment within the recovery period and no copy under way needs, and all
//! of them once neither is.
//!
//! A job for each table that keeps images walks through them and sleeps 20 times as long as it
//! worked, ten minutes at least. (What is too old cannot be restored, whether it is still there or
//! not.)

use std::time::{Duration, Instant};

use cumulet_base::Timestamp;
use cumulet_service::Cloud;
use cumulet_store::{Direction, Read as _, Snapshot, Store, StoreError};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use super::Clock;
use super::source::split;
use crate::model::TableRecord;
use crate::purge;
use crate::store;
use crate::tables::TableName;

const KIND: &str = "dynamodb/history";
/// The pause between two walks, at least.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// The pause after a walk, as a multiple of its time.
const SHARE: u32 = 20;
/// The pause after the store has refused.
const REFUSED: Duration = Duration::from_secs(5);
/// Seconds for which more is kept than needed.
const UNNOTED: i64 = 60;
/// Images that one transaction forgets.
const BATCH: usize = 1_000;

/// The job that looks after a table's images for as long as it keeps any.
pub(crate) fn job(name: &TableName, id: &str, now: Timestamp) -> Job {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "table": name.name,
    });
    Job { kind: KIND.to_owned(), key: id.to_owned(), payload, run_at: now }
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Cloud) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    parts.work.register(KIND, 1, move |lease: Lease| {
        let (store, now) = (store.clone(), clock.now());
        async move {
            let Some(name) = TableName::of_job(&lease) else { return Outcome::Done };
            let began = Instant::now();
            match walk(&store, &name, &lease.key, now).await {
                Ok(true) => Outcome::Later { at: now.after(PAUSE.max(began.elapsed() * SHARE)) },
                Ok(false) => Outcome::Done,
                Err(error) => {
                    tracing::warn!(%error, table = %lease.key, "old images are forgotten later");
                    Outcome::Retry { after: REFUSED }
                }
            }
        }
    });
}

/// Forgets what nobody needs at `now`; whether the table keeps images still. What a deleted table
/// kept is removed with its items.
pub(super) async fn walk(
    store: &Store,
    name: &TableName,
    id: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let snapshot = store.snapshot();
    let record: Option<TableRecord> = snapshot.get_record(&name.key()).await?;
    let Some(record) = record.filter(|record| record.id == id) else { return Ok(false) };
    let clock = Clock::of(name, id);
    let images = store::images(&name.account, &name.region, id);
    if !record.keeps_images() {
        // Switched on again meanwhile, it needs none of those that are there: what it keeps is
        // newer than this snapshot.
        let found = snapshot.scan(images.within(&[]), Direction::Forward);
        forget(store, found, |_| Ok(true)).await?;
        let found = snapshot.scan(clock.seconds().prefix(), Direction::Forward);
        forget(store, found, |_| Ok(true)).await?;
        return Ok(false);
    }
    let needed = needed(&snapshot, &clock, &record, now).await?;
    let found = snapshot.scan(images.within(&[]), Direction::Forward);
    let old = |key: &bytes::Bytes| Ok(split(&images.position(key))?.1 < needed.version);
    forget(store, found, old).await?;
    let seconds = clock.seconds();
    let old = seconds.prefix().before(&seconds.clone().u64(needed.second));
    purge::remove(store, old).await?;
    Ok(true)
}

/// The earliest that is needed.
#[derive(Debug, Clone, Copy)]
struct Needed {
    version: u64,
    second: u64,
}

async fn needed(
    snapshot: &Snapshot,
    clock: &Clock,
    record: &TableRecord,
    now: Timestamp,
) -> Result<Needed, StoreError> {
    let copied = record.copies.iter().map(|copy| copy.version).min().unwrap_or(u64::MAX);
    let Some(recovery) = &record.recovery else {
        return Ok(Needed { version: copied, second: u64::MAX });
    };
    // A restore that has begun and is not yet noted lives for seconds, if that.
    let earliest = recovery.earliest(now).secs().saturating_sub(UNNOTED);
    let earliest = u64::try_from(earliest).unwrap_or(0);
    // A moment's version is that of the next second with writes, so this one's are needed no more.
    let (second, version) = clock.latest(snapshot, earliest).await?.unwrap_or((0, 0));
    Ok(Needed { version: version.min(copied), second })
}

/// Removes what `old` says of all that is found.
async fn forget(
    store: &Store,
    mut found: cumulet_store::Scan<Snapshot>,
    old: impl Fn(&bytes::Bytes) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    loop {
        let mut keys = Vec::new();
        while keys.len() < BATCH
            && let Some((key, _)) = found.next().await?
        {
            if old(&key)? {
                keys.push(key);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        store
            .transact(|tx| {
                for key in &keys {
                    tx.delete(key.clone());
                }
                async { Ok::<_, StoreError>(()) }
            })
            .await?;
    }
}
