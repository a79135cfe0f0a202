//! ChangePassword: a signed-in user sets a new password, knowing the old one.
//!
//! Wrong old passwords count as failed sign-ins. Sessions go on.

use cumulet_api_cognito_idp::ops::{ChangePassword, ChangePasswordRequest, ChangePasswordResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::error::Error;
use crate::users::change;

impl Handle<ChangePassword> for Cognito {
    async fn access(&self, _: &Cx, _: &ChangePasswordRequest) -> Result<Vec<Access>> {
        // The access token says who asks; IAM has no say.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ChangePasswordRequest,
    ) -> Result<ChangePasswordResponse> {
        let bearer = self.bearer(cx, &input.access_token).await?;
        let (pool, user) = (&bearer.pool, &bearer.user);
        if let Some(old) = &input.previous_password {
            self.count_attempt(cx, pool, &user.sub).await?;
            if !self.password_is(cx, pool, Some(user), (&user.username, old)).await? {
                return Err(Error::credentials().into());
            }
            self.forgive_attempts(cx, pool, &user.sub).await?;
        } else if user.password.is_some() {
            return Err(Error::invalid("Missing required parameter PreviousPassword").into());
        }
        let mut changed = user.clone();
        self.set_password(cx, pool, &mut changed, &input.proposed_password).await?;
        change(cx, pool, &user.sub, |now| {
            if now.password != user.password {
                return Err(Error::credentials().into());
            }
            now.password.clone_from(&changed.password);
            now.history.clone_from(&changed.history);
            now.temporary_until = None;
            Ok(())
        })
        .await?;
        Ok(ChangePasswordResponse {})
    }
}
