//! What S3 refuses, in S3's words.
//!
//! Source: "Error responses" of the S3 API reference; wordings as they are seen on the wire.

use std::fmt;

use cumulet_auth::sigv4::Family;
use cumulet_service::Error;
use cumulet_store::{BlobError, StoreError, WriteBodyError};

/// One of S3's errors, with what its XML names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum S3Error {
    AccessDenied,
    AccessControlListNotSupported,
    BlockedPublicPolicy,
    BadDigest {
        algorithm: &'static str,
    },
    BucketAlreadyExists(String),
    BucketAlreadyOwnedByYou(String),
    BucketNotEmpty(String),
    CorsForbidden {
        enabled: bool,
        method: String,
    },
    EntityTooLarge {
        size: u64,
        most: u64,
    },
    EntityTooSmall {
        size: u64,
        number: u64,
        etag: String,
    },
    IllegalLocation,
    InvalidArgument {
        message: &'static str,
        name: &'static str,
        value: String,
    },
    InvalidBucketAcl(&'static str),
    InvalidBucketName(String),
    InvalidLocation(String),
    InvalidPart {
        upload: String,
        number: u64,
        etag: String,
    },
    InvalidPartNumber {
        asked: i32,
        parts: u64,
    },
    InvalidPartOrder(String),
    InvalidRange {
        asked: String,
        size: u64,
    },
    InvalidRequest(String),
    InvalidStorageClass(String),
    InvalidTag(&'static str),
    KeyTooLong(usize),
    MalformedPolicy(String),
    MalformedXml,
    MetadataTooLarge(usize),
    /// The latest version is a delete marker, asked for by its id.
    MarkerNotAllowed {
        version: String,
        modified: String,
    },
    NoSuchBucket(String),
    NoSuchConfiguration {
        code: &'static str,
        message: &'static str,
        bucket: String,
    },
    NoSuchKey {
        key: String,
        marker: Option<String>,
    },
    NoSuchUpload(String),
    NoSuchVersion {
        key: String,
        version: String,
    },
    NotImplemented,
    NotModified {
        etag: String,
        modified: String,
    },
    PreconditionFailed(&'static str),
    TooManyTags,
}

impl S3Error {
    /// A configuration that the bucket does not have.
    pub(crate) fn absent(code: &'static str, message: &'static str, bucket: &str) -> Self {
        Self::NoSuchConfiguration { code, message, bucket: bucket.to_owned() }
    }

    /// Status and code.
    fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::AccessDenied | Self::BlockedPublicPolicy => (403, "AccessDenied"),
            Self::AccessControlListNotSupported => (400, "AccessControlListNotSupported"),
            Self::BadDigest { .. } => (400, "BadDigest"),
            Self::BucketAlreadyExists(_) => (409, "BucketAlreadyExists"),
            Self::BucketAlreadyOwnedByYou(_) => (409, "BucketAlreadyOwnedByYou"),
            Self::BucketNotEmpty(_) => (409, "BucketNotEmpty"),
            Self::CorsForbidden { .. } => (403, "AccessForbidden"),
            Self::EntityTooLarge { .. } => (400, "EntityTooLarge"),
            Self::EntityTooSmall { .. } => (400, "EntityTooSmall"),
            Self::IllegalLocation => (400, "IllegalLocationConstraintException"),
            Self::InvalidArgument { .. } => (400, "InvalidArgument"),
            Self::InvalidBucketAcl(_) => (400, "InvalidBucketAclWithObjectOwnership"),
            Self::InvalidBucketName(_) => (400, "InvalidBucketName"),
            Self::InvalidLocation(_) => (400, "InvalidLocationConstraint"),
            Self::InvalidPart { .. } => (400, "InvalidPart"),
            Self::InvalidPartNumber { .. } => (416, "InvalidPartNumber"),
            Self::InvalidPartOrder(_) => (400, "InvalidPartOrder"),
            Self::InvalidRange { .. } => (416, "InvalidRange"),
            Self::InvalidRequest(_) => (400, "InvalidRequest"),
            Self::InvalidStorageClass(_) => (400, "InvalidStorageClass"),
            Self::InvalidTag(_) => (400, "InvalidTag"),
            Self::KeyTooLong(_) => (400, "KeyTooLongError"),
            Self::MalformedPolicy(_) => (400, "MalformedPolicy"),
            Self::MalformedXml => (400, "MalformedXML"),
            Self::MarkerNotAllowed { .. } => (405, "MethodNotAllowed"),
            Self::MetadataTooLarge(_) => (400, "MetadataTooLarge"),
            Self::NoSuchBucket(_) => (404, "NoSuchBucket"),
            Self::NoSuchConfiguration { code, .. } => (404, code),
            Self::NoSuchKey { .. } => (404, "NoSuchKey"),
            Self::NoSuchUpload(_) => (404, "NoSuchUpload"),
            Self::NoSuchVersion { .. } => (404, "NoSuchVersion"),
            Self::NotImplemented => (501, "NotImplemented"),
            Self::NotModified { .. } => (304, "NotModified"),
            Self::PreconditionFailed(_) => (412, "PreconditionFailed"),
            Self::TooManyTags => (400, "BadRequest"),
        }
    }

    /// What stands between message and request id.
    fn elements(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BucketAlreadyExists(name)
            | Self::BucketAlreadyOwnedByYou(name)
            | Self::BucketNotEmpty(name)
            | Self::InvalidBucketName(name)
            | Self::NoSuchBucket(name) => vec![("BucketName", name.clone())],
            Self::NoSuchConfiguration { bucket, .. } => vec![("BucketName", bucket.clone())],
            Self::CorsForbidden { method, .. } => {
                vec![("Method", method.clone()), ("ResourceType", "OBJECT".to_owned())]
            }
            Self::EntityTooLarge { size, most } => {
                vec![("ProposedSize", size.to_string()), ("MaxSizeAllowed", most.to_string())]
            }
            Self::EntityTooSmall { size, number, etag } => vec![
                ("ProposedSize", size.to_string()),
                ("MinSizeAllowed", crate::multipart::LEAST_PART.to_string()),
                ("PartNumber", number.to_string()),
                ("ETag", etag.clone()),
            ],
            Self::InvalidArgument { name, value, .. } => {
                vec![("ArgumentName", (*name).to_owned()), ("ArgumentValue", value.clone())]
            }
            Self::InvalidLocation(name) => vec![("LocationConstraint", name.clone())],
            Self::InvalidPart { upload, number, etag } => vec![
                ("UploadId", upload.clone()),
                ("PartNumber", number.to_string()),
                ("ETag", etag.clone()),
            ],
            Self::InvalidPartNumber { asked, parts } => {
                vec![
                    ("ActualPartCount", parts.to_string()),
                    ("PartNumberRequested", asked.to_string()),
                ]
            }
            Self::InvalidPartOrder(upload) | Self::NoSuchUpload(upload) => {
                vec![("UploadId", upload.clone())]
            }
            Self::InvalidRange { asked, size } => {
                vec![("RangeRequested", asked.clone()), ("ActualObjectSize", size.to_string())]
            }
            Self::InvalidStorageClass(name) => vec![("StorageClassRequested", name.clone())],
            Self::KeyTooLong(size) => {
                vec![
                    ("Size", size.to_string()),
                    ("MaxSizeAllowed", crate::names::MAX_KEY.to_string()),
                ]
            }
            Self::MetadataTooLarge(size) => vec![
                ("Size", size.to_string()),
                ("MaxSizeAllowed", crate::object::MAX_METADATA.to_string()),
            ],
            Self::MarkerNotAllowed { .. } => {
                vec![("Method", "GET".to_owned()), ("ResourceType", "DeleteMarker".to_owned())]
            }
            Self::NoSuchKey { key, .. } => vec![("Key", key.clone())],
            Self::NoSuchVersion { key, version } => {
                vec![("Key", key.clone()), ("VersionId", version.clone())]
            }
            Self::PreconditionFailed(condition) => vec![("Condition", (*condition).to_owned())],
            _ => Vec::new(),
        }
    }

    /// Headers beside the body.
    fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotModified { etag, modified } => {
                vec![("etag", etag.clone()), ("last-modified", modified.clone())]
            }
            Self::NoSuchKey { marker: Some(version), .. } => vec![
                ("x-amz-delete-marker", "true".to_owned()),
                ("x-amz-version-id", version.clone()),
            ],
            Self::MarkerNotAllowed { version, modified } => vec![
                ("x-amz-delete-marker", "true".to_owned()),
                ("x-amz-version-id", version.clone()),
                ("last-modified", modified.clone()),
                ("allow", "DELETE".to_owned()),
            ],
            Self::InvalidRange { size, .. } => vec![("content-range", format!("bytes */{size}"))],
            _ => Vec::new(),
        }
    }
}

impl S3Error {
    /// What the errors about buckets say.
    fn of_buckets(&self) -> Option<&str> {
        Some(match self {
            Self::AccessControlListNotSupported => "The bucket does not allow ACLs",
            Self::BlockedPublicPolicy => {
                "Access Denied: public policies are blocked by the BlockPublicPolicy setting in \
                 S3 Block Public Access."
            }
            Self::BucketAlreadyExists(_) => {
                "The requested bucket name is not available. The bucket namespace is shared by all \
                 users of the system. Please select a different name and try again."
            }
            Self::BucketAlreadyOwnedByYou(_) => {
                "Your previous request to create the named bucket succeeded and you already own it."
            }
            Self::BucketNotEmpty(_) => "The bucket you tried to delete is not empty",
            Self::CorsForbidden { enabled: true, .. } => {
                "CORSResponse: This CORS request is not allowed. This is usually because the \
                 evalution of Origin, request method / Access-Control-Request-Method or \
                 Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
            }
            Self::CorsForbidden { .. } => "CORSResponse: CORS is not enabled for this bucket.",
            Self::IllegalLocation => {
                "The specified location constraint is incompatible for the region specific \
                 endpoint this request was sent to."
            }
            Self::InvalidBucketName(_) => "The specified bucket is not valid.",
            Self::InvalidLocation(_) => "The specified location-constraint is not valid",
            Self::NoSuchBucket(_) => "The specified bucket does not exist",
            _ => return None,
        })
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(words) = self.of_buckets() {
            return f.write_str(words);
        }
        f.write_str(match self {
            Self::BadDigest { algorithm } => {
                let end = "you specified did not match the calculated checksum.";
                return write!(f, "The {algorithm} {end}");
            }
            Self::AccessDenied => "Access Denied",
            Self::EntityTooLarge { .. } => "Your proposed upload exceeds the maximum allowed size",
            Self::EntityTooSmall { .. } => {
                "Your proposed upload is smaller than the minimum allowed size"
            }
            Self::InvalidPart { .. } => {
                "One or more of the specified parts could not be found.  The part may not have \
                 been uploaded, or the specified entity tag may not match the part's entity tag."
            }
            Self::InvalidPartNumber { .. } => "The requested partnumber is not satisfiable",
            Self::InvalidPartOrder(_) => {
                "The list of parts was not in ascending order. Parts must be ordered by part \
                 number."
            }
            Self::InvalidRange { .. } => "The requested range is not satisfiable",
            Self::InvalidRequest(message) | Self::MalformedPolicy(message) => message,
            Self::InvalidStorageClass(_) => "The storage class you specified is not valid",
            Self::KeyTooLong(_) => "Your key is too long",
            Self::MalformedXml => {
                "The XML you provided was not well-formed or did not validate against our \
                 published schema"
            }
            Self::MarkerNotAllowed { .. } => {
                "The specified method is not allowed against this resource."
            }
            Self::MetadataTooLarge(_) => {
                "Your metadata headers exceed the maximum allowed metadata size"
            }
            Self::InvalidArgument { message, .. }
            | Self::InvalidBucketAcl(message)
            | Self::InvalidTag(message)
            | Self::NoSuchConfiguration { message, .. } => message,
            Self::NoSuchKey { .. } => "The specified key does not exist.",
            Self::NoSuchUpload(_) => {
                "The specified upload does not exist. The upload ID may be invalid, or the upload \
                 may have been aborted or completed."
            }
            Self::NoSuchVersion { .. } => "The specified version does not exist.",
            Self::NotImplemented => {
                "A header you provided implies functionality that is not implemented"
            }
            Self::NotModified { .. } => "Not Modified",
            Self::PreconditionFailed(_) => {
                "At least one of the pre-conditions you specified did not hold"
            }
            Self::TooManyTags => "Object tags cannot be greater than 10",
            // Said above.
            _ => "",
        })
    }
}

impl From<S3Error> for Error {
    fn from(error: S3Error) -> Self {
        let (status, code) = error.kind();
        let mut out = Self::custom(code, status, error.to_string());
        out.elements = error.elements();
        out.headers = error.headers();
        out
    }
}

/// The error of a transaction: S3's own, or the store's.
#[derive(Debug)]
pub(crate) enum TxError {
    S3(S3Error),
    Store(StoreError),
}

impl From<S3Error> for TxError {
    fn from(error: S3Error) -> Self {
        Self::S3(error)
    }
}

impl From<StoreError> for TxError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TxError> for Error {
    fn from(error: TxError) -> Self {
        match error {
            TxError::S3(error) => error.into(),
            TxError::Store(error) => error.into(),
        }
    }
}

/// A blob that could not be written or read.
pub(crate) fn blob(error: &BlobError) -> Error {
    match error {
        BlobError::Full => Error::unavailable(error),
        _ => Error::internal(error),
    }
}

/// A body that did not become a blob.
pub(crate) fn upload(error: &WriteBodyError) -> Error {
    match error {
        WriteBodyError::Body(error) => Error::body(error, Family::S3),
        WriteBodyError::Blob(error) => blob(error),
    }
}
