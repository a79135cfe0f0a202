//! On-demand backups, and the system backup that a deleted table leaves if it had point-in-time
//! recovery.
//!
//! A backup is a record with the table's, and a copy of its items as of the version at which
//! CreateBackup read ([`crate::history`]). A job makes the copy, part by part; each part and how
//! far the copy is are one transaction. A system backup copies nothing: the items stay where the
//! table had them, and are only counted.

mod copy;
mod describe;
mod error;
mod name;
#[cfg(test)]
mod tests;

use cumulet_base::{AccountId, Region};
use cumulet_store::{Read, Record, StoreError};
use serde::{Deserialize, Serialize};

pub(crate) use copy::{job, register};
pub(crate) use describe::{description, details, summary};
pub(crate) use error::BackupError;
pub(crate) use name::BackupName;

use crate::model::TableRecord;
use crate::store::{self, ItemKeys};

/// A backup as it is stored. Its id is in its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BackupRecord {
    pub(crate) name: String,
    /// The table as it was.
    pub(crate) table: TableRecord,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    pub(crate) kind: Kind,
    pub(crate) state: State,
    /// Items and their bytes by AWS's count, as far as they are copied.
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    /// The id of the table that is being restored from it.
    pub(crate) restores: Option<String>,
}

impl Record for BackupRecord {
    const VERSION: u16 = 1;
}

/// Who made a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// CreateBackup.
    User,
    /// DeleteTable. It ends by itself; milliseconds since the epoch.
    System { expires: i64 },
}

/// How far a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Being copied, or counted: as of which version, and up to which position it is.
    Creating {
        version: u64,
        after: Option<Vec<u8>>,
    },
    Available,
}

impl BackupRecord {
    /// Where its items lie.
    pub(crate) fn keys(&self, account: &AccountId, region: &Region, id: &str) -> ItemKeys {
        match self.kind {
            Kind::User => store::backup_items(account, region, id),
            Kind::System { .. } => store::items(account, region, &self.table.id),
        }
    }
}

/// Whether a backup is being copied.
pub(crate) async fn is_copying(
    read: &impl Read,
    (account, region): (&AccountId, &Region),
    id: &str,
) -> Result<bool, StoreError> {
    let key = store::backups(account, region).text(id);
    let record: Option<BackupRecord> = read.get_record(&key).await?;
    Ok(record.is_some_and(|record| record.state != State::Available))
}
