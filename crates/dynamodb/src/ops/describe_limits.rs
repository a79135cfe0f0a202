//! DescribeLimits: what an account and a table may have in units.
//!
//! Promises: AWS's default quotas (developer guide, "Service, account, and table quotas"). Nothing
//! here is throttled, so they limit nothing.

use cumulet_api_dynamodb::ops::{DescribeLimits, DescribeLimitsInput, DescribeLimitsOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;

/// Units a second of an account in a region, and of a table, for reads and for writes alike.
const ACCOUNT: i64 = 80_000;
const TABLE: i64 = 40_000;

impl Handle<DescribeLimits> for DynamoDb {
    async fn access(&self, cx: &Cx, _: &DescribeLimitsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "dynamodb:DescribeLimits")])
    }

    async fn handle(&self, _: &Cx, _: DescribeLimitsInput) -> Result<DescribeLimitsOutput> {
        Ok(DescribeLimitsOutput {
            account_max_read_capacity_units: Some(ACCOUNT),
            account_max_write_capacity_units: Some(ACCOUNT),
            table_max_read_capacity_units: Some(TABLE),
            table_max_write_capacity_units: Some(TABLE),
        })
    }
}
