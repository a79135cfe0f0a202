//! DynamoDB: tables, items and indexes on the durable store.
//!
//! `ops/` has one file an operation. Expressions, keys and capacity are pure; [`store`] knows where
//! things lie; what every write does to an item and its index entries stands in [`write`] alone.

mod backfill;
mod backups;
pub mod capacity;
mod collections;
mod counts;
mod describe;
mod error;
pub mod expression;
mod fingerprint;
mod history;
#[cfg(test)]
mod index_tests;
mod item_access;
#[cfg(test)]
mod item_access_tests;
#[cfg(test)]
mod item_tests;
pub mod key;
mod legacy;
mod model;
mod ops;
mod page;
mod partiql;
mod purge;
mod request;
mod resource_policy;
mod resources;
mod restore;
mod statements;
#[cfg(test)]
mod statements_tests;
mod store;
mod streams;
mod tables;
#[cfg(test)]
mod testing;
mod tokens;
mod transaction;
mod ttl;
mod units;
mod verify;
mod write;

use std::sync::Arc;

use cumulet_api_dynamodb::ops::{
    BatchExecuteStatement, BatchGetItem, BatchWriteItem, CreateBackup, CreateTable, DeleteBackup,
    DeleteItem, DeleteResourcePolicy, DeleteTable, DescribeBackup, DescribeContinuousBackups,
    DescribeContributorInsights, DescribeEndpoints, DescribeKinesisStreamingDestination,
    DescribeLimits, DescribeTable, DescribeTimeToLive, ExecuteStatement, ExecuteTransaction,
    GetItem, GetResourcePolicy, ListBackups, ListTables, ListTagsOfResource, PutItem,
    PutResourcePolicy, Query, RestoreTableFromBackup, RestoreTableToPointInTime, Scan, TagResource,
    TransactGetItems, TransactWriteItems, UntagResource, UpdateContinuousBackups, UpdateItem,
    UpdateTable, UpdateTimeToLive,
};
use cumulet_base::Limits;
use cumulet_service::{
    Access, Cloud, Cx, Error as ServiceError, Resource, Result, Service, operations,
};
use cumulet_shape::{Constraint, Fault, Faults, OperationMeta, ServiceMeta};
use cumulet_store::{Read as _, Store, StoreError, Tx};
use cumulet_work::Job;

pub use error::Error;
pub use streams::Streams;
pub use verify::{Verified, verify};

use counts::Counts;
use model::TableRecord;
use tables::{Table, TableName, Tables};
use write::{Write, Written};

/// The service.
#[derive(Debug)]
pub struct DynamoDb {
    tables: Tables,
    counts: Counts,
}

impl DynamoDb {
    /// The service over what `store` holds.
    pub async fn open(
        store: &Store,
        limits: &Limits,
    ) -> std::result::Result<Arc<Self>, StoreError> {
        let tables = Tables::open(store, limits).await?;
        Ok(Arc::new(Self { tables, counts: Counts::default() }))
    }

    /// The table of that name, as of the last commit. One that is being restored is not there yet.
    async fn named(&self, name: &TableName) -> Result<Option<Arc<Table>>> {
        Ok(self.known(name).await?.filter(|table| table.record.restoring.is_none()))
    }

    /// The same, with tables that are being restored.
    async fn known(&self, name: &TableName) -> Result<Option<Arc<Table>>> {
        self.tables.find(&name.account, &name.region, &name.name).await
    }

    /// Leave for `action` on a table as a whole.
    async fn on_table(&self, cx: &Cx, action: &'static str, name: &TableName) -> Result<Access> {
        Ok(item_access::on_table(cx, action, name, None, self.known(name).await?.as_deref()))
    }

    /// Changes a table's record, switches its stream accordingly, and has the jobs done that
    /// `change` asks for.
    async fn change<F>(&self, cx: &Cx, name: &TableName, change: F) -> Result<Arc<Table>>
    where
        F: Fn(&mut TableRecord) -> std::result::Result<Vec<Job>, Error> + Send + Sync,
    {
        let (key, now) = (name.key(), cx.now());
        cx.store()
            .transact(|tx| {
                let (key, change) = (&key, &change);
                async move {
                    let record: Option<TableRecord> = tx.get_record(key.as_bytes()).await?;
                    let record = record.filter(|record| record.restoring.is_none());
                    let mut record = record.ok_or_else(|| Error::NoTable(name.name.clone()))?;
                    let stream = record.stream.clone();
                    for job in change(&mut record)? {
                        cumulet_work::enqueue(&tx, job).await?;
                    }
                    streams::switch(&tx, name, stream.as_ref(), &mut record, now).await?;
                    tx.put_record(key.clone(), &record);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let table = self.named(name).await?;
        table.ok_or_else(|| Error::NoTable(name.name.clone()).into())
    }

    /// Does one write: the table it was done to, and what it did.
    async fn write_one(
        &self,
        cx: &Cx,
        name: &TableName,
        write: &Write,
    ) -> Result<(Arc<Table>, Written)> {
        self.write(cx, name, |table, tx| async move {
            let done = write.run(&tx, &table, cx.now()).await?;
            Ok((table, done))
        })
        .await
    }

    /// The same for those who answer with the refusal themselves; then nothing is written.
    async fn attempt(
        &self,
        cx: &Cx,
        name: &TableName,
        write: &Write,
    ) -> Result<std::result::Result<Written, Error>> {
        self.write(cx, name, |table, tx| async move { write.attempt(&tx, &table, cx.now()).await })
            .await
    }

    /// Runs a transaction on one table, which is there and unchanged in it.
    async fn write<T, F, Fut>(&self, cx: &Cx, name: &TableName, body: F) -> Result<T>
    where
        F: Fn(Arc<Table>, Tx) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        loop {
            let table = self.named(name).await?.ok_or(Error::TableNotFound)?;
            let done = cx
                .store()
                .transact(|tx| {
                    let (table, body) = (Arc::clone(&table), &body);
                    async move {
                        if !table.check(&tx).await? {
                            return Ok(None);
                        }
                        body(table, tx).await.map(Some)
                    }
                })
                .await?;
            // The table changed since it was found: find it again.
            if let Some(done) = done {
                return Ok(done);
            }
        }
    }
}

impl Service for DynamoDb {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_dynamodb::SERVICE
    }

    fn invalid(&self, operation: &'static OperationMeta, faults: &Faults) -> ServiceError {
        let unnamed = |fault: &Fault| {
            fault.path == "tableName" && matches!(fault.constraint, Constraint::NotNull)
        };
        // Operations on tables look at the name before the validator does.
        if operation.name.ends_with("Table") && faults.list().iter().any(unnamed) {
            let text = "The parameter 'TableName' is required but was not present in the request";
            return Error::Validation(text.to_owned()).into();
        }
        ServiceError::faults(faults)
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        vec![&resources::table::Table]
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        purge::register(cloud);
        backups::register(cloud);
        history::register(cloud);
        restore::register(cloud, &self);
        tokens::register(cloud);
        backfill::register(cloud, &self);
        ttl::register(cloud, &self);
        streams::register(cloud);
    }

    operations![
        BatchExecuteStatement,
        BatchGetItem,
        BatchWriteItem,
        CreateBackup,
        CreateTable,
        DeleteBackup,
        DeleteItem,
        DeleteResourcePolicy,
        DeleteTable,
        DescribeBackup,
        DescribeContinuousBackups,
        DescribeContributorInsights,
        DescribeEndpoints,
        DescribeKinesisStreamingDestination,
        DescribeLimits,
        DescribeTable,
        DescribeTimeToLive,
        ExecuteStatement,
        ExecuteTransaction,
        GetItem,
        GetResourcePolicy,
        ListBackups,
        ListTables,
        ListTagsOfResource,
        PutItem,
        PutResourcePolicy,
        Query,
        RestoreTableFromBackup,
        RestoreTableToPointInTime,
        Scan,
        TagResource,
        TransactGetItems,
        TransactWriteItems,
        UntagResource,
        UpdateContinuousBackups,
        UpdateItem,
        UpdateTable,
        UpdateTimeToLive
    ];
}
