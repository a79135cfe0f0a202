//! DeleteBackup: forgets a backup.
//!
//! Promises: after the answer the backup is gone, durably; its space is given back in the
//! background. The answer is what it was, with the status DELETED.
//! Refuses: a backup that is not there, is being made, or from which a table is being restored; a
//! system backup, which ends by itself.

use cumulet_api_dynamodb::ops::{DeleteBackup, DeleteBackupInput, DeleteBackupOutput};
use cumulet_api_dynamodb::types::BackupStatus;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::backups::{self, BackupError, BackupName, BackupRecord, Kind, State};
use crate::error::Error;
use crate::purge::{self, Purged};

impl Handle<DeleteBackup> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DeleteBackupInput) -> Result<Vec<Access>> {
        let name = BackupName::parse(&input.backup_arn)?;
        Ok(vec![name.access(cx, "dynamodb:DeleteBackup")])
    }

    async fn handle(&self, cx: &Cx, input: DeleteBackupInput) -> Result<DeleteBackupOutput> {
        let name = BackupName::parse(&input.backup_arn)?.here(cx)?;
        let record = cx
            .store()
            .transact(|tx| {
                let name = &name;
                async move {
                    let record = name.find(&tx).await?;
                    check(name, &record)?;
                    tx.delete(name.key());
                    let place = (&name.account, &name.region);
                    purge::enqueue(&tx, place, &name.id, Purged::All, &[], cx.now()).await?;
                    Ok::<_, ServiceError>(record)
                }
            })
            .await?;
        let mut description = backups::description(&name, &record);
        if let Some(details) = &mut description.backup_details {
            details.backup_status = BackupStatus::Deleted;
        }
        Ok(DeleteBackupOutput { backup_description: Some(description) })
    }
}

/// (Texts: AWS's, but for that of a backup that is being made, which nobody has seen.)
fn check(name: &BackupName, record: &BackupRecord) -> Result<()> {
    if let Kind::System { expires } = record.kind {
        let expires = Timestamp::from_millis(expires).iso8601(false);
        return Err(Error::Validation(format!(
            "Invalid Request: User is not allowed to delete the system backup with arn {name}. It \
             will automatically expire on {expires}"
        ))
        .into());
    }
    if record.state != State::Available {
        return Err(BackupError::InUse(format!("Backup is being created: {name}")).into());
    }
    if record.restores.is_some() {
        return Err(
            BackupError::InUse(format!("Backup is being used to restore table: {name}")).into()
        );
    }
    Ok(())
}
