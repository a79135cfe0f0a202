//! Makes copies, and forgets system backups when their time has come.

use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Error as ServiceError, Result};
use cumulet_store::{Read as _, Store};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use super::{BackupName, BackupRecord, Kind, State};
use crate::history::{self, Part, Source};
use crate::purge::{self, Purged};
use crate::store;
use crate::tables::TableName;
use crate::write::decode;

const KIND: &str = "dynamodb/backup";
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);
/// The pause before it is looked again whether a backup whose time has come is in use.
const IN_USE: Duration = Duration::from_secs(60);

/// The job that brings a backup to the state that its record asks for.
pub(crate) fn job(name: &BackupName, now: Timestamp) -> Job {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "table": name.table,
    });
    Job { kind: KIND.to_owned(), key: name.id.clone(), payload, run_at: now }
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Cloud) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    parts.work.register(KIND, 2, move |lease: Lease| {
        let (store, clock) = (store.clone(), clock.clone());
        async move {
            let Some(TableName { account, region, name }) = TableName::of_job(&lease) else {
                return Outcome::Done;
            };
            let name = BackupName { account, region, table: name, id: lease.key.to_string() };
            match work(&store, &name, clock.now()).await {
                Ok(None) => Outcome::Done,
                Ok(Some(at)) => Outcome::Later { at },
                Err(error) => {
                    tracing::warn!(%error, backup = %name, "a backup goes on later");
                    Outcome::Retry { after: PAUSE }
                }
            }
        }
    });
}

/// Works until the backup is whole, or gone; when there is more to do.
pub(super) async fn work(
    store: &Store,
    name: &BackupName,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    loop {
        let snapshot = store.snapshot();
        let record: Option<BackupRecord> = snapshot.get_record(&name.key()).await?;
        let Some(record) = record else { return Ok(None) };
        let State::Creating { version, after } = &record.state else {
            return match record.kind {
                Kind::User => Ok(None),
                Kind::System { expires } => expire(store, name, expires, now).await,
            };
        };
        let table = &record.table.id;
        let images = store::images(&name.account, &name.region, table);
        let source = Source {
            items: store::items(&name.account, &name.region, table),
            // Nothing writes to the items of a deleted table.
            images: (record.kind == Kind::User).then_some((images, *version)),
        };
        let part = source.part(&snapshot, after.as_deref()).await?;
        add(store, name, (&record, *version), &part, now).await?;
    }
}

/// Adds a part to a backup that is as it was when the part was read.
async fn add(
    store: &Store,
    name: &BackupName,
    (before, version): (&BackupRecord, u64),
    part: &Part,
    now: Timestamp,
) -> Result<()> {
    let keys = store::backup_items(&name.account, &name.region, &name.id);
    let mut bytes = 0;
    for (_, stored) in &part.items {
        bytes += decode(stored.clone())?.size() as u64;
    }
    store
        .transact(|tx| {
            let keys = &keys;
            async move {
                let record: Option<BackupRecord> = tx.get_record(&name.key()).await?;
                let same = |record: &BackupRecord| record.state == before.state;
                let Some(mut record) = record.filter(same) else { return Ok(()) };
                if record.kind == Kind::User {
                    for (position, stored) in &part.items {
                        tx.put(keys.at(position), stored.clone());
                    }
                }
                record.items += part.items.len() as u64;
                record.bytes += bytes;
                if let Some(rest) = &part.rest {
                    let after = Some(rest.to_vec());
                    record.state = State::Creating { version, after };
                } else {
                    record.state = State::Available;
                    let (table, id) = (name.table(), &record.table.id);
                    history::release(&tx, &table, id, &name.id, now).await?;
                }
                tx.put_record(name.key(), &record);
                Ok::<_, ServiceError>(())
            }
        })
        .await
}

/// Forgets a system backup whose time has come, unless it is in use.
async fn expire(
    store: &Store,
    name: &BackupName,
    expires: i64,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    if now.millis() < expires {
        return Ok(Some(Timestamp::from_millis(expires)));
    }
    store
        .transact(|tx| async move {
            let record: Option<BackupRecord> = tx.get_record(&name.key()).await?;
            let Some(record) = record else { return Ok(None) };
            if record.restores.is_some() {
                return Ok(Some(now.after(IN_USE)));
            }
            tx.delete(name.key());
            let place = (&name.account, &name.region);
            purge::enqueue(&tx, place, &record.table.id, Purged::All, &[], now).await?;
            Ok::<_, ServiceError>(None)
        })
        .await
}
