//! IAM's exceptions. Each message stands beside the check that raises it.

use cumulet_api_iam::errors;
use cumulet_service::Error as ServiceError;
use cumulet_store::StoreError;
use cumulet_store::names::ClaimError;

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What IAM answers when it cannot do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    NoSuchEntity(String),
    EntityAlreadyExists(String),
    DeleteConflict(&'static str),
    LimitExceeded(String),
    InvalidInput(String),
    MalformedPolicyDocument(String),
    UnmodifiableEntity(String),
    /// Not of the model: a parameter that its rules cannot express.
    Validation(String),
    Store(StoreError),
    /// This cloud's fault; the cause is for the log.
    Internal(String),
}

impl From<StoreError> for Error {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl From<ClaimError> for Error {
    fn from(why: ClaimError) -> Self {
        match why {
            ClaimError::Store(why) => Self::Store(why),
            taken @ ClaimError::Taken(_) => Self::Internal(taken.to_string()),
        }
    }
}

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchEntity(m) => Self::modeled::<errors::NoSuchEntityException>(m),
            Error::EntityAlreadyExists(m) => {
                Self::modeled::<errors::EntityAlreadyExistsException>(m)
            }
            Error::DeleteConflict(m) => Self::modeled::<errors::DeleteConflictException>(m),
            Error::LimitExceeded(m) => Self::modeled::<errors::LimitExceededException>(m),
            Error::InvalidInput(m) => Self::modeled::<errors::InvalidInputException>(m),
            Error::MalformedPolicyDocument(m) => {
                Self::modeled::<errors::MalformedPolicyDocumentException>(m)
            }
            Error::UnmodifiableEntity(m) => Self::modeled::<errors::UnmodifiableEntityException>(m),
            Error::Validation(m) => Self::validation(m),
            Error::Store(why) => why.into(),
            Error::Internal(cause) => Self::internal(cause),
        }
    }
}
