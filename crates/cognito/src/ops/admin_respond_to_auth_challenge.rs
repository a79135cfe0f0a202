//! AdminRespondToAuthChallenge: as RespondToAuthChallenge, from an application's own server.

use cumulet_api_cognito_idp::ops::{
    AdminRespondToAuthChallenge, AdminRespondToAuthChallengeRequest,
    AdminRespondToAuthChallengeResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::flow::{Parameters, SignIn, Step};

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<AdminRespondToAuthChallenge> for Cognito {
    async fn access(
        &self,
        cx: &Cx,
        input: &AdminRespondToAuthChallengeRequest,
    ) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminRespondToAuthChallenge", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminRespondToAuthChallengeRequest,
    ) -> Result<AdminRespondToAuthChallengeResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let client = store::client(&cx.store().snapshot(), &pool.place, &input.client_id).await?;
        let parameters = input.challenge_responses.unwrap_or_default();
        let sign_in = SignIn { cx, pool, client, admin: true, parameters };
        Ok(match self.respond(input.challenge_name, input.session.as_deref(), sign_in).await? {
            Step::Challenge { name, session, parameters } => AdminRespondToAuthChallengeResponse {
                challenge_name: Some(name),
                session,
                challenge_parameters: Some(parameters),
                ..AdminRespondToAuthChallengeResponse::default()
            },
            Step::Done(tokens) => AdminRespondToAuthChallengeResponse {
                challenge_parameters: Some(Parameters::new()),
                authentication_result: Some(*tokens),
                ..AdminRespondToAuthChallengeResponse::default()
            },
        })
    }
}
