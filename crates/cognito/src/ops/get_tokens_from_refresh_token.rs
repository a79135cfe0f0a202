//! GetTokensFromRefreshToken: new access and ID tokens, and a new refresh token where they rotate.
//!
//! A replaced refresh token is taken for the client's grace period, then refused
//! (RefreshTokenReuseException).

use cumulet_api_cognito_idp::ops::{
    GetTokensFromRefreshToken, GetTokensFromRefreshTokenRequest, GetTokensFromRefreshTokenResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;
use crate::tokens;

impl Handle<GetTokensFromRefreshToken> for Cognito {
    async fn access(&self, _: &Cx, _: &GetTokensFromRefreshTokenRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetTokensFromRefreshTokenRequest,
    ) -> Result<GetTokensFromRefreshTokenResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret(cx, &pool, &client, input.client_secret.as_deref())?;
        let tokens = self.tokens_from(cx, &pool, &client, &input.refresh_token).await?;
        Ok(GetTokensFromRefreshTokenResponse { authentication_result: Some(tokens) })
    }
}
