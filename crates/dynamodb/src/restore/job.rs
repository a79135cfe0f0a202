//! Copies items into a table that is being restored.

use std::sync::{Arc, Weak};
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Error as ServiceError, Result};
use cumulet_store::{Read as _, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use super::{Origin, RestoreRecord};
use crate::DynamoDb;
use crate::backups::BackupRecord;
use crate::history::{self, Part, Source};
use crate::model::TableRecord;
use crate::store;
use crate::tables::{Table, TableName};
use crate::write::{self, decode};

const KIND: &str = "dynamodb/restore";
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);

/// The job that makes a table whole.
pub(crate) fn job(name: &TableName, id: &str, now: Timestamp) -> Job {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "table": name.name,
    });
    Job { kind: KIND.to_owned(), key: id.to_owned(), payload, run_at: now }
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Cloud, service: &Arc<DynamoDb>) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    let service = Arc::downgrade(service);
    parts
        .work
        .register(KIND, 2, move |lease| run(service.clone(), store.clone(), clock.now(), lease));
}

async fn run(service: Weak<DynamoDb>, store: Store, now: Timestamp, lease: Lease) -> Outcome {
    let Some(name) = TableName::of_job(&lease) else { return Outcome::Done };
    // Gone when the cloud is: whoever comes next goes on.
    let Some(service) = service.upgrade() else { return Outcome::Retry { after: PAUSE } };
    match work(&service, &store, &name, &lease.key, now).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, table = %name.name, "restoring goes on later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

/// Works until the table is whole.
pub(super) async fn work(
    service: &DynamoDb,
    store: &Store,
    name: &TableName,
    id: &str,
    now: Timestamp,
) -> Result<()> {
    let key = store::restore(&name.account, &name.region, id);
    loop {
        let table = service.known(name).await?.filter(|table| table.record.id == id);
        let snapshot = store.snapshot();
        let progress: Option<RestoreRecord> = snapshot.get_record(&key).await?;
        let (Some(table), Some(progress)) = (table, progress) else { return Ok(()) };
        let Some(source) = source(&snapshot, name, &progress.from).await? else {
            return Err(StoreError::Corrupt(format!("{}: its source is gone", name.arn())).into());
        };
        let part = source.part(&snapshot, progress.after.as_deref()).await?;
        store
            .transact(|tx| {
                let (key, table, progress, part) = (&key, &table, &progress, &part);
                async move {
                    let there: Option<RestoreRecord> = tx.get_record(key).await?;
                    if there.as_ref() != Some(progress) {
                        return Ok(());
                    }
                    add(&tx, table, part).await?;
                    if let Some(rest) = &part.rest {
                        let (from, after) = (progress.from.clone(), Some(rest.to_vec()));
                        tx.put_record(key.clone(), &RestoreRecord { from, after });
                    } else {
                        tx.delete(key.clone());
                        finish(&tx, name, id, &progress.from, now).await?;
                    }
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
    }
}

/// What is copied; `None` where it is gone.
async fn source(
    read: &impl cumulet_store::Read,
    name: &TableName,
    from: &Origin,
) -> Result<Option<Source>> {
    let (account, region) = (&name.account, &name.region);
    match from {
        Origin::Backup(backup) => {
            let key = store::backups(account, region).text(backup);
            let record: Option<BackupRecord> = read.get_record(&key).await?;
            let items = |record: BackupRecord| record.keys(account, region, backup);
            Ok(record.map(|record| Source { items: items(record), images: None }))
        }
        Origin::Table { id, version, .. } => Ok(Some(Source {
            items: store::items(account, region, id),
            images: Some((store::images(account, region, id), *version)),
        })),
    }
}

async fn add(tx: &Tx, table: &Table, part: &Part) -> Result<()> {
    for (position, stored) in &part.items {
        write::restore(tx, table, position, &decode(stored.clone())?).await?;
    }
    Ok(())
}

/// Makes the table usable and releases its source.
async fn finish(tx: &Tx, name: &TableName, id: &str, from: &Origin, now: Timestamp) -> Result<()> {
    let record: Option<TableRecord> = tx.get_record(&name.key()).await?;
    if let Some(mut record) = record.filter(|record| record.id == id) {
        record.restoring = None;
        tx.put_record(name.key(), &record);
    }
    match from {
        Origin::Backup(backup) => {
            let key = store::backups(&name.account, &name.region).text(backup);
            let record: Option<BackupRecord> = tx.get_record(&key).await?;
            if let Some(mut record) = record {
                record.restores = None;
                tx.put_record(key, &record);
            }
            Ok(())
        }
        Origin::Table { name: table, id: source, .. } => {
            let (account, region) = (name.account.clone(), name.region.clone());
            let table = TableName { account, region, name: table.clone() };
            Ok(history::release(tx, &table, source, id, now).await?)
        }
    }
}
