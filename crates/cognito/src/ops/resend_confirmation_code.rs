//! ResendConfirmationCode: another code for a user who has not confirmed his sign-up, at most five an hour.
//!
//! Where the client hides users, one who does not exist gets an answer of the same kind and limits.

use cumulet_api_cognito_idp::ops::{
    ResendConfirmationCode, ResendConfirmationCodeRequest, ResendConfirmationCodeResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::model::Status;
use crate::store;
use crate::tokens;

impl Handle<ResendConfirmationCode> for Cognito {
    async fn access(&self, _: &Cx, _: &ResendConfirmationCodeRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ResendConfirmationCodeRequest,
    ) -> Result<ResendConfirmationCodeResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret_hash(
            cx,
            &pool,
            &client,
            &[&input.username],
            input.secret_hash.as_deref(),
        )?;
        let named = self.named(cx, &pool, &client, &input.username).await?;
        let wanted: Vec<&'static str> =
            ["phone_number", "email"].into_iter().filter(|name| pool.auto_verifies(name)).collect();
        let confirmed = named.user().is_some_and(|user| user.status != Status::Unconfirmed);
        if confirmed && !client.hides_users() {
            return Err(Error::invalid("User is already confirmed.").into());
        }
        let code = (Purpose::SignUp, !confirmed);
        let sent = self.send_or_pretend(cx, &pool, &named, code, (&wanted, false));
        Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(sent.await?) })
    }
}
