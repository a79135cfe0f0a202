//! DescribeBackup: a backup, and the table as it was.
//!
//! Promises: what is durable now; sizes and counts are those of the copy, as far as it is.
//! Refuses: a backup that is not there.

use cumulet_api_dynamodb::ops::{DescribeBackup, DescribeBackupInput, DescribeBackupOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::backups::{self, BackupName};

impl Handle<DescribeBackup> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DescribeBackupInput) -> Result<Vec<Access>> {
        let name = BackupName::parse(&input.backup_arn)?;
        Ok(vec![name.access(cx, "dynamodb:DescribeBackup")])
    }

    async fn handle(&self, cx: &Cx, input: DescribeBackupInput) -> Result<DescribeBackupOutput> {
        let name = BackupName::parse(&input.backup_arn)?.here(cx)?;
        let record = name.find(&cx.store().snapshot()).await?;
        let description = backups::description(&name, &record);
        Ok(DescribeBackupOutput { backup_description: Some(description) })
    }
}
