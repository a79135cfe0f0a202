//! RestoreTableToPointInTime: makes a new table of what another one was.
//!
//! Promises: with the answer the table is there, durably, as CREATING; its items follow as with
//! RestoreTableFromBackup, whatever is written to the source meanwhile, even if that is deleted. It
//! holds what was written before the second that is asked for began, or before this request
//! (`UseLatestRestorableTime`), nothing that was written later, and every transaction whole or not
//! at all.
//! Refuses: a source that is not there or has not point-in-time recovery, a moment outside its
//! bounds, and what RestoreTableFromBackup refuses. Not here: vector indexes, and sources in
//! another region (501).

use cumulet_api_dynamodb::ops::{
    RestoreTableToPointInTime, RestoreTableToPointInTimeInput, RestoreTableToPointInTimeOutput,
};
use cumulet_base::{Arn, Timestamp};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx};

use super::create_backup::check_copies;
use super::restore_table_from_backup::describe_new;
use crate::DynamoDb;
use crate::backups::BackupError;
use crate::error::Error;
use crate::history::{self, Clock};
use crate::model::{CopyRecord, RecoveryRecord, RestoringRecord, TableRecord};
use crate::restore::{self, Origin, Overrides};
use crate::tables::TableName;

impl Handle<RestoreTableToPointInTime> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &RestoreTableToPointInTimeInput) -> Result<Vec<Access>> {
        let action = "dynamodb:RestoreTableToPointInTime";
        let source = source(cx, input)?;
        let target = TableName::parse(cx, &input.target_table_name)?;
        let mut accesses = vec![self.on_table(cx, action, &source).await?];
        accesses.extend(restore::access(cx, action, &target));
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: RestoreTableToPointInTimeInput,
    ) -> Result<RestoreTableToPointInTimeOutput> {
        let (overrides, wanted) = (overrides(&input)?, moment(&input)?);
        let source = source(cx, &input)?;
        if source.account != *cx.account() || source.region != *cx.region() {
            let what = "RestoreTableToPointInTime from another account or region";
            return Err(ServiceError::not_implemented("dynamodb", what));
        }
        let target = TableName::parse(cx, &input.target_table_name)?;
        let id = cx.ids().uuid();
        let record = cx
            .store()
            .transact(|tx| {
                let (source, target, overrides, id) = (&source, &target, &overrides, &id);
                async move {
                    let table: Option<TableRecord> = tx.get_record(&source.key()).await?;
                    let table = table.filter(|table| table.restoring.is_none());
                    let mut table =
                        table.ok_or_else(|| Error::NoTableForBackups(source.name.clone()))?;
                    let (at, version) = cut(&tx, source, &table, wanted, cx.now()).await?;
                    let name = target.name.as_str();
                    let mut record =
                        restore::target(&table, overrides, name, id.clone(), cx.now())?;
                    record.restoring = Some(RestoringRecord {
                        backup: None,
                        table: source.arn().to_string(),
                        at: at.millis(),
                    });
                    let (name, from) = (source.name.clone(), table.id.clone());
                    let from = Origin::Table { name, id: from, version };
                    restore::begin(&tx, cx, target, &record, from).await?;
                    check_copies(&table)?;
                    let copy = CopyRecord { id: id.clone(), version };
                    history::hold(&tx, source, &mut table, copy, cx.now()).await?;
                    tx.put_record(source.key(), &table);
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let description = describe_new(&target, record)?;
        Ok(RestoreTableToPointInTimeOutput { table_description: Some(description) })
    }
}

fn overrides(input: &RestoreTableToPointInTimeInput) -> Result<Overrides<'_>> {
    if input.vector_index_override.is_some() {
        let what = "RestoreTableToPointInTime with VectorIndexOverride";
        return Err(ServiceError::not_implemented("dynamodb", what));
    }
    Ok(Overrides {
        billing: input.billing_mode_override,
        globals: input.global_secondary_index_override.as_deref(),
        locals: input.local_secondary_index_override.as_deref(),
        throughput: input.provisioned_throughput_override.as_ref(),
        on_demand: input.on_demand_throughput_override.as_ref(),
        encryption: input.sse_specification_override.as_ref(),
    })
}

/// (Texts here and below: AWS's, the end of the longer ones excepted.)
fn source(cx: &Cx, input: &RestoreTableToPointInTimeInput) -> Result<TableName> {
    let refused = |text: &str| Err(Error::Validation(text.to_owned()).into());
    match (&input.source_table_arn, &input.source_table_name) {
        (Some(_), Some(_)) => {
            refused("Must provide exactly one of: sourceTableArn, sourceTableName")
        }
        (None, None) => {
            refused("The parameter 'TableName' is required but was not present in the request")
        }
        (None, Some(name)) => TableName::parse(cx, name),
        (Some(arn), None) if arn.parse::<Arn>().is_err() => {
            refused("sourceTableArn is not a valid ARN")
        }
        (Some(arn), None) => TableName::parse(cx, arn),
    }
}

/// The moment that is asked for; `None` is the latest.
fn moment(input: &RestoreTableToPointInTimeInput) -> Result<Option<Timestamp>> {
    let refused = |text: &str| Err(Error::Validation(format!("Invalid Request: {text}")).into());
    match (input.restore_date_time, input.use_latest_restorable_time == Some(true)) {
        (Some(_), true) => refused(
            "Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time \
             restore request. Please set only one of them",
        ),
        (None, false) => refused(
            "Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not \
             both",
        ),
        (moment, _) => Ok(moment),
    }
}

/// The moment, and the version that the table had then. Refuses one that is out of bounds.
async fn cut(
    tx: &Tx,
    name: &TableName,
    table: &TableRecord,
    wanted: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, u64)> {
    let recovery = table.recovery.as_ref();
    let recovery = recovery.ok_or_else(|| BackupError::NoRecovery(name.name.clone()))?;
    let Some(wanted) = wanted else { return Ok((now, tx.version().get())) };
    let (earliest, latest) = bounds(recovery, now);
    let second = Timestamp::from_secs(wanted.secs());
    if second < earliest || second > latest {
        let text = |at: Timestamp| at.iso8601(false);
        return Err(BackupError::Time(format!(
            "RestoreDateTime '{}' must be within EarliestRestorableDateTime '{}' and \
             LatestRestorableDateTime '{}'",
            text(wanted),
            text(earliest),
            text(latest)
        ))
        .into());
    }
    let clock = Clock::of(name, &table.id);
    // The present second is noted at the latest with this, and those that may be asked for are not
    // after it.
    clock.tick(tx, now).await?;
    let number = u64::try_from(second.secs()).unwrap_or(0);
    let version = clock.beginning(tx, number).await?.unwrap_or_else(|| tx.version().get());
    Ok((second, version.max(recovery.version)))
}

/// The earliest and the latest moment that can be restored. AWS's latest is five minutes ago; here
/// it is the present second.
pub(super) fn bounds(recovery: &RecoveryRecord, now: Timestamp) -> (Timestamp, Timestamp) {
    let earliest = recovery.earliest(now);
    (earliest, Timestamp::from_secs(now.secs()).max(earliest))
}
