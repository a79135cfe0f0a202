//! CreateLogGroup: makes an empty log group.
//!
//! Promises: after the answer the group is there, durably, with its tags.
//! Refuses: names that begin with `aws/`, a group that exists, keys of KMS (there is no KMS yet, so
//! no such key is found).
//! All classes are stored and shown; events of every class can be read like STANDARD's, since
//! there is no Logs Insights that AWS's other classes are read with.

use cumulet_api_logs::ops::{CreateLogGroup, CreateLogGroupOutput, CreateLogGroupRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::append::random;
use crate::error::Error;
use crate::group::GroupName;
use crate::model::GroupRecord;

impl Handle<CreateLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &CreateLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let create = name.access(cx, "logs:CreateLogGroup", "").await?;
        let Some(tags) = input.tags.as_ref().filter(|tags| !tags.is_empty()) else {
            return Ok(vec![create]);
        };
        let tag = name.tag_access(cx, "logs:TagResource").await?;
        Ok(vec![create.tagging(tags.clone()), tag.tagging(tags.clone())])
    }

    async fn handle(&self, cx: &Cx, input: CreateLogGroupRequest) -> Result<CreateLogGroupOutput> {
        // API reference: "Log group names can't start with the string aws/".
        if input.log_group_name.starts_with("aws/") {
            return Err(
                Error::parameter("Log groups starting with AWS/ are reserved for AWS.").into()
            );
        }
        if input.kms_key_id.is_some() {
            return Err(Error::parameter("The specified KMS Key Id could not be found.").into());
        }
        let name = GroupName::own(cx, &input.log_group_name);
        let record = GroupRecord {
            class: input.log_group_class.unwrap_or_default().as_str().to_owned(),
            deletion_protection: input.deletion_protection_enabled.unwrap_or_default(),
            tags: input.tags.unwrap_or_default(),
            ..GroupRecord::new(random(cx.ids()), cx.now().millis())
        };
        cx.store()
            .transact(async |tx| {
                if name.find(&tx).await?.is_some() {
                    return Err(Error::GroupExists);
                }
                tx.put_record(name.key(), &record);
                cx.note_made(&tx, &input.log_group_name);
                Ok(())
            })
            .await?;
        Ok(CreateLogGroupOutput {})
    }
}
