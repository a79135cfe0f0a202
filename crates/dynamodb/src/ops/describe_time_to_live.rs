//! DescribeTimeToLive: whether items of a table end, and by which attribute.
//!
//! Promises: the setting as of the last commit.
//! Refuses: a table that is not there.

use cumulet_api_dynamodb::ops::{
    DescribeTimeToLive, DescribeTimeToLiveInput, DescribeTimeToLiveOutput,
};
use cumulet_api_dynamodb::types::{TimeToLiveDescription, TimeToLiveStatus};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::tables::TableName;

impl Handle<DescribeTimeToLive> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DescribeTimeToLiveInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:DescribeTimeToLive", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeTimeToLiveInput,
    ) -> Result<DescribeTimeToLiveOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let table = table.ok_or(Error::NoTable(name.name))?;
        let enabled = table.record.ttl.as_ref().filter(|ttl| ttl.enabled);
        let status = match enabled {
            Some(_) => TimeToLiveStatus::Enabled,
            None => TimeToLiveStatus::Disabled,
        };
        Ok(DescribeTimeToLiveOutput {
            time_to_live_description: Some(TimeToLiveDescription {
                time_to_live_status: Some(status),
                attribute_name: enabled.map(|ttl| ttl.attribute.clone()),
            }),
        })
    }
}
