//! What CloudFormation refuses, in its words.

use std::fmt;

use cumulet_api_cloudformation::errors::{
    AlreadyExistsException, ChangeSetNotFoundException, InsufficientCapabilitiesException,
    InvalidChangeSetStatusException,
};
use cumulet_service as service;

/// The service's errors. AWS documents few of the messages; the texts are those that its answers
/// show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Error {
    /// A rule that is checked in one place, which has the text.
    Validation(String),
    /// No stack of this name or id.
    NoStack(String),
    /// No change set of this name or ARN.
    NoChangeSet(String),
    /// There is a stack of this name.
    StackExists(String),
    /// The template does what the caller did not acknowledge; the capabilities.
    Capabilities(String),
    /// The change set cannot be executed or deleted now.
    ChangeSetStatus(String),
}

impl Error {
    /// A rule with its text.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Validation(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Validation(text) | Self::ChangeSetStatus(text) => f.write_str(text),
            Self::NoStack(name) => write!(f, "Stack with id {name} does not exist"),
            Self::NoChangeSet(name) => write!(f, "ChangeSet [{name}] does not exist"),
            Self::StackExists(name) => write!(f, "Stack [{name}] already exists"),
            Self::Capabilities(wanted) => write!(f, "Requires capabilities : [{wanted}]"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Validation(_) | Error::NoStack(_) => {
                Self::custom("ValidationError", 400, message)
            }
            Error::NoChangeSet(_) => Self::modeled::<ChangeSetNotFoundException>(message),
            Error::StackExists(_) => Self::modeled::<AlreadyExistsException>(message),
            Error::Capabilities(_) => Self::modeled::<InsufficientCapabilitiesException>(message),
            Error::ChangeSetStatus(_) => Self::modeled::<InvalidChangeSetStatusException>(message),
        }
    }
}

impl From<cumulet_template::Error> for Error {
    fn from(error: cumulet_template::Error) -> Self {
        Self::Validation(error.to_string())
    }
}
