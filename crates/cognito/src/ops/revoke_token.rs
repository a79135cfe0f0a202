//! RevokeToken: ends the session of a refresh token, durably: it and the access tokens issued with it are
//! taken no more.
//!
//! Refuses access and ID tokens, and clients whose tokens cannot be revoked. A token that is none is no
//! error (RFC 7009 section 2.2).

use cumulet_api_cognito_idp::ops::{RevokeToken, RevokeTokenRequest, RevokeTokenResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::error::Error;
use crate::store;
use crate::tokens;

impl Handle<RevokeToken> for Cognito {
    async fn access(&self, _: &Cx, _: &RevokeTokenRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: RevokeTokenRequest) -> Result<RevokeTokenResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret(cx, &pool, &client, input.client_secret.as_deref())?;
        if !client.revokes() {
            let text = "Token revocation is disabled for this client.";
            return Err(Error::UnsupportedOperation(text).into());
        }
        // Access and ID tokens have three parts.
        if input.token.split('.').count() == 3 {
            return Err(Error::UnsupportedTokenType.into());
        }
        self.revoke(cx, &pool, &client, &input.token).await?;
        Ok(RevokeTokenResponse {})
    }
}
