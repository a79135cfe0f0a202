//! CreateTable: makes an empty table, ready at once.
//!
//! Promises: after the answer the table is there, durably, with its indexes; the answer says
//! CREATING, as AWS's does, and DescribeTable says ACTIVE.
//! Refuses: names, keys, indexes, capacity and tags that break AWS's rules (API reference and
//! developer guide, "Constraints"), a table that exists, more than 2,500 tables a region.
//! Not here: global table witnesses and vector indexes (501 by name).

use cumulet_api_dynamodb::ops::{CreateTable, CreateTableInput, CreateTableOutput};
use cumulet_api_dynamodb::types::{TableStatus, Tag};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::DynamoDb;
use crate::describe;
use crate::error::Error;
use crate::model::TableRecord;
use crate::ops::table_rules;
use crate::resource_policy;
use crate::store;
use crate::streams;
use crate::tables::{Table, TableName};

/// Tables of an account in a region, at most.
pub(crate) const TABLES: usize = 2_500;

impl Handle<CreateTable> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &CreateTableInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let create = self.on_table(cx, "dynamodb:CreateTable", &name).await?;
        let Some(tags) = input.tags.as_ref().filter(|tags| !tags.is_empty()) else {
            return Ok(vec![create]);
        };
        let tags = || tags.iter().map(|Tag { key, value }| (key.clone(), value.clone()));
        let tag = self.on_table(cx, "dynamodb:TagResource", &name).await?;
        Ok(vec![create.tagging(tags()), tag.tagging(tags())])
    }

    async fn handle(&self, cx: &Cx, input: CreateTableInput) -> Result<CreateTableOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let mut record = table_rules::record(&input, &name.name, cx.ids().uuid(), cx.now())?;
        if let Some(policy) = &input.resource_policy {
            let (policy, _) = resource_policy::record(policy, cx.ids().uuid())?;
            record.policy = Some(policy);
        }
        let (key, now, record) = (name.key(), cx.now(), record);
        let all = store::tables(&name.account, &name.region).prefix();
        let record = cx
            .store()
            .transact(|tx| {
                let (key, all, name, mut record) = (&key, &all, &name, record.clone());
                async move {
                    let there: Option<TableRecord> = tx.get_record(key.as_bytes()).await?;
                    match there.map(|there| there.restoring.is_some()) {
                        Some(true) => return Err(Error::TableRestoring(name.name.clone()).into()),
                        Some(false) => return Err(Error::TableExists(name.name.clone()).into()),
                        None => {}
                    }
                    let there = tx.range(all, Direction::Forward, TABLES).await?;
                    if there.items.len() >= TABLES {
                        return Err(Error::too_many_tables().into());
                    }
                    streams::switch(&tx, name, None, &mut record, now).await?;
                    tx.put_record(key.clone(), &record);
                    cx.note_made(&tx, &record.name);
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let stored = bytes::Bytes::new();
        let table = Table::new(&name.account, &name.region, record, key.as_bytes(), stored)?;
        let description = describe::table(&table, TableStatus::Creating, &[]);
        Ok(CreateTableOutput { table_description: Some(description) })
    }
}
