//! Stored records.

use std::collections::BTreeMap;

use cumulet_store::{Blob, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A function as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    pub(crate) name: String,
    /// A UUID: another function of the same name later has another.
    pub(crate) id: String,
    /// `$LATEST`.
    pub(crate) latest: VersionRecord,
    /// The number that the next version gets. Numbers are never given twice.
    pub(crate) next_version: u64,
    /// The version that was published last, while `$LATEST` has not changed since.
    #[serde(default)]
    pub(crate) published: Option<u64>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// `ReservedConcurrentExecutions`.
    #[serde(default)]
    pub(crate) reserved: Option<u32>,
}

impl Record for FunctionRecord {
    const VERSION: u16 = 1;
}

/// A version of a function: what it runs and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// 0: `$LATEST`.
    pub(crate) number: u64,
    pub(crate) description: String,
    pub(crate) code: CodeUse,
    pub(crate) settings: Settings,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
    /// A UUID, another one after every change.
    pub(crate) revision: String,
}

impl Record for VersionRecord {
    const VERSION: u16 = 1;
}

/// What a version asks of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) role: String,
    /// Seconds.
    pub(crate) timeout: u32,
    /// MB.
    pub(crate) memory: u32,
    /// MB of `/tmp`.
    pub(crate) storage: u32,
    /// The environment variables as a JSON object, sealed, in base64.
    #[serde(default)]
    pub(crate) environment: Option<String>,
    #[serde(default)]
    pub(crate) layers: Vec<LayerUse>,
    pub(crate) architecture: String,
    /// `TracingConfig.Mode` is `Active`.
    #[serde(default)]
    pub(crate) traced: bool,
    #[serde(default)]
    pub(crate) logging: Logging,
}

/// `LoggingConfig`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) json: bool,
    pub(crate) application_level: Option<String>,
    pub(crate) system_level: Option<String>,
    /// A group other than `/aws/lambda/<name>`.
    pub(crate) group: Option<String>,
}

/// A layer's version as a function uses it. It stays usable when the layer's version is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerUse {
    pub(crate) arn: String,
    pub(crate) code: CodeUse,
}

/// A package that a version or a layer is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CodeUse {
    /// SHA-256 of the zip, in base64.
    pub(crate) sha256: String,
    /// Bytes of the zip.
    pub(crate) size: u64,
    /// Bytes of the files in it.
    pub(crate) unzipped: u64,
}

/// A package, kept once for an account and region, however often it is used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    pub(crate) blob: Blob,
    pub(crate) uses: u64,
}

impl Record for CodeRecord {
    const VERSION: u16 = 1;
}

/// An alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) name: String,
    /// 0: `$LATEST`.
    pub(crate) version: u64,
    pub(crate) description: String,
    /// Further versions with their share of the invocations, 0 to 1.
    #[serde(default)]
    pub(crate) weights: BTreeMap<u64, f64>,
    pub(crate) revision: String,
}

impl Record for AliasRecord {
    const VERSION: u16 = 1;
}

/// The resource policy of a function, a version or an alias.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) statements: Vec<Value>,
    pub(crate) revision: String,
}

impl Record for PolicyRecord {
    const VERSION: u16 = 1;
}

/// The URL of a function or alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UrlRecord {
    /// The alias it belongs to; `None`: the function itself.
    pub(crate) qualifier: Option<String>,
    /// The first label of its host.
    pub(crate) id: String,
    /// `NONE` or `AWS_IAM`.
    pub(crate) auth: String,
    /// `BUFFERED` or `RESPONSE_STREAM`.
    pub(crate) mode: String,
    #[serde(default)]
    pub(crate) cors: Option<CorsRecord>,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
}

impl Record for UrlRecord {
    const VERSION: u16 = 1;
}

/// What a function's URL tells browsers of other origins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CorsRecord {
    pub(crate) credentials: Option<bool>,
    pub(crate) headers: Option<Vec<String>>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) origins: Option<Vec<String>>,
    pub(crate) expose: Option<Vec<String>>,
    pub(crate) max_age: Option<i32>,
}

/// How asynchronous invocations are tried again, and where records of them go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    /// The version or alias it is for.
    pub(crate) qualifier: Option<String>,
    pub(crate) retries: Option<u32>,
    /// Seconds.
    pub(crate) max_age: Option<u32>,
    /// The ARN of where records of successes go.
    #[serde(default)]
    pub(crate) on_success: Option<String>,
    /// The ARN of where records of failures go.
    #[serde(default)]
    pub(crate) on_failure: Option<String>,
    /// Milliseconds since the epoch.
    pub(crate) modified: i64,
}

impl Record for EventRecord {
    const VERSION: u16 = 1;
}

/// A layer: the number of its next version. Stays when all versions are deleted, as numbers are
/// never given twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    pub(crate) name: String,
    pub(crate) next_version: u64,
}

impl Record for LayerRecord {
    const VERSION: u16 = 1;
}

/// A version of a layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LayerVersionRecord {
    pub(crate) number: u64,
    pub(crate) code: CodeUse,
    pub(crate) description: String,
    pub(crate) license: Option<String>,
    pub(crate) runtimes: Vec<String>,
    pub(crate) architectures: Vec<String>,
    /// Milliseconds since the epoch.
    pub(crate) created: i64,
}

impl Record for LayerVersionRecord {
    const VERSION: u16 = 1;
}

/// What the functions of an account in a region have in common.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    /// The sum of all reserved concurrency.
    pub(crate) reserved: u32,
}

impl Record for AccountRecord {
    const VERSION: u16 = 1;
}
