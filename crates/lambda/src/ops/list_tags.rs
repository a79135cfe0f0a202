//! ListTags: the tags of a function or an event source mapping.

use cumulet_api_lambda::ops::{ListTags, ListTagsRequest, ListTagsResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::mapping::MappingName;
use crate::name::FunctionName;
use crate::ops::tag_resource::on_tagged;

impl Handle<ListTags> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListTagsRequest) -> Result<Vec<Access>> {
        Ok(vec![on_tagged(cx, "lambda:ListTags", &input.resource).await?])
    }

    async fn handle(&self, cx: &Cx, input: ListTagsRequest) -> Result<ListTagsResponse> {
        let snapshot = cx.store().snapshot();
        let tags = match MappingName::parse(&input.resource) {
            Some(mapping) => mapping.load(&snapshot).await?.tags,
            None => FunctionName::unqualified(cx, &input.resource)?.load(&snapshot).await?.tags,
        };
        Ok(ListTagsResponse { tags: Some(tags) })
    }
}
