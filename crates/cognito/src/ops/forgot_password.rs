//! ForgotPassword: a code for a new password, to a verified address of the user's, at most five an hour.
//!
//! Where the client hides users, one who does not exist, or cannot be reached, gets an answer of the same
//! kind and limits. Refuses pools where only an administrator may reset a password.

use cumulet_api_cognito_idp::ops::{ForgotPassword, ForgotPasswordRequest, ForgotPasswordResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::model::User;

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::model::Status;
use crate::store;
use crate::tokens;

impl Handle<ForgotPassword> for Cognito {
    async fn access(&self, _: &Cx, _: &ForgotPasswordRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ForgotPasswordRequest,
    ) -> Result<ForgotPasswordResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret_hash(
            cx,
            &pool,
            &client,
            &[&input.username],
            input.secret_hash.as_deref(),
        )?;
        let wanted = pool.recovery();
        if wanted.is_empty() {
            return Err(Error::NotAuthorized("Contact administrator to reset password.").into());
        }
        let named = self.named(cx, &pool, &client, &input.username).await?;
        let user = named.user();
        let reachable = user.is_some_and(|user| Self::reachable(user, &wanted, true).is_some());
        if let Some(user) = user.filter(|_| !client.hides_users()) {
            if !user.enabled {
                return Err(Error::NotAuthorized("User is disabled.").into());
            }
            if user.status == Status::ForceChangePassword {
                let text = "User password cannot be reset in the current state.";
                return Err(Error::NotAuthorized(text).into());
            }
            if !reachable {
                let text = "Cannot reset password for the user as there is no registered/verified email or phone_number";
                return Err(Error::invalid(text).into());
            }
        }
        let may = |user: &User| user.enabled && user.status != Status::ForceChangePassword;
        let code = (Purpose::Password, user.is_some_and(may));
        let sent = self.send_or_pretend(cx, &pool, &named, code, (&wanted, true));
        Ok(ForgotPasswordResponse { code_delivery_details: Some(sent.await?) })
    }
}
