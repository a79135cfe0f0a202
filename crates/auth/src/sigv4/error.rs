//! Why a signature is refused, in words. What goes over the wire is [`super::describe`]'s.

use std::fmt;
use std::time::Duration;

use cumulet_base::Timestamp;

use super::encode::amz_date;

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
    pub(super) const fn as_str(self) -> &'static str {
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
    /// The access key's id; empty where a chunk's signature differs.
    pub access_key: String,
    /// The signature that came.
    pub signature: String,
    /// The string that was signed here.
    pub string_to_sign: String,
    /// The canonical request it stands for; empty where a chunk's signature differs.
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
    /// A presigned URL's time has not come.
    PresignEarly {
        /// When it was signed.
        date: Timestamp,
        /// Now.
        now: Timestamp,
        /// How far is allowed.
        allowed: Duration,
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

impl Mismatch {
    /// The elements of S3's SignatureDoesNotMatch, those that are known.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("AWSAccessKeyId", self.access_key.clone()),
            ("StringToSign", self.string_to_sign.clone()),
            ("SignatureProvided", self.signature.clone()),
            ("StringToSignBytes", spaced_hex(&self.string_to_sign)),
            ("CanonicalRequest", self.canonical_request.clone()),
            ("CanonicalRequestBytes", spaced_hex(&self.canonical_request)),
        ];
        all.retain(|(_, text)| !text.is_empty());
        all
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
    /// S3's words for it.
    pub(super) fn s3(&self) -> String {
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

/// The words of every family but S3, which has some of its own.
impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("Request is missing Authentication Token"),
            Self::Scope(faults) => faults.iter().try_for_each(|fault| write!(f, "{fault} ")),
            Self::HostUnsigned => f.write_str(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ),
            Self::HeadersUnsigned(names) => {
                let name = names.first().map_or("", String::as_str);
                write!(f, "'{name}' must be a 'SignedHeader' in the AWS Authorization.")
            }
            Self::Skew { date, now, allowed } | Self::PresignEarly { date, now, allowed } => {
                skew(f, *date, *now, *allowed)
            }
            Self::PresignExpired { ended, now, .. } => {
                let (ended, now) = (amz_date(*ended), amz_date(*now));
                write!(f, "Signature expired: {ended} is now earlier than {now}")
            }
            Self::BodyHash { .. }
            | Self::BodyUnread
            | Self::UnsignedPayload
            | Self::HeaderAbsent(_)
            | Self::Mismatch(_) => f.write_str(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details.",
            ),
            Self::UnknownKey(_) | Self::InvalidToken => {
                f.write_str("The security token included in the request is invalid.")
            }
            Self::ExpiredToken => {
                f.write_str("The security token included in the request is expired")
            }
            _ => self.unreadable(f),
        }
    }
}

impl SignatureError {
    /// The words for what cannot be read as a signature.
    fn unreadable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAlgorithm(name) => write!(f, "Unsupported AWS 'algorithm': '{name}'."),
            Self::Incomplete { missing, query, hashed } => {
                f.write_str(&incomplete(missing, *query, hashed))
            }
            Self::Malformed(what) => write!(
                f,
                "'{what}' not a valid key=value pair (missing equal-sign) in Authorization header."
            ),
            Self::Credential { got, want } => {
                let region = if *want == 5 { "region/" } else { "" };
                write!(
                    f,
                    "Credential must have exactly {want} slash-delimited elements, e.g. \
                     keyid/date/{region}service/term, got '{got}'"
                )
            }
            Self::Date(got) => write!(
                f,
                "Date must be in ISO-8601 'basic format'. Got '{got}'. See \
                 http://en.wikipedia.org/wiki/ISO_8601"
            ),
            Self::TwoForms => f.write_str(
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                 Signature query string parameter or the Authorization header should be specified",
            ),
            Self::Expires(got) => f.write_str(match got.parse::<i64>() {
                Err(_) => "X-Amz-Expires should be a number",
                Ok(n) if n > 604_800 => {
                    "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                     X-Amz-Expires must be less than 604800 seconds"
                }
                Ok(_) => "X-Amz-Expires must be non-negative",
            }),
            Self::ContentSha256(_) => {
                f.write_str("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, ")?;
                super::Streaming::ALL.iter().try_for_each(|s| write!(f, "{}, ", s.as_str()))?;
                f.write_str("or a valid sha256 value.")
            }
            Self::NoContentSha256 => {
                f.write_str("Missing required header for this request: x-amz-content-sha256")
            }
            // No text of AWS's was found for those that follow; they say what is wrong.
            Self::Duplicate(what) => write!(f, "'{what}' is given more than once."),
            Self::SignedHeaders(got) => write!(
                f,
                "'SignedHeaders' must be distinct lower-case names joined by semicolons, got \
                 '{got}'."
            ),
            Self::TooMany(what) => write!(f, "The request has too many {what}."),
            _ => f.write_str(
                "A header you provided implies functionality that is not implemented: chunks \
                 signed with AWS4-ECDSA-P256-SHA256.",
            ),
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
