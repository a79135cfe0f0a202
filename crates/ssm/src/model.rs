//! Stored records.

use std::collections::BTreeMap;
use std::fmt;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

/// A parameter: what holds of all its versions, and what is searched by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ParameterRecord {
    /// As it was created, with or without the leading slash.
    pub(crate) name: String,
    pub(crate) oldest: u64,
    pub(crate) latest: u64,
    /// `String`, `StringList`, `SecureString`.
    pub(crate) kind: String,
    /// `Standard`, `Advanced`.
    pub(crate) tier: String,
    pub(crate) data_type: String,
    #[serde(default)]
    pub(crate) key_id: Option<String>,
    /// Label to version.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for ParameterRecord {
    const VERSION: u16 = 1;
}

impl ParameterRecord {
    pub(crate) fn labels_of(&self, version: u64) -> Vec<String> {
        let of_version = self.labels.iter().filter(|(_, at)| **at == version);
        of_version.map(|(label, _)| label.clone()).collect()
    }
}

/// One version of a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) value: StoredValue,
    pub(crate) kind: String,
    pub(crate) tier: String,
    pub(crate) data_type: String,
    #[serde(default)]
    pub(crate) key_id: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) allowed_pattern: Option<String>,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
    /// The ARN of who wrote it.
    pub(crate) modified_by: String,
}

impl Record for VersionRecord {
    const VERSION: u16 = 1;
}

/// A value as it lies in the store.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum StoredValue {
    Plain(String),
    /// Base64 of what the sealer made of it.
    Sealed(String),
}

/// Plain values may be confidential too.
impl fmt::Debug for StoredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Sealed(_) => "Sealed(..)",
        })
    }
}

/// How many parameters an account has in a region, by tier.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) standard: u64,
    pub(crate) advanced: u64,
}

impl Record for Counts {
    const VERSION: u16 = 1;
}

impl Counts {
    pub(crate) fn of(&mut self, tier: &str) -> &mut u64 {
        if tier == "Advanced" { &mut self.advanced } else { &mut self.standard }
    }
}
