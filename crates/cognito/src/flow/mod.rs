//! Signing in: the flows of InitiateAuth and RespondToAuthChallenge, for users and administrators.
//!
//! What a client carries from one step to the next is sealed; each step can be taken once. A failed
//! attempt is counted before the password is looked at. Where the client's settings hide users, one
//! who does not exist fails as late, as slowly and in the same words as one whose password is wrong.

mod new_password;
mod password;
mod refresh;
mod srp;

use std::collections::BTreeMap;

use cumulet_api_cognito_idp::types::{
    AuthFlowType, AuthenticationResultType, ChallengeNameType, ExplicitAuthFlowsType as Flow,
};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::Tx;

use crate::Cognito;
use crate::error::Error;
use crate::model::{Status, User};
use crate::pool::{Client, Pool};
use crate::secrets;
use crate::store::{self, Subject};
use crate::sweep::take_once;
use crate::tokens::check_secret_hash;

/// Parameters of a flow, or answers to a challenge.
pub(crate) type Parameters = BTreeMap<String, String>;

/// What a step of a sign-in leads to.
#[derive(Debug)]
pub(crate) enum Step {
    /// A further step is asked for.
    Challenge { name: ChallengeNameType, session: Option<String>, parameters: Parameters },
    /// The user is signed in.
    Done(Box<AuthenticationResultType>),
}

/// One request of a sign-in.
#[derive(Debug)]
pub(crate) struct SignIn<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) pool: Pool,
    pub(crate) client: Client,
    /// Whether an administrator asks.
    pub(crate) admin: bool,
    pub(crate) parameters: Parameters,
}

impl SignIn<'_> {
    /// A parameter that must be there.
    fn required(&self, name: &str) -> Result<&str> {
        let value = self.parameters.get(name).map(String::as_str);
        Ok(value.ok_or_else(|| Error::invalid(format!("Missing required parameter {name}")))?)
    }

    fn check_secret_hash(&self, usernames: &[&str]) -> Result<()> {
        let given = self.parameters.get("SECRET_HASH").map(String::as_str);
        check_secret_hash(self.cx, &self.pool, &self.client, usernames, given)
    }

    /// What tickets of this sign-in are bound to.
    fn bound_to(&self) -> String {
        format!("{}/{}", self.pool.place.id, self.client.id)
    }

    /// When a ticket that is given now ends, in milliseconds.
    fn ticket_end(&self) -> i64 {
        self.cx.now().after(self.client.step_validity()).millis()
    }

    /// Refuses a ticket whose time is over.
    fn check_ticket_end(&self, until: i64) -> Result<()> {
        if self.cx.now().millis() < until {
            return Ok(());
        }
        Err(Error::NotAuthorized("Invalid session for the user, session is expired.").into())
    }
}

/// The user that a name leads to, or the hash of a name that leads to nobody.
pub(crate) enum Named {
    User(Box<User>),
    Nobody([u8; 32]),
}

impl Named {
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Nobody(_) => None,
        }
    }

    /// Stands for the name, the same on every try.
    pub(crate) fn hash(&self) -> [u8; 32] {
        match self {
            Self::User(user) => secrets::keyed_hash(user.sub.as_bytes(), &[]),
            Self::Nobody(hash) => *hash,
        }
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Self::User(user) => Subject::User(&user.sub),
            Self::Nobody(hash) => Subject::Nobody(hash),
        }
    }
}

impl Cognito {
    /// Whom a name leads to. Where the client does not hide users, nobody is an error.
    pub(crate) async fn named(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        name: &str,
    ) -> Result<Named> {
        match store::find_user(&cx.store().snapshot(), pool, name).await? {
            Some(user) => Ok(Named::User(Box::new(user))),
            None if client.hides_users() => {
                let seed = &self.keys.of(cx, pool)?.seed;
                let hash = secrets::keyed_hash(seed, &[b"name", pool.fold(name).as_bytes()]);
                Ok(Named::Nobody(hash))
            }
            None => Err(Error::UserNotFound.into()),
        }
    }

    /// Begins a flow.
    pub(crate) async fn initiate(&self, flow: AuthFlowType, sign_in: SignIn<'_>) -> Result<Step> {
        let (wanted, name): (&[Flow], _) = match flow {
            AuthFlowType::UserSrpAuth => (&[Flow::AllowUserSrpAuth], "USER_SRP_AUTH"),
            AuthFlowType::UserPasswordAuth if !sign_in.admin => {
                (&[Flow::AllowUserPasswordAuth, Flow::UserPasswordAuth], "USER_PASSWORD_AUTH")
            }
            AuthFlowType::AdminUserPasswordAuth | AuthFlowType::AdminNoSrpAuth if sign_in.admin => {
                (&[Flow::AllowAdminUserPasswordAuth, Flow::AdminNoSrpAuth], "Auth")
            }
            AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
                (&[Flow::AllowRefreshTokenAuth], "REFRESH_TOKEN_AUTH")
            }
            AuthFlowType::CustomAuth => {
                (&[Flow::AllowCustomAuth, Flow::CustomAuthFlowOnly], "CUSTOM_AUTH")
            }
            AuthFlowType::UserAuth => (&[Flow::AllowUserAuth], "USER_AUTH"),
            _ => return Err(Error::invalid("Initiate Auth method not supported.").into()),
        };
        if !sign_in.client.allows(wanted) {
            let text = format!("{name} flow not enabled for this client");
            return Err(Error::invalid(text).into());
        }
        match flow {
            AuthFlowType::UserSrpAuth => self.begin_srp(&sign_in).await,
            AuthFlowType::RefreshTokenAuth | AuthFlowType::RefreshToken => {
                self.refresh(&sign_in).await
            }
            AuthFlowType::CustomAuth => Err(Error::invalid(
                "Custom auth lambda trigger is not configured for the user pool.",
            )
            .into()),
            AuthFlowType::UserAuth => {
                Err(ServiceError::not_implemented("cognito-idp", "InitiateAuth with USER_AUTH"))
            }
            _ => self.with_password(&sign_in).await,
        }
    }

    /// Takes the answer to a challenge.
    pub(crate) async fn respond(
        &self,
        challenge: ChallengeNameType,
        session: Option<&str>,
        sign_in: SignIn<'_>,
    ) -> Result<Step> {
        match challenge {
            ChallengeNameType::PasswordVerifier => self.verify_srp(&sign_in).await,
            ChallengeNameType::NewPasswordRequired => self.new_password(session, &sign_in).await,
            other => Err(ServiceError::not_implemented(
                "cognito-idp",
                &format!("RespondToAuthChallenge with {other}"),
            )),
        }
    }

    /// Counts an attempt as failed, and takes the step of `nonce` if there is one, in one
    /// transaction: with a user or without, it costs one write.
    async fn begin_attempt(
        &self,
        sign_in: &SignIn<'_>,
        subject: &Subject<'_>,
        step: Option<(&str, i64)>,
    ) -> Result<()> {
        let (at, now) = (&sign_in.pool.place, sign_in.cx.now().millis());
        sign_in
            .cx
            .store()
            .transact(|tx: Tx| async move {
                if let Some((nonce, until)) = step {
                    take_once(&tx, nonce, until).await?;
                }
                let mut trials = subject.trials(&tx, at).await?;
                trials.begin_sign_in(now)?;
                subject.put(&tx, at, &trials);
                Ok::<_, ServiceError>(())
            })
            .await
    }

    /// The password was right: what the user's state allows.
    async fn admit(&self, sign_in: &SignIn<'_>, user: &User) -> Result<Step> {
        let SignIn { cx, pool, client, .. } = sign_in;
        if !user.enabled {
            return Err(Error::NotAuthorized("User is disabled.").into());
        }
        match user.status {
            Status::Unconfirmed => Err(Error::UserNotConfirmed.into()),
            Status::ResetRequired => Err(Error::PasswordResetRequired.into()),
            Status::ForceChangePassword => {
                if user.temporary_until.is_some_and(|until| cx.now().millis() >= until) {
                    return Err(Error::NotAuthorized(
                        "Temporary password has expired and must be reset by an administrator.",
                    )
                    .into());
                }
                Self::ask_new_password(sign_in, user)
            }
            Status::Confirmed => {
                let tokens = self.open_session(cx, pool, client, user).await?;
                Ok(Step::Done(Box::new(tokens)))
            }
        }
    }
}
