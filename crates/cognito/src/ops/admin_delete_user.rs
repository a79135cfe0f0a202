//! AdminDeleteUser: removes a user with his names, groups and sessions.

use cumulet_api_cognito_idp::ops::{
    AdminDeleteUser, AdminDeleteUserOutput, AdminDeleteUserRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::users::{self, on_pool, pool_of};

impl Handle<AdminDeleteUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminDeleteUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminDeleteUser", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminDeleteUserRequest,
    ) -> Result<AdminDeleteUserOutput> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        users::delete(cx, &pool, &input.username).await?;
        Ok(AdminDeleteUserOutput {})
    }
}
