//! DescribeContinuousBackups: whether a table can be restored to a moment.
//!
//! Promises: what AWS answers of every table from its birth: continuous backups are on, restoring
//! to a moment is off (UpdateContinuousBackups, which would switch it on, is not here: 501).
//! Refuses: a table that is not there.

use cumulet_api_dynamodb::ops::{
    DescribeContinuousBackups, DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput,
};
use cumulet_api_dynamodb::types::{
    ContinuousBackupsDescription, ContinuousBackupsStatus, PointInTimeRecoveryDescription,
    PointInTimeRecoveryStatus,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::tables::TableName;

impl Handle<DescribeContinuousBackups> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DescribeContinuousBackupsInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:DescribeContinuousBackups", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeContinuousBackupsInput,
    ) -> Result<DescribeContinuousBackupsOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        if self.named(&name).await?.is_none() {
            return Err(Error::NoTableForBackups(name.name).into());
        }
        let recovery = PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(PointInTimeRecoveryStatus::Disabled),
            ..PointInTimeRecoveryDescription::default()
        };
        Ok(DescribeContinuousBackupsOutput {
            continuous_backups_description: Some(ContinuousBackupsDescription {
                continuous_backups_status: ContinuousBackupsStatus::Enabled,
                point_in_time_recovery_description: Some(recovery),
            }),
        })
    }
}
