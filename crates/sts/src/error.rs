//! STS's exceptions. Each message stands beside the check that raises it.

use cumulet_api_sts::errors;
use cumulet_service::Error as ServiceError;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What STS answers when it cannot do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    MalformedPolicyDocument(String),
    PackedPolicyTooLarge(String),
    /// Not of the model: a parameter that its rules cannot express.
    Validation(String),
    /// Not of the model: a parameter that does not fit the others.
    InvalidParameterValue(String),
    /// For reasons that no policy decides.
    AccessDenied(&'static str),
}

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::MalformedPolicyDocument(m) => {
                Self::modeled::<errors::MalformedPolicyDocumentException>(m)
            }
            Error::PackedPolicyTooLarge(m) => {
                Self::modeled::<errors::PackedPolicyTooLargeException>(m)
            }
            Error::Validation(m) => Self::validation(m),
            Error::InvalidParameterValue(m) => Self::custom("InvalidParameterValue", 400, m),
            Error::AccessDenied(m) => Self::access_denied(m),
        }
    }
}
