//! Makes and removes global indexes of tables that are in use.
//!
//! From the commit that adds an index's record on, every write keeps the index. The job adds the
//! entries of items that were there before, in batches: each batch reads its items and writes their
//! entries in one transaction, in which the table's record must be what it was. It may run again
//! from the beginning. While an index is not whole, it cannot be read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Error as ServiceError, Result};
use cumulet_store::{Direction, Range, Read as _, Store};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use crate::DynamoDb;
use crate::error::Error;
use crate::model::{IndexState, TableRecord};
use crate::ops::table_rules;
use crate::purge;
use crate::tables::{Index, Table, TableName};
use crate::write::{self, decode};

const KIND: &str = "dynamodb/index";
/// Items that one transaction indexes.
const BATCH: usize = 100;
/// The pause after the store has refused.
const PAUSE: Duration = Duration::from_secs(5);

/// The job that brings an index to the state that its record asks for.
pub(crate) fn job(name: &TableName, id: &str, index: &str, now: Timestamp) -> Job {
    let payload = json!({
        "account": name.account.as_str(),
        "region": name.region.as_str(),
        "table": name.name,
        "id": id,
        "index": index,
    });
    Job { kind: KIND.to_owned(), key: format!("{id}/{index}"), payload, run_at: now }
}

/// Begins to work through what was enqueued.
pub(crate) fn register(cloud: &Cloud, service: &Arc<DynamoDb>) {
    let parts = cloud.parts();
    let (store, service) = (parts.store.clone(), Arc::downgrade(service));
    parts.work.register(KIND, 2, move |lease| run(service.clone(), store.clone(), lease));
}

async fn run(service: Weak<DynamoDb>, store: Store, lease: Lease) -> Outcome {
    let part = |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let (Ok(account), Ok(region)) = (part("account").parse(), part("region").parse()) else {
        tracing::error!(job = %lease.key, "an index without account and region");
        return Outcome::Done;
    };
    let name = TableName { account, region, name: part("table").to_owned() };
    // Gone when the cloud is: whoever comes next goes on.
    let Some(service) = service.upgrade() else { return Outcome::Retry { after: PAUSE } };
    match work(&service, &store, &name, part("id"), part("index")).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, index = %lease.key, "work on an index goes on later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

/// Works until the index is whole or gone.
pub(crate) async fn work(
    service: &DynamoDb,
    store: &Store,
    name: &TableName,
    id: &str,
    index: &str,
) -> Result<()> {
    let mut rest = None;
    loop {
        let Some(table) = service.named(name).await? else { return Ok(()) };
        let Some(index) = table.index(index).filter(|_| table.record.id == id) else {
            return Ok(());
        };
        match index.record.state {
            IndexState::Active => return Ok(()),
            IndexState::Deleting => {
                purge::remove(store, index.keys.within(&[])).await?;
                settle(store, name, &table, index).await?;
            }
            IndexState::Backfilling => {
                let range = rest.take().unwrap_or_else(|| table.keys.within(&[]));
                rest = backfill(store, &table, index, range).await?;
                if rest.is_none() {
                    settle(store, name, &table, index).await?;
                }
            }
        }
    }
}

/// Adds the entries of a range's items; what is left of it when the table changed meanwhile.
async fn backfill(
    store: &Store,
    table: &Table,
    index: &Index,
    range: Range,
) -> Result<Option<Range>> {
    let mut rest = Some(range);
    while let Some(range) = rest {
        let page = store.snapshot().range(&range, Direction::Forward, BATCH).await?;
        let keys: Vec<Bytes> = page.items.into_iter().map(|(key, _)| key).collect();
        let same = store
            .transact(|tx| {
                let keys = &keys;
                async move {
                    if !table.check(&tx).await? {
                        return Ok(false);
                    }
                    for key in keys {
                        let Some(stored) = tx.get(key).await? else { continue };
                        let item = decode(stored)?;
                        let position = write::position_of(table, &item)?;
                        if let Some((place, entry)) = write::entry(index, &position, &item)? {
                            tx.put(place, entry.into_bytes());
                        }
                    }
                    Ok::<_, ServiceError>(true)
                }
            })
            .await?;
        if !same {
            return Ok(Some(range));
        }
        rest = page.rest;
    }
    Ok(None)
}

/// Notes that an index is whole, or forgets one that is removed, unless the table changed.
async fn settle(store: &Store, name: &TableName, table: &Table, index: &Index) -> Result<()> {
    let key = name.key();
    store
        .transact(|tx| {
            let key = &key;
            async move {
                if !table.check(&tx).await? {
                    return Ok(());
                }
                let record: Option<TableRecord> = tx.get_record(key.as_bytes()).await?;
                let mut record = record.ok_or(Error::TableNotFound)?;
                finish(&mut record, &index.record.name);
                tx.put_record(key.clone(), &record);
                Ok::<_, ServiceError>(())
            }
        })
        .await
}

fn finish(record: &mut TableRecord, name: &str) {
    record.indexes.retain(|index| index.name != name || index.state != IndexState::Deleting);
    for index in record.indexes.iter_mut().filter(|index| index.name == name) {
        index.state = IndexState::Active;
    }
    // Types of attributes that no key has any more are forgotten with the index.
    let keys = std::iter::once(&record.key).chain(record.indexes.iter().map(|index| &index.key));
    let used: Vec<String> = keys.flat_map(table_rules::names).cloned().collect();
    record.attributes.retain(|(name, _)| used.contains(name));
}
