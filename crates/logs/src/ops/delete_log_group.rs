//! DeleteLogGroup: removes a group with its streams and events.
//!
//! Promises: after the answer the group is gone, durably, and its name is free; the space of its
//! events comes back in the background, also after a crash.
//! Refuses: a group that is not there or is protected against deletion.

use cumulet_api_logs::ops::{DeleteLogGroup, DeleteLogGroupOutput, DeleteLogGroupRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::group::GroupName;
use crate::{Logs, purge};

impl Handle<DeleteLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &DeleteLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:DeleteLogGroup", "").await?])
    }

    async fn handle(&self, cx: &Cx, input: DeleteLogGroupRequest) -> Result<DeleteLogGroupOutput> {
        let name = GroupName::own(cx, &input.log_group_name);
        let now = cx.now();
        cx.store()
            .transact(async |tx| {
                let record = name.load(&tx).await?;
                if record.deletion_protection {
                    return Err(Error::DeletionProtected);
                }
                tx.delete(name.key());
                Ok(purge::enqueue(&tx, &name, record.id, None, now).await?)
            })
            .await?;
        Ok(DeleteLogGroupOutput {})
    }
}
