//! AdminListGroupsForUser: the groups of a user, least precedence value first.

use cumulet_api_cognito_idp::ops::{
    AdminListGroupsForUser, AdminListGroupsForUserRequest, AdminListGroupsForUserResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use super::groups;

use crate::Cognito;
use crate::store;
use crate::tokens;
use crate::users::{on_pool, pool_of};

impl Handle<AdminListGroupsForUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminListGroupsForUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminListGroupsForUser", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminListGroupsForUserRequest,
    ) -> Result<AdminListGroupsForUserResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let snapshot = cx.store().snapshot();
        let user = store::known_user(&snapshot, &pool, &input.username).await?;
        // A user has at most 100 groups: one page, whatever limit is asked for.
        let list = tokens::groups(&snapshot, &pool, &user).await?;
        let list = list.into_iter().map(|group| groups::shown(&pool, group)).collect();
        Ok(AdminListGroupsForUserResponse { groups: Some(list), next_token: None })
    }
}
