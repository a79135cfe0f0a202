//! UntagResource: removes tags of a pool.

use cumulet_api_cognito_idp::ops::{UntagResource, UntagResourceRequest, UntagResourceResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use super::page;

use crate::Cognito;
use crate::settings;
use crate::store;
use crate::users::on;

impl Handle<UntagResource> for Cognito {
    async fn access(&self, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        let access = on(cx, "cognito-idp:UntagResource", &place).await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceRequest) -> Result<UntagResourceResponse> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        cx.store()
            .transact(|tx| {
                let (place, input) = (&place, &input);
                async move {
                    let mut pool = store::pool(&tx, place).await?;
                    let tags = pool.settings.user_pool_tags.get_or_insert_default();
                    tags.retain(|key, _| !input.tag_keys.contains(key));
                    pool.record.settings = settings::stored(&pool.settings)?;
                    tx.put_record(place.key("pool"), &pool.record);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(UntagResourceResponse {})
    }
}
