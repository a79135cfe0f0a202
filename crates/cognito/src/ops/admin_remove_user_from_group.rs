//! AdminRemoveUserFromGroup: takes a user out of a group.

use cumulet_api_cognito_idp::ops::{
    AdminRemoveUserFromGroup, AdminRemoveUserFromGroupOutput, AdminRemoveUserFromGroupRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::store;
use crate::users::{change_with, on_pool, pool_of};

impl Handle<AdminRemoveUserFromGroup> for Cognito {
    async fn access(
        &self,
        cx: &Cx,
        input: &AdminRemoveUserFromGroupRequest,
    ) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminRemoveUserFromGroup", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminRemoveUserFromGroupRequest,
    ) -> Result<AdminRemoveUserFromGroupOutput> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        change_with(cx, &pool, &input.username, |tx, mut user| {
            let (place, name) = (&pool.place, &input.group_name);
            async move {
                store::group(&tx, place, name).await?;
                user.groups.retain(|group| group != name);
                tx.delete(place.key("member").text(name).text(&user.sub));
                Ok(user)
            }
        })
        .await?;
        Ok(AdminRemoveUserFromGroupOutput {})
    }
}
