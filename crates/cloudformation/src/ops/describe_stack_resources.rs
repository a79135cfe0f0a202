//! DescribeStackResources: the resources of a stack, or of the stack that has a physical one.

use cumulet_api_cloudformation::ops::{
    DescribeStackResources, DescribeStackResourcesInput, DescribeStackResourcesOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::describe;
use crate::error::Error;
use crate::model::StackRecord;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DescribeStackResources> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DescribeStackResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![
            begin::access(
                cx,
                "cloudformation:DescribeStackResources",
                input.stack_name.as_deref().unwrap_or("*"),
            )
            .await?,
        ])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeStackResourcesInput,
    ) -> Result<DescribeStackResourcesOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let stacks = match (&input.stack_name, &input.physical_resource_id) {
            (Some(name), _) => vec![store::stack(&read, &place, name).await?],
            (None, Some(_)) => store::all::<StackRecord>(&read, &place.stacks()).await?,
            (None, None) => {
                let text = "Either StackName or PhysicalResourceId must be specified.";
                return Err(Error::invalid(text).into());
            }
        };
        for stack in stacks {
            let records = store::resources(&read, &place, &stack.id).await?;
            let physical = |record: &crate::model::ResourceRecord| {
                record.current.as_ref().map(|made| made.physical_id.clone())
            };
            let here = |record: &crate::model::ResourceRecord| {
                input.physical_resource_id.is_none()
                    || physical(record) == input.physical_resource_id
            };
            if input.stack_name.is_none() && !records.iter().any(here) {
                continue;
            }
            let wanted = |record: &crate::model::ResourceRecord| {
                input.logical_resource_id.as_ref().is_none_or(|id| *id == record.id)
            };
            let found = records.into_iter().filter(wanted);
            let found = found.map(|record| describe::resource(&stack, record)).collect();
            return Ok(DescribeStackResourcesOutput { stack_resources: Some(found) });
        }
        let id = input.physical_resource_id.unwrap_or_default();
        Err(Error::Validation(format!("Stack for {id} does not exist")).into())
    }
}
