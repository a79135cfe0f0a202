//! InitiateAuth: begins a sign-in, or refreshes one.
//!
//! USER_SRP_AUTH, USER_PASSWORD_AUTH and REFRESH_TOKEN_AUTH, each where the client allows it; see `flow`.
//! Not here: USER_AUTH (501 by name). CUSTOM_AUTH wants a trigger, and pools here have none.

use cumulet_api_cognito_idp::ops::{InitiateAuth, InitiateAuthRequest, InitiateAuthResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::flow::{Parameters, SignIn, Step};

use crate::Cognito;
use crate::store;

impl Handle<InitiateAuth> for Cognito {
    async fn access(&self, _: &Cx, _: &InitiateAuthRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: InitiateAuthRequest) -> Result<InitiateAuthResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        let parameters = input.auth_parameters.unwrap_or_default();
        let sign_in = SignIn { cx, pool, client, admin: false, parameters };
        Ok(match self.initiate(input.auth_flow, sign_in).await? {
            Step::Challenge { name, session, parameters } => InitiateAuthResponse {
                challenge_name: Some(name),
                session,
                challenge_parameters: Some(parameters),
                ..InitiateAuthResponse::default()
            },
            Step::Done(tokens) => InitiateAuthResponse {
                challenge_parameters: Some(Parameters::new()),
                authentication_result: Some(*tokens),
                ..InitiateAuthResponse::default()
            },
        })
    }
}
