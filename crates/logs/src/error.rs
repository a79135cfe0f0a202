//! What CloudWatch Logs refuses, in its words.

use std::fmt;

use cumulet_api_logs::errors::{
    InvalidParameterException, ResourceAlreadyExistsException, ResourceNotFoundException,
    TooManyTagsException, ValidationException,
};
use cumulet_service as service;
use cumulet_store::StoreError;

/// The service's errors. Messages are AWS's where they are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Error {
    GroupNotFound,
    StreamNotFound,
    /// An ARN that leads to no log group of this cloud.
    ResourceNotFound,
    GroupExists,
    StreamExists,
    /// The group is protected against deletion.
    DeletionProtected,
    /// A rule that is checked in one place, which has the text.
    InvalidParameter(String),
    InvalidToken,
    InvalidPattern,
    /// More than 50 tags on the group of this ARN.
    TooManyTags(String),
    /// The store refused; not the caller's fault.
    Store(StoreError),
}

impl Error {
    pub(crate) fn parameter(text: impl Into<String>) -> Self {
        Self::InvalidParameter(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GroupNotFound => "The specified log group does not exist.",
            Self::StreamNotFound => "The specified log stream does not exist.",
            Self::ResourceNotFound => "The specified resource does not exist.",
            Self::GroupExists => "The specified log group already exists",
            Self::StreamExists => "The specified log stream already exists",
            // The wording of AWS is not known to us.
            Self::DeletionProtected => {
                "The log group is protected against deletion. Disable deletion protection first."
            }
            Self::InvalidParameter(text) => text,
            Self::InvalidToken => "The specified nextToken is invalid.",
            Self::InvalidPattern => "Invalid filter pattern",
            Self::TooManyTags(_) => "The resource would have more than 50 tags.",
            Self::Store(error) => return error.fmt(f),
        })
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
        let message = error.to_string();
        match error {
            Error::GroupNotFound | Error::StreamNotFound | Error::ResourceNotFound => {
                Self::modeled::<ResourceNotFoundException>(message)
            }
            Error::GroupExists | Error::StreamExists => {
                Self::modeled::<ResourceAlreadyExistsException>(message)
            }
            Error::DeletionProtected => Self::modeled::<ValidationException>(message),
            Error::InvalidParameter(_) | Error::InvalidToken | Error::InvalidPattern => {
                Self::modeled::<InvalidParameterException>(message)
            }
            Error::TooManyTags(arn) => {
                let resource_name = Some(arn);
                Self::detailed(
                    message,
                    TooManyTagsException { resource_name, ..TooManyTagsException::default() },
                )
            }
            Error::Store(error) => error.into(),
        }
    }
}
