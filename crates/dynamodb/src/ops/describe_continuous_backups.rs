//! DescribeContinuousBackups: whether a table can be restored to a moment, and to which.
//!
//! Promises: continuous backups are on for every table from its birth, as AWS has it;
//! UpdateContinuousBackups switches restoring to a moment on. The bounds are whole seconds.
//! Refuses: a table that is not there or is being restored.

use cumulet_api_dynamodb::ops::{
    DescribeContinuousBackups, DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput,
};
use cumulet_api_dynamodb::types::{
    ContinuousBackupsDescription, ContinuousBackupsStatus, PointInTimeRecoveryDescription,
    PointInTimeRecoveryStatus,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};

use super::restore_table_to_point_in_time::bounds;
use crate::DynamoDb;
use crate::error::Error;
use crate::model::TableRecord;
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
        let table = self.named(&name).await?;
        let table = table.ok_or(Error::NoTableForBackups(name.name))?;
        let description = describe(&table.record, cx.now());
        Ok(DescribeContinuousBackupsOutput { continuous_backups_description: Some(description) })
    }
}

pub(super) fn describe(table: &TableRecord, now: Timestamp) -> ContinuousBackupsDescription {
    let recovery = match &table.recovery {
        None => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(PointInTimeRecoveryStatus::Disabled),
            ..PointInTimeRecoveryDescription::default()
        },
        Some(recovery) => {
            let (earliest, latest) = bounds(recovery, now);
            PointInTimeRecoveryDescription {
                point_in_time_recovery_status: Some(PointInTimeRecoveryStatus::Enabled),
                recovery_period_in_days: i32::try_from(recovery.days).ok(),
                earliest_restorable_date_time: Some(earliest),
                latest_restorable_date_time: Some(latest),
            }
        }
    };
    ContinuousBackupsDescription {
        continuous_backups_status: ContinuousBackupsStatus::Enabled,
        point_in_time_recovery_description: Some(recovery),
    }
}
