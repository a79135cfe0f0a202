//! The service in a cloud of its own: what its operations do together.

mod account;
mod admin;
mod attacks;
mod sign_in;
mod srp_client;
mod stack;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cumulet_api_cognito_idp::ops::*;
use cumulet_api_cognito_idp::types::*;
use cumulet_base::{AccountId, Limits, ManualClock, RandomIds, Timestamp};
use cumulet_mail::{Mail, Unconfigured};
use cumulet_service::{
    Access, Authorizer, BoxFuture, Cloud, Credentials, Cx, Error, Found, Parts, Principal, Result,
};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;

use crate::Cognito;
use srp_client::Client;

/// Root may all, nobody else anything.
struct Doorman;

impl Authorizer for Doorman {
    fn authorize<'a>(&'a self, cx: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match cx.principal() {
                Principal::Root { .. } => Ok(()),
                _ => Err(Error::access_denied(access.action.to_string())),
            }
        })
    }
}

impl Credentials for Doorman {
    fn find<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async { Ok(Found::UnknownKey) })
    }
}

/// A cloud with this one service.
pub(super) struct World {
    pub(super) cx: Cx,
    pub(super) mail: Arc<Mail>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) cognito: Arc<Cognito>,
    _folder: tempfile::TempDir,
}

pub(super) const PASSWORD: &str = "Corr3ct-horse";

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Unconfigured::Mailbox).await
    }

    pub(super) async fn with(unconfigured: Unconfigured) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_222_923)));
        let sealer = Arc::new(Sealer::new(&[5; 32]));
        let mail = Mail::new(store.clone(), Arc::clone(&sealer), clock.clone(), unconfigured);
        let cognito = Cognito::new(Arc::clone(&mail), None);
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer,
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            limits: Limits::default(),
            account: AccountId::DEFAULT,
            region: "eu-west-1".parse().unwrap(),
            authorizer: Arc::new(Doorman),
            credentials: Arc::new(Doorman),
        };
        let cloud = Cloud::new(parts, vec![cognito.clone()]);
        let root = Principal::Root { account: AccountId::DEFAULT.as_str().to_owned() };
        Self { cx: cloud.context(root), mail, clock, cognito, _folder: folder }
    }

    /// A request without a signature.
    pub(super) fn anyone(&self) -> Cx {
        self.cx.acting_as(Principal::Anonymous)
    }

    pub(super) async fn pool(&self, change: impl FnOnce(&mut CreateUserPoolRequest)) -> String {
        let mut input = CreateUserPoolRequest {
            pool_name: "people".into(),
            auto_verified_attributes: Some(vec![VerifiedAttributeType::Email]),
            ..CreateUserPoolRequest::default()
        };
        change(&mut input);
        self.cx.call::<CreateUserPool>(input).await.unwrap().user_pool.unwrap().id.unwrap()
    }

    /// A client with all flows that hides users.
    pub(super) async fn client(
        &self,
        pool: &str,
        change: impl FnOnce(&mut CreateUserPoolClientRequest),
    ) -> UserPoolClientType {
        let mut input = CreateUserPoolClientRequest {
            user_pool_id: pool.to_owned(),
            client_name: "web".into(),
            explicit_auth_flows: Some(vec![
                ExplicitAuthFlowsType::AllowUserSrpAuth,
                ExplicitAuthFlowsType::AllowUserPasswordAuth,
                ExplicitAuthFlowsType::AllowAdminUserPasswordAuth,
                ExplicitAuthFlowsType::AllowRefreshTokenAuth,
            ]),
            prevent_user_existence_errors: Some(PreventUserExistenceErrorTypes::Enabled),
            ..CreateUserPoolClientRequest::default()
        };
        change(&mut input);
        self.cx.call::<CreateUserPoolClient>(input).await.unwrap().user_pool_client.unwrap()
    }

    /// A confirmed user with a verified address.
    pub(super) async fn user(&self, pool: &str, name: &str, email: &str) {
        let input = AdminCreateUserRequest {
            user_pool_id: pool.to_owned(),
            username: name.to_owned(),
            user_attributes: Some(attributes(&[("email", email), ("email_verified", "true")])),
            message_action: Some(MessageActionType::Suppress),
            ..AdminCreateUserRequest::default()
        };
        self.cx.call::<AdminCreateUser>(input).await.unwrap();
        let input = AdminSetUserPasswordRequest {
            user_pool_id: pool.to_owned(),
            username: name.to_owned(),
            password: PASSWORD.to_owned(),
            permanent: Some(true),
        };
        self.cx.call::<AdminSetUserPassword>(input).await.unwrap();
    }

    pub(super) async fn sign_up(
        &self,
        client: &str,
        name: &str,
        email: &str,
    ) -> Result<SignUpResponse> {
        let input = SignUpRequest {
            client_id: client.to_owned(),
            username: name.to_owned(),
            password: Some(PASSWORD.to_owned()),
            user_attributes: Some(attributes(&[("email", email)])),
            ..SignUpRequest::default()
        };
        self.anyone().call::<SignUp>(input).await
    }

    /// The code in the newest message.
    pub(super) async fn code(&self) -> String {
        let newest = self.mail.mailbox().await.unwrap().remove(0);
        let digits: String = newest.message.body.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits.len(), 6, "{}", newest.message.body);
        digits
    }

    pub(super) async fn by_password(
        &self,
        client: &str,
        name: &str,
        password: &str,
    ) -> Result<InitiateAuthResponse> {
        let input = InitiateAuthRequest {
            auth_flow: AuthFlowType::UserPasswordAuth,
            client_id: client.to_owned(),
            auth_parameters: Some(parameters(&[("USERNAME", name), ("PASSWORD", password)])),
            ..InitiateAuthRequest::default()
        };
        self.anyone().call::<InitiateAuth>(input).await
    }

    pub(super) async fn tokens(&self, client: &str, name: &str) -> AuthenticationResultType {
        self.by_password(client, name, PASSWORD).await.unwrap().authentication_result.unwrap()
    }

    pub(super) async fn initiate_srp(
        &self,
        client: &str,
        name: &str,
        a: &str,
    ) -> Result<BTreeMap<String, String>> {
        let input = InitiateAuthRequest {
            auth_flow: AuthFlowType::UserSrpAuth,
            client_id: client.to_owned(),
            auth_parameters: Some(parameters(&[("USERNAME", name), ("SRP_A", a)])),
            ..InitiateAuthRequest::default()
        };
        let answer = self.anyone().call::<InitiateAuth>(input).await?;
        assert_eq!(answer.challenge_name, Some(ChallengeNameType::PasswordVerifier));
        Ok(answer.challenge_parameters.unwrap())
    }

    pub(super) async fn respond(
        &self,
        client: &str,
        challenge: ChallengeNameType,
        session: Option<String>,
        answers: BTreeMap<String, String>,
    ) -> Result<RespondToAuthChallengeResponse> {
        let input = RespondToAuthChallengeRequest {
            client_id: client.to_owned(),
            challenge_name: challenge,
            session,
            challenge_responses: Some(answers),
            ..RespondToAuthChallengeRequest::default()
        };
        self.anyone().call::<RespondToAuthChallenge>(input).await
    }

    /// A whole sign-in over SRP.
    pub(super) async fn by_srp(
        &self,
        pool: &str,
        client: &str,
        name: &str,
        password: &str,
    ) -> Result<RespondToAuthChallengeResponse> {
        let srp = Client::new(pool);
        let challenge = self.initiate_srp(client, name, &srp.public()).await?;
        let answers = srp.answer(&challenge, password, &self.srp_time());
        self.respond(client, ChallengeNameType::PasswordVerifier, None, answers).await
    }

    /// The clock as SRP clients spell it.
    pub(super) fn srp_time(&self) -> String {
        srp_client::spelled(self.cx.now())
    }

    pub(super) async fn me(&self, token: &str) -> Result<GetUserResponse> {
        let input = GetUserRequest { access_token: token.to_owned() };
        self.anyone().call::<GetUser>(input).await
    }

    pub(super) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) fn attributes(list: &[(&str, &str)]) -> Vec<AttributeType> {
    let one = |(name, value): &(&str, &str)| AttributeType {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    };
    list.iter().map(one).collect()
}

pub(super) fn parameters(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Code and message of a refusal.
pub(super) fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    let error = result.unwrap_err();
    (error.code.into_owned(), error.message)
}

/// A token's claims, unverified.
pub(super) fn claims(token: &str) -> serde_json::Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&text).unwrap()
}
