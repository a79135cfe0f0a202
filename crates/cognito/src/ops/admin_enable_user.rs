//! AdminEnableUser: a user may sign in again.

use cumulet_api_cognito_idp::ops::{
    AdminEnableUser, AdminEnableUserRequest, AdminEnableUserResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users::{change, on_pool, pool_of};

impl Handle<AdminEnableUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminEnableUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminEnableUser", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminEnableUserRequest,
    ) -> Result<AdminEnableUserResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change(cx, &pool, &input.username, |user| {
            user.enabled = true;
            Ok(())
        })
        .await?;
        Ok(AdminEnableUserResponse {})
    }
}
