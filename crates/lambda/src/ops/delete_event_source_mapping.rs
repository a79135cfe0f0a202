//! DeleteEventSourceMapping: ends a mapping. What it has not handed on, it never does; a batch
//! under way ends.

use cumulet_api_lambda::ops::{DeleteEventSourceMapping, DeleteEventSourceMappingRequest};
use cumulet_api_lambda::types::EventSourceMappingConfiguration;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::mapping::access::on_mapping;
use crate::mapping::store::release;
use crate::mapping::{MappingName, Progress, describe};

impl Handle<DeleteEventSourceMapping> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &DeleteEventSourceMappingRequest,
    ) -> Result<Vec<Access>> {
        let name = MappingName::of(cx, &input.uuid);
        Ok(vec![on_mapping(cx, "lambda:DeleteEventSourceMapping", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteEventSourceMappingRequest,
    ) -> Result<EventSourceMappingConfiguration> {
        let name = MappingName::of(cx, &input.uuid);
        let name = &name;
        let (record, lanes) = cx
            .store()
            .transact(|tx: Tx| async move {
                let record = name.load(&tx).await?;
                let lanes = name.load_lanes(&tx).await?;
                release(&tx, &record.source, &record.function_name(name));
                tx.delete(name.key());
                tx.delete_range(&name.lanes().prefix()).await?;
                Ok::<_, ServiceError>((record, lanes))
            })
            .await?;
        Ok(describe(name, &record, &lanes, Progress::Deleting))
    }
}
