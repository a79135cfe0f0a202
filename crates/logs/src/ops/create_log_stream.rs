//! CreateLogStream: makes an empty stream in a group.
//!
//! Promises: after the answer the stream is there, durably.
//! Refuses: a group that is not there, a stream that is.

use cumulet_api_logs::ops::{CreateLogStream, CreateLogStreamOutput, CreateLogStreamRequest};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Read as _;

use crate::Logs;
use crate::append::random;
use crate::error::Error;
use crate::group::GroupName;
use crate::model::StreamRecord;

impl Handle<CreateLogStream> for Logs {
    async fn access(&self, cx: &Cx, input: &CreateLogStreamRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:CreateLogStream", &input.log_stream_name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateLogStreamRequest,
    ) -> Result<CreateLogStreamOutput> {
        let name = GroupName::own(cx, &input.log_group_name);
        let stream = StreamRecord::new(random(cx.ids()), cx.now().millis());
        cx.store()
            .transact(async |tx| {
                let keys = name.keys(&name.load(&tx).await?);
                if tx.get(&keys.stream(&input.log_stream_name)).await?.is_some() {
                    return Err(Error::StreamExists);
                }
                keys.put_stream(&tx, &input.log_stream_name, &stream, None);
                Ok(())
            })
            .await?;
        Ok(CreateLogStreamOutput {})
    }
}
