//! The control plane's errors. Both APIs have the same exceptions under the same names.

use std::fmt;

use cumulet_service as service;
use cumulet_store::StoreError;

/// Why an operation is refused.
#[derive(Debug, Clone)]
pub(crate) enum Error {
    /// `NotFoundException`.
    NotFound(String),
    /// `BadRequestException`.
    BadRequest(String),
    /// `ConflictException`.
    Conflict(String),
    /// AWS has it, this cloud not yet: 501.
    NotHere(&'static str),
    /// The store failed, or a record could not be read.
    Broken(String),
    /// The store cannot answer.
    Store(StoreError),
}

impl Error {
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::BadRequest(text.into())
    }

    /// As apigatewayv2 words it.
    pub(crate) fn no(kind: &str, id: &str) -> Self {
        Self::NotFound(format!("Invalid {kind} identifier specified {id}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(text)
            | Self::BadRequest(text)
            | Self::Conflict(text)
            | Self::Broken(text) => f.write_str(text),
            Self::NotHere(what) => f.write_str(what),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What carrying members between types raises.
impl From<service::Error> for Error {
    fn from(error: service::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        use cumulet_api_apigatewayv2::errors as v2;
        match error {
            Error::NotFound(text) => Self::modeled::<v2::NotFoundException>(text),
            Error::BadRequest(text) => Self::modeled::<v2::BadRequestException>(text),
            Error::Conflict(text) => Self::modeled::<v2::ConflictException>(text),
            Error::NotHere(what) => Self::not_implemented("apigateway", what),
            Error::Broken(why) => Self::internal(why),
            Error::Store(error) => error.into(),
        }
    }
}
