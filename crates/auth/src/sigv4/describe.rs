//! How each family of protocols says that a signature is refused.
//!
//! The texts are AWS's as clients meet them; where none was found, the comment says so.

use super::encode::amz_date;
use super::error::{Part, ScopeFault, SignatureError};

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
            let (status, code, message) = self.s3_unreadable().unwrap_or_else(|| self.s3_refused());
            return Described { status, code, message, details: self.s3_details() };
        }
        let (status, code) = self.kind().code(family);
        let message = match self {
            Self::Unsigned if family == Family::RestJson => {
                "Missing Authentication Token".to_owned()
            }
            _ => self.to_string(),
        };
        Described { status, code, message, details: Vec::new() }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Unsigned => Kind::Missing,
            Self::UnknownAlgorithm(_)
            | Self::Incomplete { .. }
            | Self::Malformed(_)
            | Self::Credential { .. }
            | Self::Date(_)
            | Self::TwoForms
            | Self::Duplicate(_)
            | Self::SignedHeaders(_)
            | Self::Expires(_)
            | Self::ContentSha256(_)
            | Self::NoContentSha256
            | Self::TooMany(_) => Kind::Incomplete,
            Self::EcdsaStreaming => Kind::NotOffered,
            Self::Scope(_)
            | Self::HostUnsigned
            | Self::HeadersUnsigned(_)
            | Self::Skew { .. }
            | Self::PresignExpired { .. }
            | Self::PresignEarly { .. }
            | Self::BodyHash { .. }
            | Self::BodyUnread
            | Self::UnsignedPayload
            | Self::HeaderAbsent(_)
            | Self::Mismatch(_) => Kind::Invalid,
            Self::UnknownKey(_) | Self::InvalidToken => Kind::UnknownKey,
            Self::ExpiredToken => Kind::Expired,
        }
    }

    /// S3's answer to what cannot be read as a signature.
    fn s3_unreadable(&self) -> Option<(u16, &'static str, String)> {
        const NO_DATE: &str = "AWS authentication requires a valid Date or x-amz-date header";
        Some(match self {
            Self::UnknownAlgorithm(_) => (
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use \
                 AWS4-HMAC-SHA256."
                    .to_owned(),
            ),
            Self::NoContentSha256 => (400, "InvalidRequest", self.to_string()),
            Self::TwoForms | Self::ContentSha256(_) => (400, "InvalidArgument", self.to_string()),
            Self::Incomplete { query: true, .. } | Self::Expires(_) => {
                (400, "AuthorizationQueryParametersError", self.to_string())
            }
            Self::Incomplete { missing, .. } if missing.as_slice() == [Part::Date] => {
                (403, "AccessDenied", NO_DATE.to_owned())
            }
            Self::Date(_) => (403, "AccessDenied", NO_DATE.to_owned()),
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
                let why = faults.first().map(ScopeFault::s3).unwrap_or_default();
                let message = format!("The authorization header is malformed; {why}");
                (400, "AuthorizationHeaderMalformed", message)
            }
            Self::EcdsaStreaming => (501, "NotImplemented", self.to_string()),
            _ => return None,
        })
    }

    /// S3's answer to a signature that can be read and is refused.
    fn s3_refused(&self) -> (u16, &'static str, String) {
        let (status, code, message) = match self {
            Self::Unsigned => (403, "AccessDenied", "Access Denied"),
            Self::BodyHash { .. } => (
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Self::Skew { .. } => (
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            Self::PresignExpired { .. } => (403, "AccessDenied", "Request has expired"),
            Self::PresignEarly { .. } => (403, "AccessDenied", "Request is not valid yet"),
            Self::HostUnsigned | Self::HeadersUnsigned(_) => (
                403,
                "AccessDenied",
                "There were headers present in the request which were not signed",
            ),
            Self::UnknownKey(_) => (
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Self::InvalidToken => {
                (400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            Self::ExpiredToken => (400, "ExpiredToken", "The provided token has expired."),
            _ => (
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method.",
            ),
        };
        (status, code, message.to_owned())
    }

    /// The further elements of S3's error body.
    fn s3_details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Mismatch(what) => what.details(),
            Self::UnknownKey(id) => vec![("AWSAccessKeyId", id.clone())],
            Self::Scope(faults) => faults
                .iter()
                .filter_map(|fault| match fault {
                    ScopeFault::Region { want, .. } => Some(("Region", want.clone())),
                    _ => None,
                })
                .collect(),
            Self::BodyHash { claimed, computed } => vec![
                ("ClientComputedContentSHA256", claimed.clone()),
                ("S3ComputedContentSHA256", computed.clone()),
            ],
            Self::Skew { date, now, allowed } => vec![
                ("RequestTime", amz_date(*date)),
                ("ServerTime", now.iso8601(false)),
                ("MaxAllowedSkewMilliseconds", allowed.as_millis().to_string()),
            ],
            Self::PresignExpired { ended, expires, now } => vec![
                ("X-Amz-Expires", expires.to_string()),
                ("Expires", ended.iso8601(false)),
                ("ServerTime", now.iso8601(false)),
            ],
            Self::HostUnsigned => vec![("HeadersNotSigned", "host".to_owned())],
            Self::HeadersUnsigned(names) => vec![("HeadersNotSigned", names.join(", "))],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cumulet_base::Timestamp;

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
                "The security token included in the request is invalid.",
            ),
            (
                &SignatureError::UnknownKey("A".to_owned()),
                Family::Query,
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
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
