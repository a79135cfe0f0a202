//! AdminSetUserPassword: sets a user's password, for good or until he first signs in.
//!
//! A permanent one confirms the user. Refuses passwords that the pool does not allow.

use cumulet_api_cognito_idp::ops::{
    AdminSetUserPassword, AdminSetUserPasswordRequest, AdminSetUserPasswordResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::model::Status;
use crate::store;
use crate::users::{change, on_pool, pool_of};

impl Handle<AdminSetUserPassword> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminSetUserPasswordRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminSetUserPassword", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminSetUserPasswordRequest,
    ) -> Result<AdminSetUserPasswordResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let user = store::known_user(&cx.store().snapshot(), &pool, &input.username).await?;
        let permanent = input.permanent == Some(true);
        let mut changed = user.clone();
        self.set_password(cx, &pool, &mut changed, &input.password).await?;
        let until = cx.now().after(pool.temporary_validity()).millis();
        change(cx, &pool, &user.sub, |user| {
            user.password.clone_from(&changed.password);
            user.history.clone_from(&changed.history);
            user.temporary_until = (!permanent).then_some(until);
            user.status = if permanent { Status::Confirmed } else { Status::ForceChangePassword };
            Ok(())
        })
        .await?;
        Ok(AdminSetUserPasswordResponse {})
    }
}
