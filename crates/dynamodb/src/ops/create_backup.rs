//! CreateBackup: keeps a table as it is at one moment.
//!
//! Promises: the backup holds what was written before the request, nothing that is written after
//! it, and every transaction whole or not at all. The answer says CREATING; the items are copied in
//! the background, also after a crash, whatever is written meanwhile and even if the table is
//! deleted. A table has as many backups of one name as are asked for, also at a time.
//! Refuses: a table that is not there or is being restored, more than 50 copies of a table under
//! way.

use cumulet_api_dynamodb::ops::{CreateBackup, CreateBackupInput, CreateBackupOutput};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Read as _;

use crate::DynamoDb;
use crate::backups::{self, BackupName, BackupRecord, Kind, State};
use crate::error::Error;
use crate::history;
use crate::model::{CopyRecord, TableRecord};
use crate::tables::TableName;

/// Copies of a table that are being made, at most. (AWS limits how often a backup is made, not how
/// many are under way.)
pub(super) const COPIES: usize = 50;

impl Handle<CreateBackup> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &CreateBackupInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:CreateBackup", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: CreateBackupInput) -> Result<CreateBackupOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let now = cx.now();
        let backup = BackupName::new(&name, now.millis(), digits(&cx.ids().uuid()));
        let record = cx
            .store()
            .transact(|tx| {
                let (name, backup, label) = (&name, &backup, &input.backup_name);
                async move {
                    let table: Option<TableRecord> = tx.get_record(&name.key()).await?;
                    let table = table.filter(|table| table.restoring.is_none());
                    let mut table =
                        table.ok_or_else(|| Error::NoTableForBackups(name.name.clone()))?;
                    check_copies(&table)?;
                    let version = tx.version().get();
                    let record = BackupRecord {
                        name: label.clone(),
                        table: table.clone(),
                        created: now.millis(),
                        kind: Kind::User,
                        state: State::Creating { version, after: None },
                        items: 0,
                        bytes: 0,
                        restores: None,
                    };
                    let copy = CopyRecord { id: backup.id.clone(), version };
                    history::hold(&tx, name, &mut table, copy, now).await?;
                    tx.put_record(name.key(), &table);
                    tx.put_record(backup.key(), &record);
                    cumulet_work::enqueue(&tx, backups::job(backup, now)).await?;
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let details = backups::details(&backup, &record);
        Ok(CreateBackupOutput { backup_details: Some(details) })
    }
}

/// The eight digits at the beginning of a UUID.
fn digits(uuid: &str) -> &str {
    uuid.split('-').next().unwrap_or_default()
}

/// Refuses one more copy than there may be.
pub(super) fn check_copies(table: &TableRecord) -> std::result::Result<(), Error> {
    if table.copies.len() >= COPIES {
        let text = format!("Only {COPIES} copies of a table can be made at a time");
        return Err(Error::Limit(text));
    }
    Ok(())
}
