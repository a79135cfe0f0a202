//! UpdateContinuousBackups: switches point-in-time recovery on or off.
//!
//! Promises: once it is on, with the answer, every second from then on can be restored, up to the
//! recovery period back (1 to 35 days; 35 where nothing is said). Switching on what is on keeps
//! what can be restored; switching it off forgets that. A shorter period counts at once, a longer
//! one fills up.
//! Refuses: a table that is not there or is being restored.

use cumulet_api_dynamodb::ops::{
    UpdateContinuousBackups, UpdateContinuousBackupsInput, UpdateContinuousBackupsOutput,
};
use cumulet_api_dynamodb::types::PointInTimeRecoverySpecification;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Read as _;

use super::describe_continuous_backups::describe;
use crate::DynamoDb;
use crate::error::Error;
use crate::history;
use crate::model::{RecoveryRecord, TableRecord};
use crate::tables::TableName;

/// Days that can be restored where nothing is said.
const DAYS: u32 = 35;

impl Handle<UpdateContinuousBackups> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &UpdateContinuousBackupsInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:UpdateContinuousBackups", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateContinuousBackupsInput,
    ) -> Result<UpdateContinuousBackupsOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let record = cx
            .store()
            .transact(|tx| {
                let (name, wanted) = (&name, &input.point_in_time_recovery_specification);
                async move {
                    let now = cx.now();
                    let record: Option<TableRecord> = tx.get_record(&name.key()).await?;
                    let record = record.filter(|record| record.restoring.is_none());
                    let mut record =
                        record.ok_or_else(|| Error::NoTableForBackups(name.name.clone()))?;
                    let before = record.recovery.take();
                    record.recovery = recovery(before.as_ref(), wanted, tx.version().get(), now);
                    if record.recovery != before {
                        tx.put_record(name.key(), &record);
                        let job = history::job(name, &record.id, now);
                        cumulet_work::enqueue(&tx, job).await?;
                    }
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let description = describe(&record, cx.now());
        Ok(UpdateContinuousBackupsOutput { continuous_backups_description: Some(description) })
    }
}

fn recovery(
    before: Option<&RecoveryRecord>,
    wanted: &PointInTimeRecoverySpecification,
    version: u64,
    now: Timestamp,
) -> Option<RecoveryRecord> {
    let days = wanted.recovery_period_in_days.and_then(|days| u32::try_from(days).ok());
    let days = days.unwrap_or(DAYS);
    if !wanted.point_in_time_recovery_enabled {
        return None;
    }
    Some(match before {
        None => RecoveryRecord { since: now.millis(), version, days },
        Some(before) if before.days == days => before.clone(),
        // What is out of the period that was is gone, or will be at any time.
        Some(before) => {
            let since = before.earliest(now).millis().max(before.since);
            RecoveryRecord { since, version: before.version, days }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_period_fills_up_and_a_shorter_one_counts_at_once() {
        let day = |day: i64| Timestamp::from_secs(day * 86_400);
        let wanted = |enabled, days| PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: enabled,
            recovery_period_in_days: days,
        };
        let on = recovery(None, &wanted(true, Some(2)), 7, day(100)).unwrap();
        assert_eq!(on.earliest(day(100)), day(100));
        assert_eq!(on.earliest(day(110)), day(108));
        let same = recovery(Some(&on), &wanted(true, Some(2)), 8, day(110));
        assert_eq!(same, Some(on.clone()));
        let long = recovery(Some(&on), &wanted(true, None), 9, day(110)).unwrap();
        assert_eq!((long.days, long.version), (35, 7));
        assert_eq!(long.earliest(day(110)), day(108));
        assert_eq!(long.earliest(day(150)), day(115));
        let short = recovery(Some(&long), &wanted(true, Some(1)), 9, day(150)).unwrap();
        assert_eq!(short.earliest(day(150)), day(149));
        assert_eq!(recovery(Some(&on), &wanted(false, None), 9, day(110)), None);
    }
}
