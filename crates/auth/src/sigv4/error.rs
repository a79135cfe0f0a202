//! Why a signature is refused, and how each family of protocols says so.
//!
//! The texts are AWS's as clients meet them. Where several sources disagree, or none was found, the
//! comment says so.

use std::fmt;
use std::time::Duration;

use cumulet_base::Timestamp;

use super::encode::amz_date;

/// The protocols that put the same refusal into different codes and statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// awsJson 1.0 and 1.1, rpc-v2-cbor.
    Json,
    /// The query protocol (IAM, STS, CloudFormation), and restXml outside S3.
    Query,
    /// restJson (Lambda, API Gateway and what stands behind it).
    RestJson,
    /// S3 and its kin.
    S3,
}

/// An error as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// HTTP status.
    pub status: u16,
    /// AWS's error code.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Further elements of S3's error body, in order; empty elsewhere.
    pub details: Vec<(&'static str, String)>,
}

/// A part of a signature that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Algorithm.
    Algorithm,
    /// Credential.
    Credential,
    /// Signature.
    Signature,
    /// SignedHeaders.
    SignedHeaders,
    /// X-Amz-Date (or the Date header).
    Date,
    /// X-Amz-Expires.
    Expires,
    /// X-Amz-Region-Set, which SigV4A needs.
    RegionSet,
}

impl Part {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "Algorithm",
            Self::Credential => "Credential",
            Self::Signature => "Signature",
            Self::SignedHeaders => "SignedHeaders",
            Self::Date => "Date",
            Self::Expires => "Expires",
            Self::RegionSet => "Region-Set",
        }
    }
}

/// What was signed here, for S3's error body and a developer's eyes. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The access key's id.
    pub access_key: String,
    /// The signature that came.
    pub signature: String,
    /// The string that was signed here.
    pub string_to_sign: String,
    /// The canonical request it stands for.
    pub canonical_request: String,
}

/// A part of the credential scope that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeFault {
    /// Another region than the endpoint's.
    Region {
        /// The scope's.
        got: String,
        /// The endpoint's.
        want: String,
    },
    /// Another service.
    Service {
        /// The scope's.
        got: String,
        /// The endpoint's (its first signing name).
        want: String,
    },
    /// The last part is not `aws4_request`.
    Terminator(String),
    /// The scope's day is not that of the date.
    Date {
        /// The scope's day.
        got: String,
        /// The date's day and full form.
        date: String,
    },
}

/// Why a signature is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureError {
    /// There is none, and the operation wants one.
    Unsigned,
    /// Both an Authorization header and a presigned query.
    TwoForms,
    /// Not one of SigV4's algorithms (among them the older `AWS akid:signature`).
    UnknownAlgorithm(String),
    /// Parts are missing.
    Incomplete {
        /// Which.
        missing: Vec<Part>,
        /// In the query; otherwise in the Authorization header.
        query: bool,
        /// SHA-256 of the Authorization header in base64, which AWS's message carries.
        hashed: String,
    },
    /// A part, or the header itself, comes twice.
    Duplicate(String),
    /// A part of the Authorization header that is no `key=value`, or is too long or not ASCII.
    Malformed(String),
    /// The credential has not the right number of parts.
    Credential {
        /// What came.
        got: String,
        /// 5, or 4 for SigV4A.
        want: u8,
    },
    /// SignedHeaders is empty, has a name twice or one with capitals.
    SignedHeaders(String),
    /// The date cannot be read.
    Date(String),
    /// X-Amz-Expires is no number, or not within 1 to 604,800.
    Expires(String),
    /// `x-amz-content-sha256` is none of its values.
    ContentSha256(String),
    /// S3 wants `x-amz-content-sha256`, and it is not there.
    NoContentSha256,
    /// The body is not signed, which only S3 and its kin allow.
    UnsignedPayload,
    /// The signature covers the body's hash, and the body has not been read.
    BodyUnread,
    /// The body's hash is not the one that was signed.
    BodyHash {
        /// What the header says, hex.
        claimed: String,
        /// What it is, hex.
        computed: String,
    },
    /// Chunks signed by SigV4A are not offered.
    EcdsaStreaming,
    /// More query parameters, signed headers or bytes of a part than are looked at.
    TooMany(&'static str),
    /// The date is too far from now.
    Skew {
        /// When it was signed.
        date: Timestamp,
        /// Now.
        now: Timestamp,
        /// How far is allowed.
        allowed: Duration,
    },
    /// A presigned URL's time is over.
    PresignExpired {
        /// When it ended.
        ended: Timestamp,
        /// X-Amz-Expires.
        expires: u32,
        /// Now.
        now: Timestamp,
    },
    /// The scope is not this endpoint's.
    Scope(Vec<ScopeFault>),
    /// Host is not among the signed headers.
    HostUnsigned,
    /// `x-amz-*` headers that are there but not signed.
    HeadersUnsigned(Vec<String>),
    /// A header that the signature names is not there.
    HeaderAbsent(String),
    /// The signature differs.
    Mismatch(Box<Mismatch>),
    /// No such access key.
    UnknownKey(String),
    /// The session token does not belong to the key, or is no token.
    InvalidToken,
    /// The session token's time is over.
    ExpiredToken,
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you \
     provided. Check your AWS Secret Access Key and signing method. Consult the service \
     documentation for details.";
const MISMATCH_S3: &str = "The request signature we calculated does not match the signature you \
     provided. Check your key and signing method.";
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// The codes that all families but S3 have in common, under their several names.
#[derive(Clone, Copy)]
enum Kind {
    Missing,
    Incomplete,
    Invalid,
    UnknownKey,
    Expired,
    NotOffered,
}

impl Kind {
    fn code(self, family: Family) -> (u16, &'static str) {
        let query = family == Family::Query;
        // JSON services answer 400 throughout, REST and query ones 403, but query's Incomplete.
        let status = match (self, family) {
            (Self::NotOffered, _) => 501,
            (_, Family::Json) | (Self::Incomplete, Family::Query) => 400,
            _ => 403,
        };
        let code = match (self, query) {
            (Self::Missing, true) => "MissingAuthenticationToken",
            (Self::Missing, false) => "MissingAuthenticationTokenException",
            (Self::Incomplete, true) => "IncompleteSignature",
            (Self::Incomplete, false) => "IncompleteSignatureException",
            (Self::Invalid, true) => "SignatureDoesNotMatch",
            (Self::Invalid, false) => "InvalidSignatureException",
            (Self::UnknownKey, true) => "InvalidClientTokenId",
            (Self::UnknownKey, false) => "UnrecognizedClientException",
            (Self::Expired, true) => "ExpiredToken",
            (Self::Expired, false) => "ExpiredTokenException",
            (Self::NotOffered, _) => "NotImplemented",
        };
        (status, code)
    }
}

impl SignatureError {
    /// Status, code and message for this family of protocols.
    pub fn describe(&self, family: Family) -> Described {
        if family == Family::S3 {
            return self.describe_s3();
        }
        let (kind, message) = self.common(family);
        let (status, code) = kind.code(family);
        Described { status, code, message, details: Vec::new() }
    }

    fn common(&self, family: Family) -> (Kind, String) {
        use Kind::{Expired, Incomplete, Invalid, Missing, NotOffered, UnknownKey};
        match self {
            Self::Unsigned if family == Family::RestJson => {
                (Missing, "Missing Authentication Token".to_owned())
            }
            Self::Unsigned => (Missing, "Request is missing Authentication Token".to_owned()),
            Self::UnknownAlgorithm(name) => {
                (Incomplete, format!("Unsupported AWS 'algorithm': '{name}'."))
            }
            Self::Incomplete { missing, query, hashed } => {
                (Incomplete, incomplete(missing, *query, hashed))
            }
            Self::Malformed(what) => (
                Incomplete,
                format!(
                    "'{what}' not a valid key=value pair (missing equal-sign) in Authorization \
                     header."
                ),
            ),
            Self::Credential { got, want } => (
                Incomplete,
                format!(
                    "Credential must have exactly {want} slash-delimited elements, e.g. {}, got \
                     '{got}'",
                    if *want == 5 {
                        "keyid/date/region/service/term"
                    } else {
                        "keyid/date/service/term"
                    }
                ),
            ),
            Self::Date(got) => (
                Incomplete,
                format!(
                    "Date must be in ISO-8601 'basic format'. Got '{got}'. See \
                     http://en.wikipedia.org/wiki/ISO_8601"
                ),
            ),
            // No text of AWS's was found for these outside S3; they say what is wrong.
            Self::TwoForms
            | Self::Duplicate(_)
            | Self::SignedHeaders(_)
            | Self::Expires(_)
            | Self::ContentSha256(_)
            | Self::NoContentSha256
            | Self::TooMany(_) => (Incomplete, self.to_string()),
            Self::EcdsaStreaming => (NotOffered, self.to_string()),
            Self::Scope(faults) => {
                let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
                (Invalid, format!("{} ", all.join(" ")))
            }
            Self::HostUnsigned | Self::HeadersUnsigned(_) | Self::Skew { .. } => {
                (Invalid, self.to_string())
            }
            Self::PresignExpired { ended, now, .. } => (
                Invalid,
                format!(
                    "Signature expired: {} is now earlier than {}",
                    amz_date(*ended),
                    amz_date(*now)
                ),
            ),
            Self::BodyHash { .. }
            | Self::BodyUnread
            | Self::UnsignedPayload
            | Self::HeaderAbsent(_)
            | Self::Mismatch(_) => (Invalid, MISMATCH.to_owned()),
            Self::UnknownKey(_) | Self::InvalidToken => (UnknownKey, INVALID_TOKEN.to_owned()),
            Self::ExpiredToken => {
                (Expired, "The security token included in the request is expired".to_owned())
            }
        }
    }

    fn describe_s3(&self) -> Described {
        let mut details = Vec::new();
        let (status, code, message) = match self {
            Self::Unsigned => (403, "AccessDenied", "Access Denied".to_owned()),
            Self::UnknownAlgorithm(_) => (
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use \
                 AWS4-HMAC-SHA256."
                    .to_owned(),
            ),
            Self::TwoForms | Self::ContentSha256(_) => (400, "InvalidArgument", self.to_string()),
            Self::Incomplete { query: true, .. } | Self::Expires(_) => {
                (400, "AuthorizationQueryParametersError", self.to_string())
            }
            Self::Incomplete { missing, .. } if missing.as_slice() == [Part::Date] => (
                403,
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
            ),
            Self::Date(_) => (
                403,
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
            ),
            Self::Incomplete { .. }
            | Self::Malformed(_)
            | Self::Duplicate(_)
            | Self::Credential { .. }
            | Self::SignedHeaders(_)
            | Self::TooMany(_) => (
                400,
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; {self}"),
            ),
            Self::Scope(faults) => {
                let region = faults.iter().find_map(|f| match f {
                    ScopeFault::Region { want, .. } => Some(want.clone()),
                    _ => None,
                });
                details.extend(region.map(|r| ("Region", r)));
                let why = faults.first().map(ScopeFault::s3).unwrap_or_default();
                let message = format!("The authorization header is malformed; {why}");
                (400, "AuthorizationHeaderMalformed", message)
            }
            Self::NoContentSha256 => (400, "InvalidRequest", self.to_string()),
            Self::EcdsaStreaming => (501, "NotImplemented", self.to_string()),
            Self::BodyHash { claimed, computed } => {
                details.push(("ClientComputedContentSHA256", claimed.clone()));
                details.push(("S3ComputedContentSHA256", computed.clone()));
                (400, "XAmzContentSHA256Mismatch", self.to_string())
            }
            Self::Skew { date, now, allowed } => {
                details.push(("RequestTime", amz_date(*date)));
                details.push(("ServerTime", now.iso8601(false)));
                details.push(("MaxAllowedSkewMilliseconds", allowed.as_millis().to_string()));
                let text =
                    "The difference between the request time and the current time is too large.";
                (403, "RequestTimeTooSkewed", text.to_owned())
            }
            Self::PresignExpired { ended, expires, now } => {
                details.push(("X-Amz-Expires", expires.to_string()));
                details.push(("Expires", ended.iso8601(false)));
                details.push(("ServerTime", now.iso8601(false)));
                (403, "AccessDenied", "Request has expired".to_owned())
            }
            Self::HostUnsigned | Self::HeadersUnsigned(_) => {
                let names = match self {
                    Self::HeadersUnsigned(names) => names.join(", "),
                    _ => "host".to_owned(),
                };
                details.push(("HeadersNotSigned", names));
                let text = "There were headers present in the request which were not signed";
                (403, "AccessDenied", text.to_owned())
            }
            Self::Mismatch(what) => {
                details = what.details();
                (403, "SignatureDoesNotMatch", MISMATCH_S3.to_owned())
            }
            Self::HeaderAbsent(_) | Self::BodyUnread | Self::UnsignedPayload => {
                (403, "SignatureDoesNotMatch", MISMATCH_S3.to_owned())
            }
            Self::UnknownKey(id) => {
                details.push(("AWSAccessKeyId", id.clone()));
                let text = "The AWS Access Key Id you provided does not exist in our records.";
                (403, "InvalidAccessKeyId", text.to_owned())
            }
            Self::InvalidToken => (
                400,
                "InvalidToken",
                "The provided token is malformed or otherwise invalid.".to_owned(),
            ),
            Self::ExpiredToken => {
                (400, "ExpiredToken", "The provided token has expired.".to_owned())
            }
        };
        Described { status, code, message, details }
    }
}

impl Mismatch {
    /// The elements of S3's SignatureDoesNotMatch.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWSAccessKeyId", self.access_key.clone()),
            ("StringToSign", self.string_to_sign.clone()),
            ("SignatureProvided", self.signature.clone()),
            ("StringToSignBytes", spaced_hex(&self.string_to_sign)),
            ("CanonicalRequest", self.canonical_request.clone()),
            ("CanonicalRequestBytes", spaced_hex(&self.canonical_request)),
        ]
    }
}

fn spaced_hex(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|b| format!("{b:02x}")).collect();
    bytes.join(" ")
}

fn incomplete(missing: &[Part], query: bool, hashed: &str) -> String {
    let mut text = String::new();
    for part in missing {
        let name = part.as_str();
        match (query, part) {
            (true, _) => {
                text.extend(["AWS query-string parameters must include 'X-Amz-", name, "'. "]);
            }
            (false, Part::Date) => text.push_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                 header. ",
            ),
            (false, _) => text.extend(["Authorization header requires '", name, "' parameter. "]),
        }
    }
    if query {
        text.push_str("Re-examine the query-string parameters.");
    } else {
        text.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
        text.push_str(hashed);
    }
    text
}

impl ScopeFault {
    fn s3(&self) -> String {
        match self {
            Self::Region { got, want } => {
                format!("the region '{got}' is wrong; expecting '{want}'")
            }
            Self::Service { got, want } => {
                format!("incorrect service \"{got}\". This endpoint belongs to \"{want}\".")
            }
            Self::Terminator(got) => {
                format!("incorrect terminal \"{got}\". This endpoint uses \"aws4_request\".")
            }
            Self::Date { got, date } => format!(
                "Invalid credential date \"{got}\". This date is not the same as X-Amz-Date: \
                 \"{}\".",
                date.get(..8).unwrap_or(date)
            ),
        }
    }
}

impl fmt::Display for ScopeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region { got, .. } => {
                write!(f, "Credential should be scoped to a valid region, not '{got}'.")
            }
            Self::Service { want, .. } => {
                write!(f, "Credential should be scoped to correct service: '{want}'.")
            }
            Self::Terminator(got) => write!(
                f,
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{got}'."
            ),
            Self::Date { got, date } => write!(
                f,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{got}' != '{}', from '{date}'.",
                date.get(..8).unwrap_or(date)
            ),
        }
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoForms => f.write_str(
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                 Signature query string parameter or the Authorization header should be specified",
            ),
            Self::Incomplete { missing, query, hashed } => {
                f.write_str(&incomplete(missing, *query, hashed))
            }
            Self::Duplicate(what) => write!(f, "'{what}' is given more than once."),
            Self::SignedHeaders(got) => write!(
                f,
                "'SignedHeaders' must be distinct lower-case names joined by semicolons, got '{got}'."
            ),
            Self::Expires(got) => f.write_str(match got.parse::<i64>() {
                Err(_) => "X-Amz-Expires should be a number",
                Ok(n) if n > 604_800 => {
                    "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                     X-Amz-Expires must be less than 604800 seconds"
                }
                Ok(_) => "X-Amz-Expires must be non-negative",
            }),
            Self::ContentSha256(_) => f.write_str(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
                 STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, \
                 STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
            ),
            Self::NoContentSha256 => {
                f.write_str("Missing required header for this request: x-amz-content-sha256")
            }
            Self::EcdsaStreaming => f.write_str(
                "A header you provided implies functionality that is not implemented: chunks \
                 signed with AWS4-ECDSA-P256-SHA256.",
            ),
            Self::BodyHash { .. } => f.write_str(
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::TooMany(what) => write!(f, "The request has too many {what}."),
            Self::Skew { date, now, allowed } => skew(f, *date, *now, *allowed),
            Self::HostUnsigned => f.write_str(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            Self::HeadersUnsigned(names) => {
                let name = names.first().map_or("", String::as_str);
                write!(f, "'{name}' must be a 'SignedHeader' in the AWS Authorization.")
            }
            _ => f.write_str(&self.common(Family::Query).1),
        }
    }
}

fn skew(
    f: &mut fmt::Formatter<'_>,
    date: Timestamp,
    now: Timestamp,
    allowed: Duration,
) -> fmt::Result {
    let minutes = allowed.as_secs() / 60;
    let by = i64::try_from(allowed.as_millis()).unwrap_or(i64::MAX);
    if date < now {
        let edge = Timestamp::from_millis(now.millis().saturating_sub(by));
        write!(
            f,
            "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
            amz_date(date),
            amz_date(edge),
            amz_date(now)
        )
    } else {
        write!(
            f,
            "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
            amz_date(date),
            amz_date(now.after(allowed)),
            amz_date(now)
        )
    }
}

impl std::error::Error for SignatureError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_each_family() {
        let incomplete = SignatureError::Incomplete {
            missing: vec![Part::Signature, Part::Date],
            query: false,
            hashed: "aGFzaA==".to_owned(),
        };
        let now = Timestamp::from_secs(1_795_222_923);
        let skewed = SignatureError::Skew {
            date: Timestamp::from_secs(1_440_938_160),
            now,
            allowed: Duration::from_secs(900),
        };
        let scope = SignatureError::Scope(vec![
            ScopeFault::Region { got: "mars-1".to_owned(), want: "eu-west-1".to_owned() },
            ScopeFault::Service { got: "s3".to_owned(), want: "dynamodb".to_owned() },
        ]);
        for (error, family, status, code, message) in [
            (
                &incomplete,
                Family::Query,
                400,
                "IncompleteSignature",
                "Authorization header requires 'Signature' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=aGFzaA==",
            ),
            (
                &skewed,
                Family::Json,
                400,
                "InvalidSignatureException",
                "Signature expired: 20150830T123600Z is now earlier than 20261121T004703Z (20261121T010203Z - 15 min.)",
            ),
            (
                &skewed,
                Family::S3,
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            (
                &scope,
                Family::RestJson,
                403,
                "InvalidSignatureException",
                "Credential should be scoped to a valid region, not 'mars-1'. Credential should be scoped to correct service: 'dynamodb'. ",
            ),
            (
                &scope,
                Family::S3,
                400,
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; the region 'mars-1' is wrong; expecting 'eu-west-1'",
            ),
            (
                &SignatureError::Unsigned,
                Family::Json,
                400,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            ),
            (
                &SignatureError::ExpiredToken,
                Family::Query,
                403,
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            (
                &SignatureError::UnknownKey("A".to_owned()),
                Family::Json,
                400,
                "UnrecognizedClientException",
                INVALID_TOKEN,
            ),
            (
                &SignatureError::UnknownKey("A".to_owned()),
                Family::Query,
                403,
                "InvalidClientTokenId",
                INVALID_TOKEN,
            ),
            (
                &SignatureError::Expires("0".to_owned()),
                Family::S3,
                400,
                "AuthorizationQueryParametersError",
                "X-Amz-Expires must be non-negative",
            ),
        ] {
            let said = error.describe(family);
            assert_eq!((said.status, said.code, said.message.as_str()), (status, code, message));
        }
    }
}
