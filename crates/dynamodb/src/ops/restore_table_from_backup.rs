//! RestoreTableFromBackup: makes a new table of what a backup holds.
//!
//! Promises: with the answer the table is there, durably, as CREATING; its items and their index
//! entries follow in the background, also after a crash, and then it is ACTIVE. It has the keys,
//! the indexes, the capacity and the encryption that the backup's table had, but for what the
//! request overrides.
//! Refuses: a backup that is not there, is being made or is in use; a name that is taken; indexes
//! that the table had not; more than 50 restores at a time. Not here: vector indexes, and backups
//! of another region (501).

use cumulet_api_dynamodb::ops::{
    RestoreTableFromBackup, RestoreTableFromBackupInput, RestoreTableFromBackupOutput,
};
use cumulet_api_dynamodb::types::TableStatus;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::backups::{BackupError, BackupName, BackupRecord, State};
use crate::describe;
use crate::model::{RestoringRecord, TableRecord};
use crate::restore::{self, Origin, Overrides};
use crate::tables::{Table, TableName};

impl Handle<RestoreTableFromBackup> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &RestoreTableFromBackupInput) -> Result<Vec<Access>> {
        let (action, backup) =
            ("dynamodb:RestoreTableFromBackup", BackupName::parse(&input.backup_arn)?);
        let target = TableName::parse(cx, &input.target_table_name)?;
        let mut accesses = vec![backup.access(cx, action)];
        accesses.extend(restore::access(cx, action, &target));
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: RestoreTableFromBackupInput,
    ) -> Result<RestoreTableFromBackupOutput> {
        let overrides = overrides(&input)?;
        let backup = BackupName::parse(&input.backup_arn)?;
        if backup.region != *cx.region() {
            let what = "RestoreTableFromBackup of another region";
            return Err(ServiceError::not_implemented("dynamodb", what));
        }
        let target = TableName::parse(cx, &input.target_table_name)?;
        let id = cx.ids().uuid();
        let record = cx
            .store()
            .transact(|tx| {
                let (backup, target, overrides, id) = (&backup, &target, &overrides, &id);
                async move {
                    let mut source = backup.find(&tx).await?;
                    let record = restored(cx, (backup, &source), target, overrides, id)?;
                    let from = Origin::Backup(backup.id.clone());
                    restore::begin(&tx, cx, target, &record, from).await?;
                    check(backup, &source)?;
                    source.restores = Some(id.clone());
                    tx.put_record(backup.key(), &source);
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let description = describe_new(&target, record)?;
        Ok(RestoreTableFromBackupOutput { table_description: Some(description) })
    }
}

fn overrides(input: &RestoreTableFromBackupInput) -> Result<Overrides<'_>> {
    if input.vector_index_override.is_some() {
        let what = "RestoreTableFromBackup with VectorIndexOverride";
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

fn restored(
    cx: &Cx,
    (backup, source): (&BackupName, &BackupRecord),
    target: &TableName,
    overrides: &Overrides<'_>,
    id: &str,
) -> Result<TableRecord> {
    let table = &source.table;
    let mut record = restore::target(table, overrides, &target.name, id.to_owned(), cx.now())?;
    record.restoring = Some(RestoringRecord {
        backup: Some(backup.to_string()),
        table: backup.table().arn().to_string(),
        at: source.created,
    });
    Ok(record)
}

/// (Texts: AWS's, but for that of a backup that is being made, which nobody has seen.)
fn check(name: &BackupName, source: &BackupRecord) -> std::result::Result<(), BackupError> {
    if source.state != State::Available {
        return Err(BackupError::InUse(format!("Backup is being created: {name}")));
    }
    if source.restores.is_some() {
        let text = format!("Backup is being used to restore another table: {name}");
        return Err(BackupError::InUse(text));
    }
    Ok(())
}

/// The answer's description of a table that was just made.
pub(super) fn describe_new(
    name: &TableName,
    record: TableRecord,
) -> Result<cumulet_api_dynamodb::types::TableDescription> {
    let stored = bytes::Bytes::new();
    let table = Table::new(&name.account, &name.region, record, &name.key(), stored)?;
    Ok(describe::table(&table, TableStatus::Creating, &[]))
}
