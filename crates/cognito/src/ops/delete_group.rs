//! DeleteGroup: removes a group; its members are in it no longer.

use cumulet_api_cognito_idp::ops::{DeleteGroup, DeleteGroupOutput, DeleteGroupRequest};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Direction, Read as _};

use super::groups;

use crate::Cognito;
use crate::store;
use crate::users::{on_pool, pool_of};

impl Handle<DeleteGroup> for Cognito {
    async fn access(&self, cx: &Cx, input: &DeleteGroupRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:DeleteGroup", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: DeleteGroupRequest) -> Result<DeleteGroupOutput> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let (place, name) = (&pool.place, &input.group_name);
        store::group(&cx.store().snapshot(), place, name).await?;
        let members = place.key("member").text(name).prefix();
        loop {
            let done = cx
                .store()
                .transact(|tx| {
                    let members = &members;
                    async move {
                        let page = tx.range(members, Direction::Forward, BATCH).await?;
                        for (key, _) in page.items {
                            groups::leave(&tx, place, name, &key).await?;
                        }
                        if page.rest.is_none() {
                            tx.delete(store::group_key(place, name));
                        }
                        Ok::<_, ServiceError>(page.rest.is_none())
                    }
                })
                .await?;
            if done {
                return Ok(DeleteGroupOutput {});
            }
        }
    }
}

/// Members that leave in one transaction.
const BATCH: usize = 500;
