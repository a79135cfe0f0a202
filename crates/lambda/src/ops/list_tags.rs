//! ListTags: a function's tags.

use cumulet_api_lambda::ops::{ListTags, ListTagsRequest, ListTagsResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_whole;
use crate::name::FunctionName;

impl Handle<ListTags> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListTagsRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        Ok(vec![on_whole(cx, "lambda:ListTags", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: ListTagsRequest) -> Result<ListTagsResponse> {
        let name = FunctionName::unqualified(cx, &input.resource)?;
        let function = name.load(&cx.store().snapshot()).await?;
        Ok(ListTagsResponse { tags: Some(function.tags) })
    }
}
