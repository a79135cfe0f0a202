//! What is stored. Wire types never are.

use std::collections::BTreeMap;

use cumulet_store::{Blob, Record};
use serde::{Deserialize, Serialize};

/// A bucket: what nearly every request looks at. Larger configurations are records of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    /// When it was created, in seconds since the epoch.
    pub(crate) created: i64,
    /// `None`: never versioned.
    #[serde(default)]
    pub(crate) versioning: Option<Versioning>,
    /// Who owns what others write here.
    pub(crate) ownership: Option<Ownership>,
    /// `None`: the configuration was deleted, which blocks nothing.
    pub(crate) public_access: Option<PublicAccess>,
    /// The default encryption where it is not SSE-S3.
    #[serde(default)]
    pub(crate) encryption: Option<Encryption>,
}

impl Record for BucketRecord {
    const VERSION: u16 = 1;
}

/// A bucket in the list of its account's buckets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedRecord {
    pub(crate) region: String,
    /// In seconds since the epoch.
    pub(crate) created: i64,
}

impl Record for ListedRecord {
    const VERSION: u16 = 1;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    Enabled,
    Suspended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

/// "Block public access".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccess {
    pub(crate) block_acls: bool,
    pub(crate) ignore_acls: bool,
    pub(crate) block_policy: bool,
    pub(crate) restrict_buckets: bool,
}

impl PublicAccess {
    /// What a new bucket has since April 2023.
    pub(crate) const ALL: Self =
        Self { block_acls: true, ignore_acls: true, block_policy: true, restrict_buckets: true };
}

/// A bucket's default encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub(crate) algorithm: String,
    pub(crate) key: Option<String>,
    pub(crate) bucket_key: bool,
}

/// A bucket's policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    /// As it was put.
    pub(crate) text: String,
    /// Whether it grants something to everybody ("The meaning of public").
    pub(crate) public: bool,
}

impl Record for PolicyRecord {
    const VERSION: u16 = 1;
}

/// A bucket's tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagsRecord {
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for TagsRecord {
    const VERSION: u16 = 1;
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// Counts the versions of a key upwards.
    pub(crate) seq: u64,
    /// `None`: the version `null`.
    pub(crate) version: Option<String>,
    /// When it was written, in seconds since the epoch.
    pub(crate) modified: i64,
    /// Whether it stands for a deletion and has no data.
    #[serde(default)]
    pub(crate) marker: bool,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    #[serde(default)]
    pub(crate) headers: Headers,
    #[serde(default)]
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) checksum: Option<StoredChecksum>,
    /// How many parts it was uploaded in; 0 where it came in one.
    #[serde(default)]
    pub(crate) parts: u32,
    /// The upload that made it, so that a repeated completion is known as such.
    #[serde(default)]
    pub(crate) upload: Option<String>,
    pub(crate) data: Data,
    /// Of the current version: where an older version `null` lies.
    #[serde(default)]
    pub(crate) older_null: Option<u64>,
}

impl Record for VersionRecord {
    const VERSION: u16 = 1;
}

/// What a client says of an object's content, given back as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect: Option<String>,
    /// `None`: STANDARD.
    pub(crate) storage_class: Option<String>,
    /// `x-amz-meta-*`, names in lower case.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A checksum that was verified or computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChecksum {
    /// `CRC32`, `CRC64NVME` …
    pub(crate) algorithm: String,
    /// Base64; of a composite one with `-N` behind it.
    pub(crate) value: String,
    /// Of the parts' checksums rather than of the object.
    #[serde(default)]
    pub(crate) composite: bool,
}

/// Where an object's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Data {
    /// There are none.
    Empty,
    /// Under a key of their own in the store, by id: lists need not read them.
    Inline(String),
    /// In one file.
    Blob(Blob),
    /// In several: a [`PartsRecord`] by id.
    Parts(String),
}

/// The parts of an object that was uploaded in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartsRecord {
    pub(crate) parts: Vec<PartData>,
}

impl Record for PartsRecord {
    const VERSION: u16 = 1;
}

/// One part of a finished object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartData {
    pub(crate) number: u64,
    pub(crate) size: u64,
    /// Base64, of the object's algorithm.
    pub(crate) checksum: Option<String>,
    pub(crate) data: Data,
}

/// An upload in parts that is not finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    /// When it began, in seconds since the epoch.
    pub(crate) initiated: i64,
    pub(crate) headers: Headers,
    pub(crate) tags: Vec<(String, String)>,
    /// The algorithm that parts are checked by.
    pub(crate) algorithm: String,
    /// Whether the object's checksum is made of the parts' checksums.
    pub(crate) composite: bool,
    /// Whether the client asked for a checksum, or S3 computes one of its own.
    pub(crate) asked: bool,
    /// Who began it: an ARN.
    pub(crate) initiator: String,
}

impl Record for UploadRecord {
    const VERSION: u16 = 1;
}

/// A part of an unfinished upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified: i64,
    /// Base64, of the upload's algorithm.
    pub(crate) checksum: String,
    pub(crate) data: Data,
}

impl Record for PartRecord {
    const VERSION: u16 = 1;
}

/// A file that is not, or no longer, needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GarbageRecord {
    /// From when on it may go, in milliseconds since the epoch.
    pub(crate) due: i64,
}

impl Record for GarbageRecord {
    const VERSION: u16 = 1;
}

/// CORS rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CorsRecord {
    pub(crate) rules: Vec<CorsRule>,
}

impl Record for CorsRecord {
    const VERSION: u16 = 1;
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CorsRule {
    pub(crate) id: Option<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) expose: Vec<String>,
    pub(crate) max_age: Option<i32>,
}

/// How a bucket is a website.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebsiteRecord {
    /// `RedirectAllRequestsTo`: host and protocol. Then there is nothing else.
    pub(crate) redirect_all: Option<(String, Option<String>)>,
    /// The index document's suffix.
    pub(crate) index: Option<String>,
    /// The error document's key.
    pub(crate) error: Option<String>,
    pub(crate) rules: Vec<RoutingRule>,
}

impl Record for WebsiteRecord {
    const VERSION: u16 = 1;
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoutingRule {
    /// `KeyPrefixEquals`.
    pub(crate) prefix: Option<String>,
    /// `HttpErrorCodeReturnedEquals`.
    pub(crate) status: Option<u16>,
    pub(crate) host: Option<String>,
    pub(crate) protocol: Option<String>,
    /// `HttpRedirectCode`.
    pub(crate) code: Option<u16>,
    pub(crate) replace_key: Option<String>,
    pub(crate) replace_prefix: Option<String>,
}
