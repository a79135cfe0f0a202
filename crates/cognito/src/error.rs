//! What Cognito refuses, in its words.

use cumulet_api_cognito_idp::errors as aws;
use cumulet_mail::MailError;
use cumulet_service as service;

/// The service's errors. Messages are AWS's where they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A rule that is checked in one place, which has the text.
    InvalidParameter(String),
    /// Who asks has not shown that he may; the text says what lacks.
    NotAuthorized(&'static str),
    /// A secret hash that is not the client's.
    SecretHash(String),
    /// A secret hash that a client must send and did not.
    NoSecretHash(String),
    /// An attribute that cannot be changed.
    AttributeFixed(String),
    /// There is no such pool, client or group; the whole text.
    ResourceNotFound(String),
    /// There is no such user, and the caller may know.
    UserNotFound,
    /// The name is taken; the whole text.
    UsernameExists(&'static str),
    /// The e-mail address, phone number or preferred name belongs to another user.
    AliasExists(&'static str),
    /// The group's name is taken.
    GroupExists,
    /// A code that was not sent.
    CodeMismatch,
    /// A code that no longer holds, or never did.
    ExpiredCode,
    /// Too many codes asked for, or too many guesses.
    LimitExceeded,
    /// Another limit; the whole text.
    Quota(&'static str),
    /// The password breaks the pool's policy.
    InvalidPassword(&'static str),
    /// The password was used before.
    PasswordHistory,
    /// The user has not confirmed his address.
    UserNotConfirmed,
    /// The user must choose a new password first.
    PasswordResetRequired,
    /// The operation does not fit the user's state.
    UnsupportedUserState(&'static str),
    /// No code can be sent.
    CodeDelivery,
    /// Too many requests wait for the same thing.
    TooManyRequests,
    /// A refresh token that was replaced.
    RefreshTokenReuse,
    /// A token of another kind.
    UnsupportedTokenType,
    /// The client does not do this.
    UnsupportedOperation(&'static str),
}

impl Error {
    /// A name or password that is not right, in the words that do not say which.
    pub(crate) const fn credentials() -> Self {
        Self::NotAuthorized("Incorrect username or password.")
    }

    /// `InvalidParameterException` with this text.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidParameter(text.into())
    }

    pub(crate) fn no_pool(id: &str) -> Self {
        Self::ResourceNotFound(format!("User pool {id} does not exist."))
    }

    pub(crate) fn no_client(id: &str) -> Self {
        Self::ResourceNotFound(format!("User pool client {id} does not exist."))
    }
}

impl From<Error> for service::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidParameter(text) => Self::modeled::<aws::InvalidParameterException>(text),
            Error::NotAuthorized(text) => Self::modeled::<aws::NotAuthorizedException>(text),
            Error::SecretHash(client) => Self::modeled::<aws::NotAuthorizedException>(format!(
                "Unable to verify secret hash for client {client}"
            )),
            Error::NoSecretHash(client) => Self::modeled::<aws::NotAuthorizedException>(format!(
                "Client {client} is configured with secret but SECRET_HASH was not received"
            )),
            Error::AttributeFixed(name) => Self::modeled::<aws::NotAuthorizedException>(format!(
                "{name}: Attribute cannot be updated."
            )),
            Error::ResourceNotFound(text) => Self::modeled::<aws::ResourceNotFoundException>(text),
            Error::UserNotFound => {
                Self::modeled::<aws::UserNotFoundException>("User does not exist.")
            }
            Error::UsernameExists(text) => Self::modeled::<aws::UsernameExistsException>(text),
            Error::AliasExists(text) => Self::modeled::<aws::AliasExistsException>(text),
            Error::GroupExists => {
                Self::modeled::<aws::GroupExistsException>("A group with the name already exists.")
            }
            Error::CodeMismatch => Self::modeled::<aws::CodeMismatchException>(
                "Invalid verification code provided, please try again.",
            ),
            Error::ExpiredCode => Self::modeled::<aws::ExpiredCodeException>(
                "Invalid code provided, please request a code again.",
            ),
            Error::LimitExceeded => Self::modeled::<aws::LimitExceededException>(
                "Attempt limit exceeded, please try after some time.",
            ),
            Error::Quota(text) => Self::modeled::<aws::LimitExceededException>(text),
            Error::InvalidPassword(text) => Self::modeled::<aws::InvalidPasswordException>(
                format!("Password did not conform with policy: {text}"),
            ),
            Error::PasswordHistory => {
                Self::modeled::<aws::PasswordHistoryPolicyViolationException>(
                    "Password has previously been used",
                )
            }
            Error::UserNotConfirmed => {
                Self::modeled::<aws::UserNotConfirmedException>("User is not confirmed.")
            }
            Error::PasswordResetRequired => Self::modeled::<aws::PasswordResetRequiredException>(
                "Password reset required for the user",
            ),
            Error::UnsupportedUserState(text) => {
                Self::modeled::<aws::UnsupportedUserStateException>(text)
            }
            Error::CodeDelivery => Self::modeled::<aws::CodeDeliveryFailureException>(
                "The code cannot be delivered: no mail server is configured.",
            ),
            Error::TooManyRequests => {
                Self::modeled::<aws::TooManyRequestsException>("Too many requests")
            }
            Error::RefreshTokenReuse => Self::modeled::<aws::RefreshTokenReuseException>(
                "Refresh token has been invalidated by rotation.",
            ),
            Error::UnsupportedTokenType => {
                Self::modeled::<aws::UnsupportedTokenTypeException>("Unsupported token type")
            }
            Error::UnsupportedOperation(text) => {
                Self::modeled::<aws::UnsupportedOperationException>(text)
            }
        }
    }
}

/// What a transaction that sends a message ends with.
pub(crate) fn mail(error: MailError) -> service::Error {
    match error {
        MailError::Store(why) => why.into(),
        MailError::NotConfigured | MailError::Full => {
            service::Error::from(Error::CodeDelivery).because(error)
        }
        other => service::Error::internal(other),
    }
}
