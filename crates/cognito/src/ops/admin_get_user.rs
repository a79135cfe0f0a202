//! AdminGetUser: a user with all attributes.

use cumulet_api_cognito_idp::ops::{AdminGetUser, AdminGetUserRequest, AdminGetUserResponse};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;
use crate::users::{self, on_pool, pool_of};

impl Handle<AdminGetUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminGetUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminGetUser", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: AdminGetUserRequest) -> Result<AdminGetUserResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let user = store::known_user(&cx.store().snapshot(), &pool, &input.username).await?;
        Ok(AdminGetUserResponse {
            user_attributes: Some(users::attributes(&user, |_| true)),
            user_create_date: Some(Timestamp::from_millis(user.created)),
            user_last_modified_date: Some(Timestamp::from_millis(user.modified)),
            enabled: Some(user.enabled),
            user_status: Some(users::status(&user)),
            username: user.username,
            ..AdminGetUserResponse::default()
        })
    }
}
