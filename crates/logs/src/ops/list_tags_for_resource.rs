//! ListTagsForResource and, as it used to be called, ListTagsLogGroup: the tags of a group.
//!
//! Refuses: a group that is not there.

use cumulet_api_logs::ops::{
    ListTagsForResource, ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroup,
    ListTagsLogGroupRequest, ListTagsLogGroupResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;

impl Handle<ListTagsForResource> for Logs {
    async fn access(&self, cx: &Cx, input: &ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        Ok(vec![name.tag_access(cx, "logs:ListTagsForResource").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsForResourceRequest,
    ) -> Result<ListTagsForResourceResponse> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        let record = name.find(&cx.store().snapshot()).await?.ok_or(Error::ResourceNotFound)?;
        Ok(ListTagsForResourceResponse { tags: Some(record.tags) })
    }
}

impl Handle<ListTagsLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &ListTagsLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:ListTagsLogGroup", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListTagsLogGroupRequest,
    ) -> Result<ListTagsLogGroupResponse> {
        let name = GroupName::own(cx, &input.log_group_name);
        let record = name.load(&cx.store().snapshot()).await?;
        Ok(ListTagsLogGroupResponse { tags: Some(record.tags) })
    }
}
