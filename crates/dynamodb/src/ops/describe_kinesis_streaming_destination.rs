//! DescribeKinesisStreamingDestination: to which Kinesis streams a table's changes go.
//!
//! Promises: what AWS answers of every table that has none (EnableKinesisStreamingDestination,
//! which would add one, is not here: 501).
//! Refuses: a table that is not there.

use cumulet_api_dynamodb::ops::{
    DescribeKinesisStreamingDestination, DescribeKinesisStreamingDestinationInput,
    DescribeKinesisStreamingDestinationOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::tables::TableName;

impl Handle<DescribeKinesisStreamingDestination> for DynamoDb {
    async fn access(
        &self,
        cx: &Cx,
        input: &DescribeKinesisStreamingDestinationInput,
    ) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let action = "dynamodb:DescribeKinesisStreamingDestination";
        Ok(vec![self.on_table(cx, action, &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeKinesisStreamingDestinationInput,
    ) -> Result<DescribeKinesisStreamingDestinationOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        if self.named(&name).await?.is_none() {
            return Err(Error::NoTable(name.name).into());
        }
        Ok(DescribeKinesisStreamingDestinationOutput {
            table_name: Some(name.name),
            kinesis_data_stream_destinations: Some(Vec::new()),
        })
    }
}
