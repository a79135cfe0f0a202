//! GetEventSourceMapping: a mapping, its state, and what came of the last batch.

use cumulet_api_lambda::ops::{GetEventSourceMapping, GetEventSourceMappingRequest};
use cumulet_api_lambda::types::EventSourceMappingConfiguration;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::mapping::access::on_mapping;
use crate::mapping::{MappingName, Progress, describe};

impl Handle<GetEventSourceMapping> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetEventSourceMappingRequest) -> Result<Vec<Access>> {
        let name = MappingName::of(cx, &input.uuid);
        Ok(vec![on_mapping(cx, "lambda:GetEventSourceMapping", &name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetEventSourceMappingRequest,
    ) -> Result<EventSourceMappingConfiguration> {
        let name = MappingName::of(cx, &input.uuid);
        let snapshot = cx.store().snapshot();
        let record = name.load(&snapshot).await?;
        let lanes = name.load_lanes(&snapshot).await?;
        Ok(describe(&name, &record, &lanes, Progress::Done))
    }
}
