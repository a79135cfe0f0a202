//! DescribeStackResource: one resource of a stack.

use cumulet_api_cloudformation::ops::{
    DescribeStackResource, DescribeStackResourceInput, DescribeStackResourceOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Read as _;

use crate::begin;
use crate::describe;
use crate::error::Error;
use crate::model::ResourceRecord;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DescribeStackResource> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DescribeStackResourceInput) -> Result<Vec<Access>> {
        Ok(vec![
            begin::access(cx, "cloudformation:DescribeStackResource", &input.stack_name).await?,
        ])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeStackResourceInput,
    ) -> Result<DescribeStackResourceOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let stack = store::stack(&read, &place, &input.stack_name).await?;
        let key = place.resource(&stack.id, &input.logical_resource_id);
        let record: Option<ResourceRecord> = read.get_record(&key).await?;
        let record = record.ok_or_else(|| {
            let (id, name) = (&input.logical_resource_id, &stack.name);
            Error::Validation(format!("Resource {id} does not exist for stack {name}"))
        })?;
        Ok(DescribeStackResourceOutput {
            stack_resource_detail: Some(describe::detail(&stack, record)),
        })
    }
}
