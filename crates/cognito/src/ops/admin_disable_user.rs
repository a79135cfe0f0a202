//! AdminDisableUser: a user cannot sign in any more, and his sessions end.

use cumulet_api_cognito_idp::ops::{
    AdminDisableUser, AdminDisableUserRequest, AdminDisableUserResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;
use crate::users::{change_with, on_pool, pool_of};

impl Handle<AdminDisableUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminDisableUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminDisableUser", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminDisableUserRequest,
    ) -> Result<AdminDisableUserResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change_with(cx, &pool, &input.username, |tx, mut user| {
            let place = &pool.place;
            async move {
                user.enabled = false;
                store::end_sessions(&tx, place, &user.sub).await?;
                Ok(user)
            }
        })
        .await?;
        Ok(AdminDisableUserResponse {})
    }
}
