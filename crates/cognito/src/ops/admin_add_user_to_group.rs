//! AdminAddUserToGroup: puts a user into a group, at most 100 a user; tokens issued from then on
//! say so.

use cumulet_api_cognito_idp::ops::{
    AdminAddUserToGroup, AdminAddUserToGroupOutput, AdminAddUserToGroupRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::error::Error;
use crate::store;
use crate::users::{change_with, on_pool, pool_of};

impl Handle<AdminAddUserToGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminAddUserToGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminAddUserToGroup", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminAddUserToGroupRequest,
    ) -> Result<AdminAddUserToGroupOutput> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change_with(cx, &pool, &input.username, |tx, mut user| {
            let (place, name) = (&pool.place, &input.group_name);
            async move {
                store::group(&tx, place, name).await?;
                if !user.groups.contains(name) {
                    if user.groups.len() >= GROUPS {
                        return Err(Error::Quota("A user can be in at most 100 groups.").into());
                    }
                    user.groups.push(name.clone());
                    tx.put(place.key("member").text(name).text(&user.sub), "");
                }
                Ok(user)
            }
        })
        .await?;
        Ok(AdminAddUserToGroupOutput {})
    }
}

/// Groups of a user, at most ("Quotas in Amazon Cognito").
const GROUPS: usize = 100;
