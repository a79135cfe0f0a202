//! DynamoDB: tables, items and indexes on the durable store.
//!
//! `ops/` has one file an operation. Expressions, keys and capacity are pure; [`store`] knows where
//! things lie; what every write does to an item and its index entries stands in [`write`] alone.

pub mod capacity;
mod describe;
mod error;
pub mod expression;
mod item_access;
pub mod key;
mod model;
mod ops;
mod request;
mod store;
mod tables;
mod write;

#[cfg(test)]
mod testing;

use std::sync::Arc;

use cumulet_api_dynamodb::ops::{
    CreateTable, DeleteTable, DescribeTable, GetItem, ListTables, PutItem,
};
use cumulet_service::{Service, operations};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Store, StoreError};

pub use error::Error;

/// The service.
#[derive(Debug)]
pub struct DynamoDb {
    tables: tables::Tables,
}

impl DynamoDb {
    /// The service over what `store` holds.
    pub async fn open(store: &Store) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self { tables: tables::Tables::open(store).await? }))
    }
}

impl Service for DynamoDb {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_dynamodb::SERVICE
    }

    operations![CreateTable, DeleteTable, DescribeTable, GetItem, ListTables, PutItem];
}
