//! Stored records.

use std::collections::BTreeMap;

use cumulet_base::Timestamp;
use cumulet_store::Record;
use serde::{Deserialize, Serialize};

/// A table as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    pub(crate) name: String,
    /// A UUID: another table of the same name later has another.
    pub(crate) id: String,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    /// Types of the key attributes of table and indexes, in the order of CreateTable.
    pub(crate) attributes: Vec<(String, Scalar)>,
    pub(crate) key: KeyRecord,
    pub(crate) indexes: Vec<IndexRecord>,
    pub(crate) billing: Billing,
    /// When the table was last put on demand; milliseconds since the epoch.
    #[serde(default)]
    pub(crate) on_demand_since: Option<i64>,
    pub(crate) throughput: Throughput,
    #[serde(default)]
    pub(crate) on_demand: Option<OnDemand>,
    #[serde(default)]
    pub(crate) class: Class,
    #[serde(default)]
    pub(crate) deletion_protection: bool,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) stream: Option<StreamRecord>,
    /// The label of the latest stream, on or off; milliseconds since the epoch.
    #[serde(default)]
    pub(crate) latest_stream: Option<i64>,
    #[serde(default)]
    pub(crate) ttl: Option<TtlRecord>,
    /// The customer's key, where one encrypts the table.
    #[serde(default)]
    pub(crate) kms_key: Option<String>,
    #[serde(default)]
    pub(crate) policy: Option<PolicyRecord>,
    /// Whether the sizes of its item collections are kept from its birth on; tables of earlier
    /// builds begin with their next writes.
    #[serde(default)]
    pub(crate) counts_collections: bool,
    /// Point-in-time recovery, where it is on.
    #[serde(default)]
    pub(crate) recovery: Option<RecoveryRecord>,
    /// What is being copied from the table: backups, and restores to a moment.
    #[serde(default)]
    pub(crate) copies: Vec<CopyRecord>,
    /// What the table is being made from. Until that is done it is CREATING.
    #[serde(default)]
    pub(crate) restoring: Option<RestoringRecord>,
}

impl TableRecord {
    /// Whether writes keep what they replace ([`crate::history`]).
    pub(crate) fn keeps_images(&self) -> bool {
        self.recovery.is_some() || !self.copies.is_empty()
    }
}

/// Point-in-time recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecoveryRecord {
    /// No earlier moment can be restored; milliseconds since the epoch.
    pub(crate) since: i64,
    /// The version at which the transaction read that switched it on.
    pub(crate) version: u64,
    /// How far back, at most.
    pub(crate) days: u32,
}

impl RecoveryRecord {
    /// The earliest moment that can be restored: a whole second.
    pub(crate) fn earliest(&self, now: Timestamp) -> Timestamp {
        let period = i64::from(self.days).saturating_mul(86_400_000);
        let earliest = self.since.max(now.millis().saturating_sub(period));
        Timestamp::from_secs(earliest.saturating_add(999).div_euclid(1000))
    }
}

/// A copy of the table as of a moment, which is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyRecord {
    /// Of the backup, or of the table that is being restored.
    pub(crate) id: String,
    /// What transactions that read at this version or later have written is not part of it.
    pub(crate) version: u64,
}

/// Where a table comes from that is being restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoringRecord {
    /// The backup's ARN, where it comes from one.
    pub(crate) backup: Option<String>,
    /// The source table's ARN.
    pub(crate) table: String,
    /// The moment whose state it gets; milliseconds since the epoch.
    pub(crate) at: i64,
}

impl Record for TableRecord {
    const VERSION: u16 = 1;
}

/// The policy that is attached to the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    /// As it was put.
    pub(crate) text: String,
    pub(crate) revision: String,
}

/// A key attribute's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scalar {
    S,
    N,
    B,
}

/// Names of the key attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) hash: String,
    pub(crate) range: Option<String>,
}

/// A secondary index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IndexRecord {
    pub(crate) name: String,
    pub(crate) local: bool,
    pub(crate) key: KeyRecord,
    pub(crate) projection: ProjectionRecord,
    #[serde(default)]
    pub(crate) throughput: Throughput,
    #[serde(default)]
    pub(crate) on_demand: Option<OnDemand>,
    #[serde(default)]
    pub(crate) state: IndexState,
}

/// Which attributes an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProjectionRecord {
    All,
    KeysOnly,
    Include(Vec<String>),
}

/// How far an index is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum IndexState {
    #[default]
    Active,
    /// Entries of older items are being added.
    Backfilling,
    /// Entries are being removed.
    Deleting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Billing {
    Provisioned,
    OnDemand,
}

/// Provisioned units a second; 0 on demand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) read: i64,
    pub(crate) write: i64,
    /// Milliseconds since the epoch.
    #[serde(default)]
    pub(crate) increased: Option<i64>,
    /// Milliseconds since the epoch.
    #[serde(default)]
    pub(crate) decreased: Option<i64>,
    #[serde(default)]
    pub(crate) decreases_today: i64,
}

/// Caps of a table on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnDemand {
    pub(crate) read: Option<i64>,
    pub(crate) write: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Class {
    #[default]
    Standard,
    InfrequentAccess,
}

/// The table's present stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// `KEYS_ONLY`, `NEW_IMAGE` …
    pub(crate) view: String,
    /// The label in the stream's ARN; milliseconds since the epoch.
    pub(crate) label: i64,
}

/// Time to live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TtlRecord {
    pub(crate) attribute: String,
    pub(crate) enabled: bool,
}
