//! What operations on backups refuse, in AWS's words.

use std::fmt;

use cumulet_api_dynamodb::errors::{
    BackupInUseException, BackupNotFoundException, InvalidRestoreTimeException,
    PointInTimeRecoveryUnavailableException, TableAlreadyExistsException, TableInUseException,
};
use cumulet_service as service;

/// Errors of backups and restores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackupError {
    /// No such backup: its ARN.
    Missing(String),
    /// A backup from which a table is being restored, or that is being made; the whole text.
    InUse(String),
    /// A restore into a table that is being restored; the whole text.
    TargetInUse(String),
    /// A restore into a table that is there: its name.
    TargetExists(String),
    /// A restore to a moment of a table without point-in-time recovery: its name.
    NoRecovery(String),
    /// A moment that cannot be restored; the whole text.
    Time(String),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(text) | Self::TargetInUse(text) | Self::Time(text) => f.write_str(text),
            Self::Missing(arn) => write!(f, "Backup not found: {arn}"),
            Self::TargetExists(name) => write!(f, "Table already exists: {name}"),
            Self::NoRecovery(name) => {
                write!(f, "Point in time recovery is not enabled for table '{name}'")
            }
        }
    }
}

impl std::error::Error for BackupError {}

impl From<BackupError> for service::Error {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::Missing(_) => Self::modeled::<BackupNotFoundException>(message),
            BackupError::InUse(_) => Self::modeled::<BackupInUseException>(message),
            BackupError::TargetInUse(_) => Self::modeled::<TableInUseException>(message),
            BackupError::TargetExists(_) => Self::modeled::<TableAlreadyExistsException>(message),
            BackupError::NoRecovery(_) => {
                Self::modeled::<PointInTimeRecoveryUnavailableException>(message)
            }
            BackupError::Time(_) => Self::modeled::<InvalidRestoreTimeException>(message),
        }
    }
}
