//! TagResource: tags a pool, at most 50.

use cumulet_api_cognito_idp::ops::{TagResource, TagResourceRequest, TagResourceResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use super::page;

use crate::Cognito;
use crate::error::Error;
use crate::settings;
use crate::store;
use crate::users::on;

impl Handle<TagResource> for Cognito {
    async fn access(&self, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        let access = on(cx, "cognito-idp:TagResource", &place).await?;
        Ok(vec![access.tagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: TagResourceRequest) -> Result<TagResourceResponse> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        cx.store()
            .transact(|tx| {
                let (place, input) = (&place, &input);
                async move {
                    let mut pool = store::pool(&tx, place).await?;
                    let tags = pool.settings.user_pool_tags.get_or_insert_default();
                    tags.extend(input.tags.clone());
                    if tags.len() > 50 {
                        return Err(Error::invalid("A user pool can have at most 50 tags.").into());
                    }
                    pool.record.settings = settings::stored(&pool.settings)?;
                    tx.put_record(place.key("pool"), &pool.record);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(TagResourceResponse {})
    }
}
