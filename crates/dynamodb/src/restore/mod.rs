//! Making a table from a backup, or from another table as of a moment.
//!
//! The table is there at once, as CREATING: only DescribeTable, ListTables and DeleteTable know it.
//! A job copies the items part by part and makes their index entries; each part and how far the
//! table is are one transaction, so nothing is counted twice after a crash. The transaction that
//! ends it makes the table usable and releases what it was made from.

mod job;
mod rules;
#[cfg(test)]
mod tests;

use cumulet_base::{AccountId, Region};
use cumulet_service::{Access, Cx, Result};
use cumulet_store::{Direction, Read, Record, StoreError, Tx};
use serde::{Deserialize, Serialize};

pub(crate) use job::register;
pub(crate) use rules::{Overrides, target};

use crate::backups::BackupError;
use crate::error::Error;
use crate::model::TableRecord;
use crate::ops::create_table::TABLES;
use crate::store;
use crate::tables::TableName;

/// Tables of an account that are being restored in a region, at most.
const RESTORES: usize = 50;

/// What copying needs leave for beside the restore itself (developer guide, "Using IAM with
/// DynamoDB backup and restore").
const COPYING: [&str; 7] = [
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
];

/// How far the restoring of a table is. The table's id is in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoreRecord {
    pub(crate) from: Origin,
    /// The last position that is copied.
    pub(crate) after: Option<Vec<u8>>,
}

impl Record for RestoreRecord {
    const VERSION: u16 = 1;
}

/// What a table is made from, in its own account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// A backup: its id.
    Backup(String),
    /// A table as of a version: its name and id.
    Table { name: String, id: String, version: u64 },
}

/// Leave for copying into the table that is restored, by `action`.
pub(crate) fn access(cx: &Cx, action: &'static str, target: &TableName) -> Vec<Access> {
    let actions = std::iter::once(action).chain(COPYING);
    actions.map(|action| crate::item_access::on_table(cx, action, target, None, None)).collect()
}

/// Makes the table and has its items copied, once `tx` is committed. Refuses a name that is taken,
/// and too many tables.
pub(crate) async fn begin(
    tx: &Tx,
    cx: &Cx,
    name: &TableName,
    record: &TableRecord,
    from: Origin,
) -> Result<()> {
    check_target(tx, name).await?;
    check_counts(tx, name).await?;
    let progress = RestoreRecord { from, after: None };
    tx.put_record(name.key(), record);
    tx.put_record(store::restore(&name.account, &name.region, &record.id), &progress);
    cumulet_work::enqueue(tx, job::job(name, &record.id, cx.now())).await?;
    Ok(())
}

/// Refuses the name of a table that is there, or is being restored. (Texts: AWS's.)
async fn check_target(tx: &Tx, name: &TableName) -> Result<()> {
    let there: Option<TableRecord> = tx.get_record(&name.key()).await?;
    let Some(there) = there else { return Ok(()) };
    let Some(restoring) = there.restoring else {
        return Err(BackupError::TargetExists(name.name.clone()).into());
    };
    let source = match restoring.backup {
        Some(backup) => format!("backup: {backup}"),
        // AWS's words for this case are not known.
        None => format!("table: {}", restoring.table),
    };
    let text = format!("Table: {} is already being restored from {source}", name.name);
    Err(BackupError::TargetInUse(text).into())
}

async fn check_counts(tx: &Tx, name: &TableName) -> Result<()> {
    let all = store::tables(&name.account, &name.region).prefix();
    let mut scan = tx.scan(all, Direction::Forward);
    let (mut tables, mut restores) = (0, 0);
    while let Some((_, table)) = scan.next_record::<TableRecord>().await? {
        tables += 1;
        restores += usize::from(table.restoring.is_some());
    }
    if restores >= RESTORES {
        // AWS's words end otherwise; how is not known.
        let text = format!("Only {RESTORES} restore operations are allowed at a time");
        return Err(Error::Limit(text).into());
    }
    if tables >= TABLES {
        return Err(Error::too_many_tables().into());
    }
    Ok(())
}

/// Whether the table of that id is being restored.
pub(crate) async fn is_copying(
    read: &impl Read,
    (account, region): (&AccountId, &Region),
    id: &str,
) -> std::result::Result<bool, StoreError> {
    Ok(read.get(&store::restore(account, region, id)).await?.is_some())
}
