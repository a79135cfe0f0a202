//! Time to live: removes items whose time is over.
//!
//! A job goes through the tables that have it switched on, one transaction an item, as the writes
//! of callers do. It sleeps 20 times as long as it worked (a minute at least), so that large tables
//! do not keep it busy; AWS promises "within a few days". An item is over when its attribute is a
//! number of seconds in the past, and not more than five years (developer guide, "Using time to
//! live (TTL)"). A stream of the table tells of it as done by DynamoDB itself.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use cumulet_attribute::{Item, NumberText, ValueRef};
use cumulet_base::{Clock, Timestamp};
use cumulet_service::{Cloud, Error as ServiceError, Result};
use cumulet_store::{Direction, Read as _, Store};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use crate::DynamoDb;
use crate::tables::{Table, TableName};
use crate::write::{self, Cause, decode};

const KIND: &str = "dynamodb/ttl";
/// The pause between two walks through a table, at least, and after the store has refused.
const PAUSE: Duration = Duration::from_secs(60);
/// The pause after a walk, as a multiple of its time.
const SHARE: u32 = 20;
/// Seconds in the past beyond which a number is taken for something else.
const OLDEST: f64 = 5.0 * 365.25 * 86_400.0;

/// The job that walks through a table for as long as it has time to live.
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
    let (store, clock) = (parts.store.clone(), Arc::clone(&parts.clock));
    let service = Arc::downgrade(service);
    parts.work.register(KIND, 1, move |lease| {
        let (service, store, clock) = (service.clone(), store.clone(), Arc::clone(&clock));
        async move { run(service, store, &*clock, lease).await }
    });
}

async fn run(service: Weak<DynamoDb>, store: Store, clock: &dyn Clock, lease: Lease) -> Outcome {
    let part = |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let (Ok(account), Ok(region)) = (part("account").parse(), part("region").parse()) else {
        tracing::error!(job = %lease.key, "a table without account and region");
        return Outcome::Done;
    };
    let name = TableName { account, region, name: part("table").to_owned() };
    let Some(service) = service.upgrade() else { return Outcome::Retry { after: PAUSE } };
    let began = Instant::now();
    match walk(&service, &store, &name, &lease.key, clock).await {
        Ok(true) => Outcome::Later { at: clock.now().after(PAUSE.max(began.elapsed() * SHARE)) },
        Ok(false) => Outcome::Done,
        Err(error) => {
            tracing::warn!(%error, table = %lease.key, "items whose time is over go later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

/// Removes what is over; whether the table still has time to live.
pub(crate) async fn walk(
    service: &DynamoDb,
    store: &Store,
    name: &TableName,
    id: &str,
    clock: &dyn Clock,
) -> Result<bool> {
    let Some(mut table) = ready(service, name, id).await? else { return Ok(false) };
    let mut scan = store.snapshot().scan(table.keys.within(&[]), Direction::Forward);
    while let Some((_, stored)) = scan.next().await? {
        let item = decode(stored)?;
        let now = clock.now();
        if !is_over(&table, &item, now) {
            continue;
        }
        while !remove(store, &table, &item, now).await? {
            match ready(service, name, id).await? {
                Some(again) => table = again,
                None => return Ok(false),
            }
        }
    }
    Ok(true)
}

async fn ready(service: &DynamoDb, name: &TableName, id: &str) -> Result<Option<Arc<Table>>> {
    let enabled = |table: &Arc<Table>| {
        table.record.id == id && table.record.ttl.as_ref().is_some_and(|ttl| ttl.enabled)
    };
    Ok(service.named(name).await?.filter(enabled))
}

/// Removes an item if its time is still over; false where the table changed meanwhile.
async fn remove(store: &Store, table: &Table, item: &Item, now: Timestamp) -> Result<bool> {
    let position = write::position_of(table, item)?;
    store
        .transact(|tx| {
            let position = &position;
            async move {
                if !table.check(&tx).await? {
                    return Ok(false);
                }
                let item = write::read(&tx, table, position).await?;
                if item.as_ref().is_some_and(|item| is_over(table, item, now)) {
                    let change = (item.as_ref(), None);
                    write::change(&tx, table, position, change, Cause::Expiry, now).await??;
                }
                Ok::<_, ServiceError>(true)
            }
        })
        .await
}

fn is_over(table: &Table, item: &Item, now: Timestamp) -> bool {
    let attribute = table.record.ttl.as_ref().map(|ttl| ttl.attribute.as_str());
    let Some(ValueRef::N(number)) = attribute.and_then(|name| item.get(name)) else { return false };
    let ago = number.text(&mut NumberText::new()).parse().map(|at: f64| now.secs() as f64 - at);
    ago.is_ok_and(|ago| (0.0..=OLDEST).contains(&ago))
}
