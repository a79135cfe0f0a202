//! Stored records.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

/// A log group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    /// Random: another group of the same name later has another.
    pub(crate) id: u64,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    /// Days after which events expire; `None`: never.
    #[serde(default)]
    pub(crate) retention: Option<u16>,
    /// `STANDARD`, `INFREQUENT_ACCESS` …
    pub(crate) class: String,
    #[serde(default)]
    pub(crate) deletion_protection: bool,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for GroupRecord {
    const VERSION: u16 = 1;
}

impl GroupRecord {
    pub(crate) fn new(id: u64, created: i64) -> Self {
        Self {
            id,
            created,
            retention: None,
            class: "STANDARD".to_owned(),
            deletion_protection: false,
            tags: BTreeMap::new(),
        }
    }

    /// The moment before which events have expired, in milliseconds since the epoch; 0 where none
    /// do.
    pub(crate) fn horizon(&self, now: i64) -> u64 {
        let kept = self.retention.map(|days| i64::from(days) * 86_400_000);
        kept.map_or(0, |kept| u64::try_from(now - kept).unwrap_or(0))
    }
}

/// A log stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// Random, within its group.
    pub(crate) id: u64,
    /// Milliseconds since the epoch, as are all moments here.
    pub(crate) created: i64,
    #[serde(default)]
    pub(crate) first_event: Option<u64>,
    #[serde(default)]
    pub(crate) last_event: Option<u64>,
    #[serde(default)]
    pub(crate) last_ingestion: Option<i64>,
    /// The sequence number of the next event.
    #[serde(default)]
    pub(crate) next: u64,
    /// Messages and 26 bytes an event, as PutLogEvents counts.
    #[serde(default)]
    pub(crate) bytes: u64,
}

impl Record for StreamRecord {
    const VERSION: u16 = 1;
}

impl StreamRecord {
    pub(crate) fn new(id: u64, created: i64) -> Self {
        Self {
            id,
            created,
            first_event: None,
            last_event: None,
            last_ingestion: None,
            next: 0,
            bytes: 0,
        }
    }
}
