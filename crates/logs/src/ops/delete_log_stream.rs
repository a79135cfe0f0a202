//! DeleteLogStream: removes a stream with its events.
//!
//! Promises: after the answer the stream is gone, durably, and its name is free; the space of its
//! events comes back in the background, also after a crash.
//! Refuses: a group or stream that is not there.

use cumulet_api_logs::ops::{DeleteLogStream, DeleteLogStreamOutput, DeleteLogStreamRequest};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::group::GroupName;
use crate::{Logs, purge};

impl Handle<DeleteLogStream> for Logs {
    async fn access(&self, cx: &Cx, input: &DeleteLogStreamRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:DeleteLogStream", &input.log_stream_name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteLogStreamRequest,
    ) -> Result<DeleteLogStreamOutput> {
        let name = GroupName::own(cx, &input.log_group_name);
        let stream_name = &input.log_stream_name;
        let now = cx.now();
        cx.store()
            .transact(async |tx| {
                let (group, keys, stream) = name.load_stream(&tx, stream_name).await?;
                tx.delete(keys.stream(stream_name));
                tx.delete(keys.recent_at(stream.last_event, stream_name));
                let size = i64::try_from(stream.bytes).unwrap_or(i64::MAX);
                keys.grow(&tx, stream.id, -size).await?;
                purge::enqueue(&tx, &name, group.id, Some(stream.id), now).await?;
                Ok::<_, Error>(())
            })
            .await?;
        Ok(DeleteLogStreamOutput {})
    }
}
