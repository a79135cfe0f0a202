//! UpdateGroup: changes what is given of a group.

use cumulet_api_cognito_idp::ops::{UpdateGroup, UpdateGroupRequest, UpdateGroupResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use super::groups;

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<UpdateGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &UpdateGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:UpdateGroup", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: UpdateGroupRequest) -> Result<UpdateGroupResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let group = cx
            .store()
            .transact(|tx| {
                let (place, input) = (&pool.place, &input);
                async move {
                    let mut group = store::group(&tx, place, &input.group_name).await?;
                    group.description = input.description.clone().or(group.description);
                    group.role = input.role_arn.clone().or(group.role);
                    group.precedence = input.precedence.or(group.precedence);
                    group.modified = cx.now().millis();
                    tx.put_record(store::group_key(place, &group.name), &group);
                    Ok::<_, ServiceError>(group)
                }
            })
            .await?;
        Ok(UpdateGroupResponse { group: Some(groups::shown(&pool, group)) })
    }
}
