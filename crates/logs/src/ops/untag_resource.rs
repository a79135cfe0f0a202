//! UntagResource and, as it used to be called, UntagLogGroup: removes tags from a group.
//!
//! Promises: after the answer none of the keys is there; one that was not there is no error.
//! Refuses: a group that is not there.

use cumulet_api_logs::ops::{
    UntagLogGroup, UntagLogGroupOutput, UntagLogGroupRequest, UntagResource, UntagResourceOutput,
    UntagResourceRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;

impl Handle<UntagResource> for Logs {
    async fn access(&self, cx: &Cx, input: &UntagResourceRequest) -> Result<Vec<Access>> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        let access = name.tag_access(cx, "logs:UntagResource").await?;
        Ok(vec![access.untagging(input.tag_keys.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagResourceRequest) -> Result<UntagResourceOutput> {
        let name = GroupName::from_arn(&input.resource_arn)?;
        remove(cx, &name, &input.tag_keys, Error::ResourceNotFound).await?;
        Ok(UntagResourceOutput {})
    }
}

impl Handle<UntagLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &UntagLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let access = name.access(cx, "logs:UntagLogGroup", "").await?;
        Ok(vec![access.untagging(input.tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: UntagLogGroupRequest) -> Result<UntagLogGroupOutput> {
        let name = GroupName::own(cx, &input.log_group_name);
        remove(cx, &name, &input.tags, Error::GroupNotFound).await?;
        Ok(UntagLogGroupOutput {})
    }
}

async fn remove(cx: &Cx, name: &GroupName, keys: &[String], missing: Error) -> Result<(), Error> {
    cx.store()
        .transact(async |tx| {
            let mut record = name.find(&tx).await?.ok_or_else(|| missing.clone())?;
            record.tags.retain(|key, _| !keys.contains(key));
            tx.put_record(name.key(), &record);
            Ok(())
        })
        .await
}
