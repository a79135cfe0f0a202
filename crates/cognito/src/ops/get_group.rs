//! GetGroup: a group.

use cumulet_api_cognito_idp::ops::{GetGroup, GetGroupRequest, GetGroupResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use super::groups;

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<GetGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &GetGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:GetGroup", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: GetGroupRequest) -> Result<GetGroupResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let group = store::group(&cx.store().snapshot(), &pool.place, &input.group_name).await?;
        Ok(GetGroupResponse { group: Some(groups::shown(&pool, group)) })
    }
}
