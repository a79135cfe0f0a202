//! DescribeContributorInsights: whether accesses to a table or an index are counted by key.
//!
//! Promises: what AWS answers of every table and index where that was never switched on
//! (UpdateContributorInsights, which would, is not here: 501).
//! Refuses: a table or an index that is not there.

use cumulet_api_dynamodb::ops::{
    DescribeContributorInsights, DescribeContributorInsightsInput,
    DescribeContributorInsightsOutput,
};
use cumulet_api_dynamodb::types::ContributorInsightsStatus;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::item_access::on_table;
use crate::tables::TableName;

impl Handle<DescribeContributorInsights> for DynamoDb {
    async fn access(
        &self,
        cx: &Cx,
        input: &DescribeContributorInsightsInput,
    ) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let index = input.index_name.as_deref();
        let action = "dynamodb:DescribeContributorInsights";
        Ok(vec![on_table(cx, action, &name, index, table.as_deref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeContributorInsightsInput,
    ) -> Result<DescribeContributorInsightsOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or_else(|| Error::NoTable(name.name.clone()))?;
        if let Some(index) = input.index_name.as_ref().filter(|index| table.index(index).is_none())
        {
            return Err(Error::NoIndex(index.clone()).into());
        }
        Ok(DescribeContributorInsightsOutput {
            table_name: Some(name.name),
            index_name: input.index_name,
            contributor_insights_status: Some(ContributorInsightsStatus::Disabled),
            ..DescribeContributorInsightsOutput::default()
        })
    }
}
