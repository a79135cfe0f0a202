//! ListUsersInGroup: the members of a group.

use cumulet_api_cognito_idp::ops::{
    ListUsersInGroup, ListUsersInGroupRequest, ListUsersInGroupResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use super::page;

use crate::Cognito;
use crate::store;
use crate::users::{self, on_pool, pool_of};

impl Handle<ListUsersInGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &ListUsersInGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:ListUsersInGroup", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListUsersInGroupRequest,
    ) -> Result<ListUsersInGroupResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let snapshot = cx.store().snapshot();
        store::group(&snapshot, &pool.place, &input.group_name).await?;
        let members = pool.place.key("member").text(&input.group_name);
        let range = page::from(&members, input.next_token.as_deref())?;
        let limit = usize::try_from(input.limit.unwrap_or(60)).unwrap_or(60).clamp(1, 60);
        let mut page = snapshot.range(&range, Direction::Forward, limit + 1).await?;
        // One more was read, to know whether there is one.
        page.items.truncate(limit);
        let next_token = page::token(page.items.last().map(|(key, _)| key), page.rest.is_some());
        let mut list = Vec::with_capacity(page.items.len());
        for (key, _) in page.items {
            let sub = page::last_text(&key).unwrap_or_default();
            list.extend(
                store::user(&snapshot, &pool.place, &sub).await?.as_ref().map(users::shown),
            );
        }
        Ok(ListUsersInGroupResponse { users: Some(list), next_token })
    }
}
