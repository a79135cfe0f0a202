//! What Lambda refuses, in its words.

use std::fmt;

use cumulet_api_lambda::errors::{
    InvalidParameterValueException, InvalidRequestContentException, PreconditionFailedException,
    RequestTooLargeException, ResourceConflictException, ResourceNotFoundException,
    TooManyRequestsException,
};
use cumulet_api_lambda::types::ThrottleReason;
use cumulet_base::{Arn, Region};
use cumulet_service as service;

/// The service's errors. Messages are AWS's where they are known; the others say so by being in
/// this cloud's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// InvalidParameterValueException; the whole text.
    Invalid(String),
    /// A constraint of the model that AWS holds tighter than its model says.
    Constraint(String),
    /// No such function or version.
    NoFunction(Arn),
    /// No such alias.
    NoAlias(Arn),
    /// Something that belongs to a function is not there; the whole text.
    NotFound(String),
    /// The ARN names a function of another region.
    OtherRegion(String, Region),
    /// What is to be made is there already, or in use; the whole text.
    Conflict(String),
    /// The revision that the caller saw is not the latest.
    Revision,
    /// The event is no JSON; what is wrong with it.
    Content(String),
    /// The event is larger than that many bytes.
    TooLarge(usize),
    /// As many invocations run as may.
    Throttled(ThrottleReason),
}

impl Error {
    /// "The resource you requested does not exist."
    pub(crate) fn nothing_there() -> Self {
        Self::NotFound("The resource you requested does not exist.".to_owned())
    }

    /// The package is no zip that could be taken.
    pub(crate) fn bad_package() -> Self {
        Self::Invalid(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
                .to_owned(),
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) | Self::NotFound(text) | Self::Conflict(text) => f.write_str(text),
            Self::Constraint(text) => write!(f, "1 validation error detected: {text}"),
            Self::NoFunction(arn) => write!(f, "Function not found: {arn}"),
            Self::NoAlias(arn) => write!(f, "Cannot find alias arn: {arn}"),
            Self::OtherRegion(there, here) => {
                write!(f, "Functions from '{there}' are not reachable in this region ('{here}')")
            }
            Self::Revision => f.write_str(
                "The RevisionId provided does not match the latest RevisionId. Call the \
                 GetFunction/GetAlias API to retrieve the latest RevisionId.",
            ),
            Self::Content(why) => {
                write!(f, "Could not parse request body into json: {why}")
            }
            Self::TooLarge(limit) => {
                write!(
                    f,
                    "Request must be smaller than {limit} bytes for the InvokeFunction operation"
                )
            }
            Self::Throttled(_) => f.write_str("Rate Exceeded."),
        }
    }
}

impl std::error::Error for Error {}

/// An exception of the model, with the member by which SDKs tell whose fault it was.
macro_rules! exception {
    ($name:ident, $message:expr) => {
        service::Error::detailed(
            $message,
            $name { r#type: Some("User".to_owned()), ..$name::default() },
        )
    };
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(_) => exception!(InvalidParameterValueException, message),
            Error::Constraint(_) => Self::validation(message),
            Error::NoFunction(_)
            | Error::NoAlias(_)
            | Error::NotFound(_)
            | Error::OtherRegion(..) => exception!(ResourceNotFoundException, message),
            Error::Conflict(_) => exception!(ResourceConflictException, message),
            Error::Revision => exception!(PreconditionFailedException, message),
            Error::Content(_) => exception!(InvalidRequestContentException, message),
            Error::TooLarge(_) => exception!(RequestTooLargeException, message),
            Error::Throttled(reason) => Self::detailed(
                message,
                TooManyRequestsException {
                    r#type: Some("User".to_owned()),
                    reason: Some(reason),
                    ..TooManyRequestsException::default()
                },
            ),
        }
    }
}
