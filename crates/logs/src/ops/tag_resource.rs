//! TagResource and, as it used to be called, TagLogGroup: adds tags to a group.
//!
//! Promises: after the answer the tags are there, durably; those of the same key are replaced.
//! Refuses: a group that is not there, more than 50 tags, keys that begin with `aws:`. Tags of
//! destinations are not here: there are no destinations.

use std::collections::BTreeMap;

use cumulet_api_logs::ops::{
    TagLogGroup, TagLogGroupOutput, TagLogGroupRequest, TagResource, TagResourceOutput,
    TagResourceRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;

const MOST_TAGS: usize = 50;

impl Handle<TagResource> for Logs {
    async fn access(&self, cx: &Cx, input: &TagResourceRequest) -> Result<Vec<Access>> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        let access = name.tag_access(cx, "logs:TagResource").await?;
        Ok(vec![access.tagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: TagResourceRequest) -> Result<TagResourceOutput> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        add(cx, &name, &input.tags, Error::ResourceNotFound).await?;
        Ok(TagResourceOutput {})
    }
}

impl Handle<TagLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &TagLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let access = name.access(cx, "logs:TagLogGroup", "").await?;
        Ok(vec![access.tagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: TagLogGroupRequest) -> Result<TagLogGroupOutput> {
        let name = GroupName::own(cx, &input.log_group_name);
        add(cx, &name, &input.tags, Error::GroupNotFound).await?;
        Ok(TagLogGroupOutput {})
    }
}

async fn add(
    cx: &Cx,
    name: &GroupName,
    tags: &BTreeMap<String, String>,
    missing: Error,
) -> Result<(), Error> {
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(Error::parameter("Tag keys starting with 'aws:' are reserved for AWS."));
    }
    cx.store()
        .transact(async |tx| {
            let mut record = name.find(&tx).await?.ok_or_else(|| missing.clone())?;
            record.tags.extend(tags.clone());
            if record.tags.len() > MOST_TAGS {
                return Err(Error::TooManyTags(name.arn().to_string()));
            }
            tx.put_record(name.key(), &record);
            Ok(())
        })
        .await
}
