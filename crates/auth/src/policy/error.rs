//! Why a document is not a policy.

use std::fmt;

/// Why a policy is refused. `Display` is AWS's message, which goes out as MalformedPolicyDocument
/// (IAM), MalformedPolicy (S3) and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyError {
    /// The document is larger than [`super::MAX_TEXT`] bytes, or than [`super::MAX_SIZE`]
    /// characters without white space.
    TooLarge,
    /// Not JSON, an unknown or repeated element, or an element of the wrong type.
    Syntax,
    /// A value that the operator or element cannot have, such as `effect: "allow"` or a date that
    /// is none.
    LegacyParsing,
    /// A principal in an identity's policy.
    HasPrincipal,
    /// No principal in a resource's policy or a trust policy.
    MissingPrincipal,
    /// A principal that cannot be.
    InvalidPrincipal {
        /// `AWS`, `Service`, `Federated` or `CanonicalUser`.
        kind: Box<str>,
        /// What the policy says.
        value: Box<str>,
    },
    /// `NotPrincipal` where it is not allowed.
    NotPrincipal,
    /// Neither `Action` nor `NotAction`.
    MissingAction,
    /// Neither `Resource` nor `NotResource` in an identity's policy.
    MissingResource,
    /// `Resource` in a trust policy.
    HasResource,
    /// An action of a trust policy other than those of STS.
    TrustAction,
    /// An action or condition key without `service:`.
    Vendor,
    /// An action's service with characters that none has.
    InvalidVendor(Box<str>),
    /// An action with more than one colon.
    Colons,
    /// A resource that is neither `*` nor an ARN.
    NotArn(Box<str>),
    /// An ARN's partition that does not exist.
    Partition {
        /// The partition.
        partition: Box<str>,
        /// The resource.
        resource: Box<str>,
    },
    /// An ARN without a service, or with wildcards in it.
    ResourceVendor,
    /// A region in the ARN of an IAM resource, which has none.
    Region(Box<str>),
    /// A `Sid` with other characters than letters and digits.
    Sid,
    /// A `Sid` that stands twice.
    RepeatedSid,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "Policy document is too large.",
            Self::Syntax => "Syntax errors in policy.",
            Self::LegacyParsing => "The policy failed legacy parsing",
            Self::HasPrincipal => "Policy document should not specify a principal.",
            Self::MissingPrincipal => "Missing required field Principal",
            Self::InvalidPrincipal { kind, value } => {
                return write!(f, "Invalid principal in policy: \"{kind}\":\"{value}\"");
            }
            Self::NotPrincipal => "NotPrincipal must be used with the Deny effect.",
            Self::MissingAction => "Policy statement must contain actions.",
            Self::MissingResource => "Policy statement must contain resources.",
            Self::HasResource => "Has prohibited field Resource",
            Self::TrustAction => "AssumeRole policy may only specify STS AssumeRole actions.",
            Self::Vendor => {
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            }
            Self::InvalidVendor(vendor) => return write!(f, "Vendor {vendor} is not valid"),
            Self::Colons => "Actions/Condition can contain only one colon.",
            Self::NotArn(resource) => {
                return write!(f, "Resource {resource} must be in ARN format or \"*\".");
            }
            Self::Partition { partition, resource } => {
                return write!(
                    f,
                    "Partition \"{partition}\" is not valid for resource \"{resource}\"."
                );
            }
            Self::ResourceVendor => {
                "Resource vendor must be fully qualified and cannot contain regexes."
            }
            Self::Region(resource) => {
                return write!(f, "IAM resource {resource} cannot contain region information.");
            }
            Self::Sid => {
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
                 regular expression [0-9A-Za-z]*"
            }
            Self::RepeatedSid => "Statement IDs (SID) in a single policy must be unique.",
        })
    }
}

impl std::error::Error for PolicyError {}
