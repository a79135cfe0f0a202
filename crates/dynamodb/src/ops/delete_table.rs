//! DeleteTable: removes a table, its items and its indexes.
//!
//! Promises: after the answer the table is gone, durably, and its name is free; the space of its
//! items is given back in the background, also after a crash. Its stream can be read for 24 hours.
//! Refuses: a table that is not there, is protected or gets or loses an index.

use cumulet_api_dynamodb::ops::{DeleteTable, DeleteTableInput, DeleteTableOutput};
use cumulet_api_dynamodb::types::TableStatus;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Read as _;

use crate::DynamoDb;
use crate::describe;
use crate::error::Error;
use crate::model::{IndexState, TableRecord};
use crate::purge;
use crate::streams;
use crate::tables::TableName;

impl Handle<DeleteTable> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DeleteTableInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:DeleteTable", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: DeleteTableInput) -> Result<DeleteTableOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or_else(|| Error::NoTable(name.name.clone()))?;
        let (key, now) = (name.key(), cx.now());
        cx.store()
            .transact(|tx| {
                let (key, name) = (&key, &name);
                async move {
                    let record: Option<TableRecord> = tx.get_record(key.as_bytes()).await?;
                    let record = record.ok_or_else(|| Error::NoTable(name.name.clone()))?;
                    if record.deletion_protection {
                        return Err(Error::DeletionProtected.into());
                    }
                    if record.indexes.iter().any(|index| index.state != IndexState::Active) {
                        return Err(Error::TableUpdating(name.name.clone()).into());
                    }
                    tx.delete(key.clone());
                    if let Some(stream) = &record.stream {
                        streams::close(&tx, &name.stream(stream.label), now).await?;
                    }
                    purge::enqueue(&tx, name, &record.id, now).await?;
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let description = describe::table(&table, TableStatus::Deleting, &[]);
        Ok(DeleteTableOutput { table_description: Some(description) })
    }
}
