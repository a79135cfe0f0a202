//! Stored records: never wire types, except that settings are kept in the API's own JSON.
//!
//! AWS's API only ever grows, and a pool's settings are what its owner sent: kept in that spelling
//! they need no second description here, and what an older binary stored a newer one reads.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A user pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PoolRecord {
    /// `UserPoolType` without what follows from elsewhere.
    pub(crate) settings: Value,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// The PKCS#8 keys that sign access and ID tokens, and the seed of invented users; sealed.
    pub(crate) access_key: String,
    pub(crate) id_key: String,
    pub(crate) seed: String,
}

impl Record for PoolRecord {
    const VERSION: u16 = 1;
}

/// An app client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    /// `UserPoolClientType` without the secret.
    pub(crate) settings: Value,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// Sealed.
    pub(crate) secret: Option<String>,
}

impl Record for ClientRecord {
    const VERSION: u16 = 1;
}

/// `UserStatus`, as far as this cloud has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Unconfirmed,
    Confirmed,
    ResetRequired,
    ForceChangePassword,
}

/// A password's verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Password {
    /// Hexadecimal.
    pub(crate) salt: String,
    /// The SRP verifier, sealed.
    pub(crate) sealed: String,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    /// A UUID; the user's key.
    pub(crate) sub: String,
    pub(crate) username: String,
    pub(crate) status: Status,
    pub(crate) enabled: bool,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    /// Without `sub`.
    pub(crate) attributes: BTreeMap<String, String>,
    /// None for a user who cannot sign in with one.
    pub(crate) password: Option<Password>,
    /// When a temporary password ends.
    pub(crate) temporary_until: Option<i64>,
    /// Earlier passwords, newest first.
    #[serde(default)]
    pub(crate) history: Vec<Password>,
    /// Names of groups.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// New values that take effect once they are verified.
    #[serde(default)]
    pub(crate) pending: BTreeMap<String, String>,
}

impl Record for User {
    const VERSION: u16 = 1;
}

impl User {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// Whether `email` or `phone_number` is verified.
    pub(crate) fn verified(&self, name: &str) -> bool {
        self.attribute(&format!("{name}_verified")) == Some("true")
    }

    pub(crate) fn verify(&mut self, name: &str, verified: bool) {
        self.attributes.insert(format!("{name}_verified"), verified.to_string());
    }
}

/// Whom a name leads to: a username, or an alias of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NameRecord {
    pub(crate) sub: String,
    /// `username`, `email`, `phone_number` or `preferred_username`.
    pub(crate) kind: String,
}

impl Record for NameRecord {
    const VERSION: u16 = 1;
}

/// How many users a pool has.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Count(pub(crate) i32);

impl Record for Count {
    const VERSION: u16 = 1;
}

/// A sign-in: what its refresh token and its access tokens hang on. Without it, none is valid.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) client: String,
    /// SHA-256 of the refresh token's secret, hexadecimal.
    pub(crate) refresh: String,
    /// The one before, where tokens rotate, and until when it is still taken.
    #[serde(default)]
    pub(crate) previous: Option<(String, i64)>,
    /// `origin_jti`.
    pub(crate) origin: String,
    /// Seconds since the epoch.
    pub(crate) auth_time: i64,
    /// When the refresh token ends, milliseconds since the epoch.
    pub(crate) expires: i64,
}

impl Record for Session {
    const VERSION: u16 = 1;
}

/// A group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) precedence: Option<i32>,
    pub(crate) created: i64,
    pub(crate) modified: i64,
}

impl Record for Group {
    const VERSION: u16 = 1;
}
