//! Stored records.

use std::collections::BTreeMap;

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
