//! AWS Signature Version 4 and 4A, the server's side and a signer that shares its canonical form.
//!
//! A request is answered in two steps, because the key has to be looked up in between and the
//! body may still be on its way:
//!
//! ```text
//! parse(head) -> Claim        who claims to have signed, for what scope
//! claim.check(head, expect)   time, scope, what must be signed (AWS answers these before the key)
//!     … look up claim.access_key: its secret, or SignatureError::UnknownKey …
//! keys.get(&claim, &secret)   the day's signing key, cached
//! verify(head, &claim, &key, expect, body_hash) -> Verified
//! verified.body_check(head, …) and checked(body, check): hash, chunks, trailers as it streams
//! ```
//!
//! A consumer publishes what it read only after the checked body's end: everything before it is
//! bytes of an unverified request.

mod body;
mod canonical;
mod checksum;
mod chunked;
mod describe;
mod encode;
mod error;
mod fault;
mod key;
mod parse;
mod sign;
mod v4a;
mod verify;

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

use cumulet_base::Timestamp;
use http::{HeaderMap, Method};

pub use body::{BodyCheck, BodyDigests, BodyRules, Outcome, checked};
pub use checksum::{ChecksumAlgorithm, Sum};
pub use chunked::Chain;
pub use describe::{Described, Family};
pub use error::{Mismatch, Part, ScopeFault, SignatureError};
pub use fault::BodyFault;
pub use key::{KeyCache, Secret, SigningKey};
pub use parse::parse;
pub use sign::{Payload, SignError, Signer};
pub use verify::{BodyHash, Expect, Verified, verify};

/// The head of a request as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The request target, byte for byte as sent: `/path?query`, or the absolute form.
    pub target: &'a [u8],
    /// All header fields.
    pub headers: &'a HeaderMap,
    /// HTTP/2's `:authority`, which wins over a Host header (RFC 9113 section 8.3.1).
    pub authority: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// Path and query as sent, without the `?`; an absolute target loses scheme and authority.
    pub(crate) fn split(&self) -> (&'a [u8], &'a [u8]) {
        let mut target = self.target;
        if target.first() != Some(&b'/')
            && let Some(at) = target.windows(3).position(|w| w == b"://")
        {
            let rest = target.get(at + 3..).unwrap_or_default();
            let path = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
            target = rest.get(path..).unwrap_or_default();
        }
        match target.iter().position(|b| *b == b'?') {
            Some(at) => {
                (target.get(..at).unwrap_or_default(), target.get(at + 1..).unwrap_or_default())
            }
            None => (target, &[]),
        }
    }

    /// The header's value where it is there once or more and the first is visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

/// How a request was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `AWS4-HMAC-SHA256`: one region, a shared secret.
    HmacSha256,
    /// `AWS4-ECDSA-P256-SHA256` (SigV4A): a set of regions, a key pair derived from the secret.
    EcdsaP256,
}

impl Algorithm {
    /// The algorithm's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "AWS4-HMAC-SHA256",
            Self::EcdsaP256 => "AWS4-ECDSA-P256-SHA256",
        }
    }
}

/// Where the signature came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the Authorization header.
    Header,
    /// In the query (a presigned URL), valid for so many seconds from its date.
    Presigned {
        /// X-Amz-Expires, 1 to 604,800.
        expires: u32,
    },
}

/// What the signature says of the body: the value of `x-amz-content-sha256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// Nothing: the hash of the collected body goes into the signature (outside S3).
    Absent,
    /// The body's SHA-256.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// The body comes in chunks.
    Streaming(Streaming),
}

/// The chunked forms (`Content-Encoding: aws-chunked`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streaming {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: each chunk is signed.
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: chunks and trailer are signed.
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: only a trailing checksum.
    UnsignedTrailer,
    /// `STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD`.
    Ecdsa,
    /// `STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER`.
    EcdsaTrailer,
}

impl Streaming {
    const ALL: [Self; 5] =
        [Self::Signed, Self::SignedTrailer, Self::UnsignedTrailer, Self::Ecdsa, Self::EcdsaTrailer];

    /// The value of `x-amz-content-sha256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            Self::Ecdsa => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            Self::EcdsaTrailer => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        }
    }
}

impl PayloadHash {
    /// Reads a value of `x-amz-content-sha256`.
    pub fn read(value: &str) -> Option<Self> {
        if value == "UNSIGNED-PAYLOAD" {
            return Some(Self::Unsigned);
        }
        if let Some(hash) = encode::unhex32(value) {
            return Some(Self::Sha256(hash));
        }
        Streaming::ALL.into_iter().find(|s| s.as_str() == value).map(Self::Streaming)
    }
}

/// What a request says of its signature. Nothing of it is proved before [`verify`] answers.
#[derive(Debug, Clone)]
pub struct Claim {
    /// How it was signed.
    pub algorithm: Algorithm,
    /// The access key's id.
    pub access_key: String,
    /// When it was signed (X-Amz-Date, or Date), to the second.
    pub date: Timestamp,
    /// The day of the credential scope, `20261121`.
    pub scope_date: String,
    /// The scope's region; for SigV4A the region set (`us-east-1,eu-*`).
    pub region: String,
    /// The scope's service, by its signing name.
    pub service: String,
    /// The names of the signed headers, lower case, joined by `;` in the order of the signature.
    pub signed_headers: String,
    /// X-Amz-Security-Token.
    pub session_token: Option<String>,
    /// Header or presigned.
    pub form: Form,
    /// What it says of the body.
    pub payload: PayloadHash,
    /// The date as it stands in the string to sign, `20261121T010203Z`.
    pub(crate) stamp: String,
    pub(crate) signature: String,
    /// The scope's last part where it is not `aws4_request`.
    pub(crate) terminator: Option<String>,
}

impl Claim {
    /// `20261121/us-east-1/s3/aws4_request`; SigV4A leaves the region out.
    pub fn scope(&self) -> String {
        let parts: &[&str] = match self.algorithm {
            Algorithm::HmacSha256 => {
                &[&self.scope_date, &self.region, &self.service, "aws4_request"]
            }
            Algorithm::EcdsaP256 => &[&self.scope_date, &self.service, "aws4_request"],
        };
        parts.join("/")
    }

    /// Whether the body has to be collected and hashed before [`verify`] can be asked.
    pub fn needs_body(&self, style: Style) -> bool {
        self.payload == PayloadHash::Absent && !style.content_sha256
    }

    pub(crate) fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|n| n == name)
    }
}

/// How a service has its requests signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The path as sent is encoded once more; otherwise each of its bytes is encoded exactly once.
    pub encode_twice: bool,
    /// Dot segments and repeated slashes are removed from the path first.
    pub normalize: bool,
    /// `x-amz-content-sha256` is required, and UNSIGNED-PAYLOAD is what presigned URLs mean.
    pub content_sha256: bool,
    /// The session token is added after signing (IoT's way); it may be signed all the same.
    pub unsigned_token: bool,
}

impl Style {
    /// Every service but S3.
    pub const COMMON: Self =
        Self { encode_twice: true, normalize: true, content_sha256: false, unsigned_token: false };
    /// S3 and its kin: keys may hold `//` and `..`, bodies are too large to be hashed first.
    pub const S3: Self =
        Self { encode_twice: false, normalize: false, content_sha256: true, unsigned_token: false };

    /// The style of the service with this signing name.
    pub fn of(service: &str) -> Self {
        match service {
            "s3" | "s3express" | "s3-outposts" | "s3-object-lambda" => Self::S3,
            "iotdevicegateway" | "iotdata" => Self { unsigned_token: true, ..Self::COMMON },
            _ => Self::COMMON,
        }
    }
}
