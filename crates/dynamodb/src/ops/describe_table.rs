//! DescribeTable: what a table is and how much it holds.
//!
//! Promises: keys, indexes and settings as of the last commit. Counts are taken when asked for
//! (AWS's are up to six hours old): exact for a table that can be counted within its time, else the
//! last count.
//! Refuses: a table that is not there.

use cumulet_api_dynamodb::ops::{DescribeTable, DescribeTableInput, DescribeTableOutput};
use cumulet_api_dynamodb::types::TableStatus;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::describe;
use crate::error::Error;
use crate::model::IndexState;
use crate::tables::TableName;

impl Handle<DescribeTable> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DescribeTableInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:DescribeTable", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: DescribeTableInput) -> Result<DescribeTableOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.known(&name).await?;
        let table = table.ok_or(Error::NoTable(name.name))?;
        let changing = table.indexes.iter().any(|i| i.record.state != IndexState::Active);
        let status = match table.record.restoring {
            Some(_) => TableStatus::Creating,
            None if changing => TableStatus::Updating,
            None => TableStatus::Active,
        };
        // A count that was much work is kept, and this one would soon be wrong.
        let counts = match status {
            TableStatus::Creating => Vec::new(),
            _ => self.counts.of(cx, &table).await?,
        };
        Ok(DescribeTableOutput { table: Some(describe::table(&table, status, &counts)) })
    }
}
