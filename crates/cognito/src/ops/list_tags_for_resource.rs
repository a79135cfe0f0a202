//! ListTagsForResource: the tags of a pool.

use cumulet_api_cognito_idp::ops::{
    ListTagsForResource, ListTagsForResourceRequest, ListTagsForResourceResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use super::page;

use crate::Cognito;
use crate::store;
use crate::users::on;

impl Handle<ListTagsForResource> for Cognito {
    async fn access(&self, cx: &Cx, input: &ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        let access = on(cx, "cognito-idp:ListTagsForResource", &place).await?;
        Ok(vec![access])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsForResourceRequest,
    ) -> Result<ListTagsForResourceResponse> {
        let place = page::pool_arn(cx, &input.resource_arn)?;
        let pool = store::pool(&cx.store().snapshot(), &place).await?;
        Ok(ListTagsForResourceResponse { tags: pool.settings.user_pool_tags })
    }
}
