//! What is stored.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One of the records below. One type for all of them, so that the data plane reads everything of
/// every account in one walk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Stored {
    Distribution(DistributionRecord),
    Policy(PolicyRecord),
    Invalidation(InvalidationRecord),
}

impl Record for Stored {
    const VERSION: u16 = 1;
}

/// A distribution.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct DistributionRecord {
    pub(crate) id: String,
    /// `d….cloudfront.net`
    pub(crate) domain: String,
    pub(crate) caller_reference: String,
    pub(crate) etag: String,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
    /// `DistributionConfig`, as its owner gave it.
    pub(crate) config: Map<String, Value>,
    pub(crate) tags: BTreeMap<String, String>,
    /// How many invalidations it has had.
    pub(crate) invalidations: u64,
}

/// Something that distributions refer to by its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) kind: PolicyKind,
    pub(crate) id: String,
    pub(crate) etag: String,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
    /// The kind's own configuration, as its owner gave it.
    pub(crate) config: Map<String, Value>,
}

/// The kinds of things that distributions refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyKind {
    OriginAccessControl,
    CachePolicy,
    OriginRequestPolicy,
    ResponseHeadersPolicy,
}

impl PolicyKind {
    /// As paths and ARNs have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OriginAccessControl => "origin-access-control",
            Self::CachePolicy => "cache-policy",
            Self::OriginRequestPolicy => "origin-request-policy",
            Self::ResponseHeadersPolicy => "response-headers-policy",
        }
    }
}

/// An invalidation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InvalidationRecord {
    pub(crate) distribution: String,
    pub(crate) id: String,
    /// Counted within the distribution, from 1.
    pub(crate) number: u64,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    pub(crate) caller_reference: String,
    pub(crate) paths: Vec<String>,
}
