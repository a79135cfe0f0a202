//! AdminInitiateAuth: begins a sign-in from an application's own server.
//!
//! As InitiateAuth, with ADMIN_USER_PASSWORD_AUTH in place of USER_PASSWORD_AUTH.

use cumulet_api_cognito_idp::ops::{
    AdminInitiateAuth, AdminInitiateAuthRequest, AdminInitiateAuthResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::flow::{Parameters, SignIn, Step};

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<AdminInitiateAuth> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminInitiateAuthRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminInitiateAuth", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminInitiateAuthRequest,
    ) -> Result<AdminInitiateAuthResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let client = store::client(&cx.store().snapshot(), &pool.place, &input.client_id).await?;
        let parameters = input.auth_parameters.unwrap_or_default();
        let sign_in = SignIn { cx, pool, client, admin: true, parameters };
        Ok(match self.initiate(input.auth_flow, sign_in).await? {
            Step::Challenge { name, session, parameters } => AdminInitiateAuthResponse {
                challenge_name: Some(name),
                session,
                challenge_parameters: Some(parameters),
                ..AdminInitiateAuthResponse::default()
            },
            Step::Done(tokens) => AdminInitiateAuthResponse {
                challenge_parameters: Some(Parameters::new()),
                authentication_result: Some(*tokens),
                ..AdminInitiateAuthResponse::default()
            },
        })
    }
}
