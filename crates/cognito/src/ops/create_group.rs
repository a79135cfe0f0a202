//! CreateGroup: makes a group of users, whose role their ID tokens name.

use cumulet_api_cognito_idp::ops::{CreateGroup, CreateGroupRequest, CreateGroupResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Read as _;

use super::groups;
use crate::model::Group;

use crate::Cognito;
use crate::error::Error;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<CreateGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &CreateGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:CreateGroup", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: CreateGroupRequest) -> Result<CreateGroupResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let now = cx.now().millis();
        let group = Group {
            name: input.group_name,
            description: input.description,
            role: input.role_arn,
            precedence: input.precedence,
            created: now,
            modified: now,
        };
        cx.store()
            .transact(|tx| {
                let (place, group) = (&pool.place, &group);
                async move {
                    let key = store::group_key(place, &group.name);
                    if tx.get(&key).await?.is_some() {
                        return Err(Error::GroupExists.into());
                    }
                    tx.put_record(key, group);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(CreateGroupResponse { group: Some(groups::shown(&pool, group)) })
    }
}
