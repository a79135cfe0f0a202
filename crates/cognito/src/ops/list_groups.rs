//! ListGroups: groups of a pool, by name.

use cumulet_api_cognito_idp::ops::{ListGroups, ListGroupsRequest, ListGroupsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use super::{groups, page};
use crate::model::Group;

use crate::Cognito;
use crate::users::{on_pool, pool_of};

impl Handle<ListGroups> for Cognito {
    async fn access(&self, cx: &Cx, input: &ListGroupsRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:ListGroups", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: ListGroupsRequest) -> Result<ListGroupsResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let range = page::from(&pool.place.key("group"), input.next_token.as_deref())?;
        let limit = usize::try_from(input.limit.unwrap_or(60)).unwrap_or(60).clamp(1, 60);
        let mut page = cx
            .store()
            .snapshot()
            .range_records::<Group>(&range, Direction::Forward, limit + 1)
            .await?;
        // One more was read, to know whether there is one.
        page.items.truncate(limit);
        let next_token = page::token(page.items.last().map(|(key, _)| key), page.rest.is_some());
        let list = page.items.into_iter().map(|(_, group)| groups::shown(&pool, group)).collect();
        Ok(ListGroupsResponse { groups: Some(list), next_token })
    }
}
