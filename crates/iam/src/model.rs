//! What IAM keeps. A user, group or role is one record with all that is its own, so that finding
//! out what it may do takes one read and one for each policy that is attached.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

/// The policies of a user, group or role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grants {
    /// Inline policies: name to text.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    #[serde(default)]
    pub attached: BTreeSet<String>,
    /// The ARN of the permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub name: String,
    pub path: String,
    /// `AIDA…`
    pub id: String,
    /// Milliseconds since the epoch.
    pub created: i64,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub grants: Grants,
    /// Names of the groups that the user is in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    #[serde(default)]
    pub keys: Vec<StoredKey>,
}

/// An access key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    /// `AKIA…`
    pub id: String,
    /// The sealed secret, in base64.
    pub secret: String,
    pub active: bool,
    /// Milliseconds since the epoch.
    pub created: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub name: String,
    pub path: String,
    /// `AGPA…`
    pub id: String,
    /// Milliseconds since the epoch.
    pub created: i64,
    #[serde(default)]
    pub grants: Grants,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub name: String,
    pub path: String,
    /// `AROA…`
    pub id: String,
    /// Milliseconds since the epoch.
    pub created: i64,
    #[serde(default)]
    pub description: Option<String>,
    /// The trust policy's text.
    pub trust: String,
    /// The unique ids of the users and roles that the trust policy names, by ARN.
    #[serde(default)]
    pub trusted: BTreeMap<String, String>,
    /// Seconds, 3,600 to 43,200.
    pub max_session: i32,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub grants: Grants,
}

/// A customer's managed policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub name: String,
    pub path: String,
    /// `ANPA…`
    pub id: String,
    /// Milliseconds since the epoch.
    pub created: i64,
    /// Milliseconds since the epoch.
    pub updated: i64,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The number of the version that counts: 3 for `v3`.
    pub default: u32,
    /// The number that the next version gets; numbers are not used again.
    pub next: u32,
    /// By number, 5 at most.
    pub versions: BTreeMap<u32, PolicyVersion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// The policy's text.
    pub text: String,
    /// Milliseconds since the epoch.
    pub created: i64,
}

impl Policy {
    /// The text of the version that counts.
    pub(crate) fn text(&self) -> &str {
        self.versions.get(&self.default).map_or("", |version| version.text.as_str())
    }
}

impl Record for User {
    const VERSION: u16 = 1;
}

impl Record for Group {
    const VERSION: u16 = 1;
}

impl Record for Role {
    const VERSION: u16 = 1;
}

impl Record for Policy {
    const VERSION: u16 = 1;
}
