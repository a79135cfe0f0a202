//! RespondToAuthChallenge: the next step of a sign-in.
//!
//! PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED; see `flow`. Each step can be taken once. The other
//! challenges are never asked here, and answering them is 501 by name.

use cumulet_api_cognito_idp::ops::{
    RespondToAuthChallenge, RespondToAuthChallengeRequest, RespondToAuthChallengeResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::flow::{Parameters, SignIn, Step};

use crate::Cognito;
use crate::store;

impl Handle<RespondToAuthChallenge> for Cognito {
    async fn access(&self, _: &Cx, _: &RespondToAuthChallengeRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: RespondToAuthChallengeRequest,
    ) -> Result<RespondToAuthChallengeResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        let parameters = input.challenge_responses.unwrap_or_default();
        let sign_in = SignIn { cx, pool, client, admin: false, parameters };
        Ok(match self.respond(input.challenge_name, input.session.as_deref(), sign_in).await? {
            Step::Challenge { name, session, parameters } => RespondToAuthChallengeResponse {
                challenge_name: Some(name),
                session,
                challenge_parameters: Some(parameters),
                ..RespondToAuthChallengeResponse::default()
            },
            Step::Done(tokens) => RespondToAuthChallengeResponse {
                challenge_parameters: Some(Parameters::new()),
                authentication_result: Some(*tokens),
                ..RespondToAuthChallengeResponse::default()
            },
        })
    }
}
