//! DynamoDB: tables, items and indexes on the durable store.
//!
//! `ops/` has one file an operation. Expressions, keys and capacity are pure; [`store`] knows where
//! things lie; what every write does to an item and its index entries stands in [`write`] alone.

pub mod capacity;
mod collections;
mod counts;
mod describe;
mod error;
pub mod expression;
mod item_access;
pub mod key;
mod model;
mod ops;
mod page;
mod purge;
mod request;
mod store;
mod tables;
mod units;
mod write;

use std::sync::Arc;

use cumulet_api_dynamodb::ops::{
    CreateTable, DeleteItem, DeleteTable, DescribeTable, GetItem, ListTables, PutItem, Query, Scan,
    UpdateItem,
};
use cumulet_service::{Cloud, Cx, Result, Service, operations};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Store, StoreError, Tx};

pub use error::Error;

use counts::Counts;
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
    pub async fn open(store: &Store) -> std::result::Result<Arc<Self>, StoreError> {
        let tables = Tables::open(store).await?;
        Ok(Arc::new(Self { tables, counts: Counts::default() }))
    }

    /// The table of that name, as of the last commit.
    async fn named(&self, name: &TableName) -> Result<Option<Arc<Table>>> {
        self.tables.find(&name.account, &name.region, &name.name).await
    }

    /// Does one write: the table it was done to, and what it did.
    async fn write_one(
        &self,
        cx: &Cx,
        name: &TableName,
        write: &Write,
    ) -> Result<(Arc<Table>, Written)> {
        self.write(cx, name, |table, tx| async move {
            let done = write.run(&tx, &table).await?;
            Ok((table, done))
        })
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

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        purge::register(cloud);
    }

    operations![
        CreateTable,
        DeleteItem,
        DeleteTable,
        DescribeTable,
        GetItem,
        ListTables,
        PutItem,
        Query,
        Scan,
        UpdateItem
    ];
}
