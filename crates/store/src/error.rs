//! What can go wrong: one enum for operations, one for opening.

use std::fmt;
use std::path::PathBuf;

/// Why a read or a transaction failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Other transactions kept changing what this one had read; nothing was written. Try later.
    Conflict,
    /// A key, a value or the whole transaction is over its limit; nothing was written.
    TooLarge(&'static str),
    /// Less than [`Options::min_free_bytes`](crate::Options) of disk is free: reads go on, writes
    /// are refused. Nothing was written.
    Full,
    /// The engine cannot work at the moment (it is recovering from a failed write, or is closed).
    /// Nothing was written.
    Unavailable(String),
    /// A write or an fsync failed after bytes had gone out: the transaction may or may not be
    /// there once the engine has recovered. Read before trying again.
    CommitUnknown,
    /// Stored bytes are not what they should be. Says which and why.
    Corrupt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("other transactions kept changing what this one read"),
            Self::TooLarge(what) => write!(f, "too large: {what}"),
            Self::Full => f.write_str("the disk is almost full: writes are refused, reads go on"),
            Self::Unavailable(why) => write!(f, "the store is unavailable: {why}"),
            Self::CommitUnknown => {
                f.write_str("writing failed: whether the transaction was kept is not known")
            }
            Self::Corrupt(what) => write!(f, "stored data is damaged: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why a store did not open.
#[derive(Debug)]
pub enum OpenError {
    /// Another process (or another `Store` in this one) has the folder open.
    Locked(PathBuf),
    /// The folder was written by a newer binary.
    Newer {
        /// The format version found in the folder.
        found: u32,
        /// The newest format version this binary reads.
        known: u32,
    },
    /// The folder holds damaged or foreign data. It was left as it is.
    Corrupt(String),
    /// The file system refused.
    Io(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(path) => {
                write!(f, "{} is in use by another process", path.display())
            }
            Self::Newer { found, known } => write!(
                f,
                "the data has format {found}, this binary reads up to {known}: use a newer binary"
            ),
            Self::Corrupt(what) => write!(f, "the data is damaged: {what}"),
            Self::Io(why) => write!(f, "the data folder cannot be used: {why}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(why) => Some(why),
            _ => None,
        }
    }
}

impl From<std::io::Error> for OpenError {
    fn from(why: std::io::Error) -> Self {
        Self::Io(why)
    }
}
