//! What CloudFront refuses, in its words where they are known.

use std::fmt;

use cumulet_api_cloudfront::errors as api;
use cumulet_service as service;
use cumulet_store::StoreError;

use crate::model::PolicyKind;

/// The service's errors.
#[derive(Debug)]
pub(crate) enum Error {
    NoSuchDistribution,
    NoSuchInvalidation,
    NoSuchResource,
    NoSuchPolicy(PolicyKind),
    PolicyAlreadyExists(PolicyKind),
    PolicyInUse(PolicyKind),
    /// One of AWS's own cannot be changed or deleted.
    Managed,
    IllegalUpdate,
    DistributionAlreadyExists,
    DistributionNotDisabled,
    CnameAlreadyExists,
    PreconditionFailed,
    InvalidIfMatchVersion,
    InvalidArgument(String),
    InconsistentQuantities,
    NoSuchOrigin,
    InvalidOrigin(String),
    InvalidOriginAccessControl,
    InvalidTtlOrder,
    InvalidRootObject,
    InvalidErrorCode,
    InvalidTagging(String),
    TooManyDistributions,
    TooManyPolicies(PolicyKind),
    BatchTooLarge,
    Store(StoreError),
    Service(service::Error),
}

impl Error {
    pub(crate) fn argument(words: impl Into<String>) -> Self {
        Self::InvalidArgument(words.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchDistribution => "The specified distribution does not exist.",
            Self::NoSuchInvalidation => "The specified invalidation does not exist.",
            Self::NoSuchResource => "The specified resource does not exist.",
            Self::NoSuchPolicy(kind) => return write!(f, "The {} does not exist.", said(*kind)),
            Self::PolicyAlreadyExists(kind) => {
                return write!(f, "A {} with the same name already exists.", said(*kind));
            }
            Self::PolicyInUse(kind) => {
                return write!(
                    f,
                    "The {} is attached to at least one distribution: take it off there first.",
                    said(*kind)
                );
            }
            Self::Managed => "A managed policy cannot be changed or deleted.",
            Self::IllegalUpdate => {
                "The update contains modifications that are not allowed: a CallerReference stays."
            }
            Self::DistributionAlreadyExists => {
                "The caller reference that you are using to create a distribution is associated \
                 with another distribution."
            }
            Self::DistributionNotDisabled => {
                "The distribution you are trying to delete has not been disabled."
            }
            Self::CnameAlreadyExists => {
                "One or more of the CNAMEs you provided are already associated with a different \
                 resource."
            }
            Self::PreconditionFailed => {
                "The request failed because it didn't meet the preconditions in one or more \
                 request-header fields."
            }
            Self::InvalidIfMatchVersion => {
                "The If-Match version is missing or not valid for the resource."
            }
            Self::InconsistentQuantities => {
                "The value of Quantity and the size of Items do not match."
            }
            Self::NoSuchOrigin => {
                "One or more of your origins or origin groups do not exist: every TargetOriginId \
                 must be the Id of an origin."
            }
            Self::InvalidOriginAccessControl => {
                "The origin access control does not exist, or is not for this kind of origin."
            }
            Self::InvalidTtlOrder => "The TTL order is not valid: MinTTL ≤ DefaultTTL ≤ MaxTTL.",
            Self::InvalidRootObject => {
                "The default root object must not begin with a slash, and has at most 255 \
                 characters."
            }
            Self::InvalidErrorCode => {
                "An error code of the custom error responses is not one of 400, 403, 404, 405, \
                 414, 416, 500, 501, 502, 503, 504, or is there twice."
            }
            Self::TooManyDistributions => "You have reached the number of distributions.",
            Self::TooManyPolicies(_) => "You have reached the number of policies of this kind.",
            Self::BatchTooLarge => "The invalidation has more than 3,000 paths.",
            Self::InvalidArgument(words)
            | Self::InvalidOrigin(words)
            | Self::InvalidTagging(words) => words,
            Self::Store(error) => return error.fmt(f),
            Self::Service(error) => return error.fmt(f),
        })
    }
}

fn said(kind: PolicyKind) -> String {
    kind.name().replace('-', " ")
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<service::Error> for Error {
    fn from(error: service::Error) -> Self {
        Self::Service(error)
    }
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::NoSuchDistribution => Self::modeled::<api::NoSuchDistribution>(said),
            Error::NoSuchInvalidation => Self::modeled::<api::NoSuchInvalidation>(said),
            Error::NoSuchResource => Self::modeled::<api::NoSuchResource>(said),
            Error::NoSuchPolicy(kind) => no_such(kind, said),
            Error::PolicyAlreadyExists(kind) => exists(kind, said),
            Error::PolicyInUse(kind) => in_use(kind, said),
            Error::Managed | Error::IllegalUpdate => Self::modeled::<api::IllegalUpdate>(said),
            Error::DistributionAlreadyExists => {
                Self::modeled::<api::DistributionAlreadyExists>(said)
            }
            Error::DistributionNotDisabled => Self::modeled::<api::DistributionNotDisabled>(said),
            Error::CnameAlreadyExists => Self::modeled::<api::CNAMEAlreadyExists>(said),
            Error::PreconditionFailed => Self::modeled::<api::PreconditionFailed>(said),
            Error::InvalidIfMatchVersion => Self::modeled::<api::InvalidIfMatchVersion>(said),
            Error::InvalidArgument(_) => Self::modeled::<api::InvalidArgument>(said),
            Error::InconsistentQuantities => Self::modeled::<api::InconsistentQuantities>(said),
            Error::NoSuchOrigin => Self::modeled::<api::NoSuchOrigin>(said),
            Error::InvalidOrigin(_) => Self::modeled::<api::InvalidOrigin>(said),
            Error::InvalidOriginAccessControl => {
                Self::modeled::<api::InvalidOriginAccessControl>(said)
            }
            Error::InvalidTtlOrder => Self::modeled::<api::InvalidTTLOrder>(said),
            Error::InvalidRootObject => Self::modeled::<api::InvalidDefaultRootObject>(said),
            Error::InvalidErrorCode => Self::modeled::<api::InvalidErrorCode>(said),
            Error::InvalidTagging(_) => Self::modeled::<api::InvalidTagging>(said),
            Error::TooManyDistributions => Self::modeled::<api::TooManyDistributions>(said),
            Error::TooManyPolicies(kind) => too_many(kind, said),
            Error::BatchTooLarge => Self::modeled::<api::BatchTooLarge>(said),
            Error::Store(error) => error.into(),
            Error::Service(error) => error,
        }
    }
}

fn no_such(kind: PolicyKind, said: String) -> service::Error {
    use service::Error as E;
    match kind {
        PolicyKind::OriginAccessControl => E::modeled::<api::NoSuchOriginAccessControl>(said),
        PolicyKind::CachePolicy => E::modeled::<api::NoSuchCachePolicy>(said),
        PolicyKind::OriginRequestPolicy => E::modeled::<api::NoSuchOriginRequestPolicy>(said),
        PolicyKind::ResponseHeadersPolicy => E::modeled::<api::NoSuchResponseHeadersPolicy>(said),
    }
}

fn exists(kind: PolicyKind, said: String) -> service::Error {
    use service::Error as E;
    match kind {
        PolicyKind::OriginAccessControl => {
            E::modeled::<api::OriginAccessControlAlreadyExists>(said)
        }
        PolicyKind::CachePolicy => E::modeled::<api::CachePolicyAlreadyExists>(said),
        PolicyKind::OriginRequestPolicy => {
            E::modeled::<api::OriginRequestPolicyAlreadyExists>(said)
        }
        PolicyKind::ResponseHeadersPolicy => {
            E::modeled::<api::ResponseHeadersPolicyAlreadyExists>(said)
        }
    }
}

fn in_use(kind: PolicyKind, said: String) -> service::Error {
    use service::Error as E;
    match kind {
        PolicyKind::OriginAccessControl => E::modeled::<api::OriginAccessControlInUse>(said),
        PolicyKind::CachePolicy => E::modeled::<api::CachePolicyInUse>(said),
        PolicyKind::OriginRequestPolicy => E::modeled::<api::OriginRequestPolicyInUse>(said),
        PolicyKind::ResponseHeadersPolicy => E::modeled::<api::ResponseHeadersPolicyInUse>(said),
    }
}

fn too_many(kind: PolicyKind, said: String) -> service::Error {
    use service::Error as E;
    match kind {
        PolicyKind::OriginAccessControl => E::modeled::<api::TooManyOriginAccessControls>(said),
        PolicyKind::CachePolicy => E::modeled::<api::TooManyCachePolicies>(said),
        PolicyKind::OriginRequestPolicy => E::modeled::<api::TooManyOriginRequestPolicies>(said),
        PolicyKind::ResponseHeadersPolicy => {
            E::modeled::<api::TooManyResponseHeadersPolicies>(said)
        }
    }
}
