//! What Parameter Store refuses, in its words.

use std::fmt;

use cumulet_api_ssm::errors::{
    HierarchyLevelLimitExceededException, HierarchyTypeMismatchException,
    InvalidAllowedPatternException, InvalidFilterKey, InvalidFilterOption, InvalidFilterValue,
    InvalidKeyId, InvalidNextToken, InvalidResourceId, ParameterAlreadyExists,
    ParameterLimitExceeded, ParameterMaxVersionLimitExceeded, ParameterNotFound,
    ParameterPatternMismatchException, ParameterVersionLabelLimitExceeded,
    ParameterVersionNotFound, TooManyTagsError,
};
use cumulet_service as service;
use cumulet_store::StoreError;

/// The service's errors. Messages are AWS's where they are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Error {
    /// AWS says nothing more.
    NotFound,
    /// A version or label of a parameter that is there; as the message names both.
    VersionNotFound(String, String),
    LabelNotFound(String, String),
    AlreadyExists,
    TypeMismatch,
    TooDeep,
    /// A name that AWS keeps for itself.
    Reserved(String),
    /// A rule that is checked in one place, which has the text.
    Validation(String),
    InvalidKey(String),
    InvalidAllowedPattern,
    PatternMismatch(String),
    /// The oldest version of a parameter has a label.
    MaxVersions(String, u64),
    TooManyParameters,
    TooManyLabels,
    TooManyTags,
    /// Nothing of that name can be tagged.
    InvalidResource,
    InvalidToken,
    FilterKey(String),
    FilterOption(String),
    FilterValue(String),
    /// The store refused; not the caller's fault.
    Store(StoreError),
    /// A secret cannot be sealed or opened; not the caller's fault.
    Seal(&'static str),
}

impl Error {
    pub(crate) fn validation(text: impl Into<String>) -> Self {
        Self::Validation(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound | Self::InvalidResource | Self::TooManyTags => Ok(()),
            Self::VersionNotFound(name, version) => write!(
                f,
                "Systems Manager could not find version {version} of {name}. Verify the version \
                 and try again."
            ),
            Self::LabelNotFound(name, label) => write!(
                f,
                "Systems Manager could not find label {label} of {name}. Verify the label and try \
                 again."
            ),
            Self::AlreadyExists => f.write_str(
                "The parameter already exists. To overwrite this value, set the overwrite option \
                 in the request to true.",
            ),
            // The exact wording of AWS is not known to us.
            Self::TypeMismatch => f.write_str(
                "Parameter Store does not support changing the type of a parameter that exists.",
            ),
            Self::TooDeep => f.write_str("A hierarchy can have a maximum of 15 levels."),
            Self::Reserved(name) => write!(f, "No access to reserved parameter name: {name}."),
            Self::InvalidKey(key) => write!(f, "Invalid keyId {key}"),
            Self::InvalidAllowedPattern => {
                f.write_str("The request does not meet the regular expression requirement.")
            }
            Self::PatternMismatch(pattern) => {
                write!(f, "Parameter value, cannot be validated against allowedPattern: {pattern}")
            }
            Self::MaxVersions(name, version) => write!(
                f,
                "You attempted to create a new version of {name} by calling the PutParameter API \
                 with the overwrite flag. Version {version}, the oldest version, can't be deleted \
                 because it has a label associated with it. Move the label to another version of \
                 the parameter, and try again."
            ),
            Self::TooManyParameters => f.write_str(
                "You have exceeded the number of parameters for this account and Region.",
            ),
            Self::TooManyLabels => f.write_str(
                "A parameter version can have maximum 10 labels.Move one or more labels to another \
                 version and try again.",
            ),
            Self::InvalidToken => f.write_str("The specified token is not valid."),
            Self::Validation(text)
            | Self::FilterKey(text)
            | Self::FilterOption(text)
            | Self::FilterValue(text) => f.write_str(text),
            Self::Store(error) => error.fmt(f),
            Self::Seal(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        let said = error.to_string();
        match error {
            Error::NotFound => Self::modeled::<ParameterNotFound>(said),
            Error::VersionNotFound(..) | Error::LabelNotFound(..) => {
                Self::modeled::<ParameterVersionNotFound>(said)
            }
            Error::AlreadyExists => Self::modeled::<ParameterAlreadyExists>(said),
            Error::TypeMismatch => Self::modeled::<HierarchyTypeMismatchException>(said),
            Error::TooDeep => Self::modeled::<HierarchyLevelLimitExceededException>(said),
            Error::Reserved(_) => Self::access_denied(said),
            Error::Validation(_) => Self::validation(said),
            Error::InvalidKey(_) => Self::modeled::<InvalidKeyId>(said),
            Error::InvalidAllowedPattern => Self::modeled::<InvalidAllowedPatternException>(said),
            Error::PatternMismatch(_) => Self::modeled::<ParameterPatternMismatchException>(said),
            Error::MaxVersions(..) => Self::modeled::<ParameterMaxVersionLimitExceeded>(said),
            Error::TooManyParameters => Self::modeled::<ParameterLimitExceeded>(said),
            Error::TooManyLabels => Self::modeled::<ParameterVersionLabelLimitExceeded>(said),
            Error::TooManyTags => Self::modeled::<TooManyTagsError>(said),
            Error::InvalidResource => Self::modeled::<InvalidResourceId>(said),
            Error::InvalidToken => Self::modeled::<InvalidNextToken>(said),
            Error::FilterKey(_) => Self::modeled::<InvalidFilterKey>(said),
            Error::FilterOption(_) => Self::modeled::<InvalidFilterOption>(said),
            Error::FilterValue(_) => Self::modeled::<InvalidFilterValue>(said),
            Error::Store(error) => error.into(),
            Error::Seal(what) => Self::internal(what),
        }
    }
}
