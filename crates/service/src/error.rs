//! What a service answers when it cannot do what it was asked.

use std::borrow::Cow;
use std::fmt;

use cumulet_auth::sigv4::{BodyFault, Described, Family};
use cumulet_base::BodyError;
use cumulet_shape::{AnyShape, Exception, Faults, ReadError};
use cumulet_store::StoreError;

/// An AWS error on its way to the caller. `wire` spells it in the caller's protocol.
#[derive(Debug)]
pub struct Error {
    /// The code: `ResourceNotFoundException`, `NoSuchEntity`.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// Whether this cloud is at fault and not the caller.
    pub fault: bool,
    /// What a person reads.
    pub message: String,
    /// Whose error it is: decides its namespace in awsJson 1.0.
    pub origin: Origin,
    /// The exception's members beside the message.
    pub detail: Option<Box<dyn AnyShape>>,
    /// The member that carries the message, as the model spells it.
    pub message_member: &'static str,
    /// S3: more elements of the answer.
    pub elements: Vec<(&'static str, String)>,
    /// More headers of the answer, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// What happened, for the log only: never sent.
    pub cause: Option<String>,
}

/// Who raised an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The service: an exception of its model.
    Model,
    /// The validator.
    Validate,
    /// The framework in front of every service: authorization, decoding.
    Framework,
    /// The framework's authentication, whose codes are spelled for the protocol already.
    Signature,
}

impl Error {
    fn framework(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            status,
            fault: status >= 500,
            message: message.into(),
            origin: Origin::Framework,
            detail: None,
            message_member: "message",
            elements: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// An exception of a service's model that has no members beside the message.
    pub fn modeled<E: Exception>(message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(E::META.code),
            status: E::META.status,
            fault: E::META.fault,
            message: message.into(),
            origin: Origin::Model,
            detail: None,
            message_member: E::META.message_member,
            elements: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// An exception of a service's model with its members; `exception` leaves its message empty.
    pub fn detailed<E: Exception>(message: impl Into<String>, exception: E) -> Self {
        Self { detail: Some(Box::new(exception)), ..Self::modeled::<E>(message) }
    }

    /// A code and message that the model does not list, such as S3's or the query protocol's.
    pub fn custom(
        code: impl Into<Cow<'static, str>>,
        status: u16,
        message: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), origin: Origin::Model, ..Self::framework("", status, message) }
    }

    /// `ValidationException`, 400.
    pub fn validation(message: impl Into<String>) -> Self {
        Self { origin: Origin::Validate, ..Self::framework("ValidationException", 400, message) }
    }

    /// The input breaks constraints of the model.
    pub fn faults(faults: &Faults) -> Self {
        Self::validation(faults.to_string())
    }

    /// A refusal by the signature's rules, spelled for the caller's protocol already.
    pub fn signature(described: Described) -> Self {
        let Described { status, code, message, details } = described;
        let error = Self::framework(code, status, message);
        // The name of an error is final here: the protocols' own spelling is in it.
        Self { origin: Origin::Signature, elements: details, ..error }
    }

    /// A request's body that broke off, was too long, or was not what its head promised.
    pub fn body(error: &BodyError, family: Family) -> Self {
        if let Some(fault) = BodyFault::of(error) {
            return Self::signature(fault.describe(family));
        }
        match error {
            BodyError::TooLarge(limit) => {
                let words = format!("The request body is longer than {limit} bytes.");
                Self::custom("RequestEntityTooLarge", 413, words)
            }
            BodyError::Broken(_) | BodyError::Refused(_) => {
                Self::custom("IncompleteBody", 400, "The request body broke off.").because(error)
            }
        }
    }

    /// `AccessDeniedException`, the shape that each protocol's access errors derive from.
    pub fn access_denied(message: impl Into<String>) -> Self {
        let error = Self::framework("AccessDeniedException", 400, message);
        Self { message_member: "Message", ..error }
    }

    /// The message cannot be read: `SerializationException`, 400.
    pub fn unreadable(why: &ReadError) -> Self {
        let error = Self::framework("SerializationException", 400, why.to_string());
        Self { message_member: "Message", ..error }
    }

    /// Nobody knows the operation: `UnknownOperationException`, 400. `message` is empty where the
    /// protocol's services give none.
    pub fn unknown_operation(message: impl Into<String>) -> Self {
        Self::framework("UnknownOperationException", 400, message)
    }

    /// The operation is AWS's, but not yet this cloud's: 501, by name. Not 500: SDKs retry that.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        let message = format!("Cumulet does not implement {service}:{operation}.");
        Self::framework("NotImplementedException", 501, message)
    }

    /// Something in this cloud broke. `cause` goes to the log, the caller learns nothing of it.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let error = Self::framework("InternalServerError", 500, "Internal server error");
        Self { cause: Some(cause.to_string()), ..error }
    }

    /// The service cannot answer now; the caller should try again.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let error = Self::framework("ServiceUnavailable", 503, "The service is unavailable.");
        Self { cause: Some(cause.to_string()), ..error }
    }

    /// The same error, with a reason for the log.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.message)?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, " [{cause}]"))
    }
}

impl std::error::Error for Error {}
