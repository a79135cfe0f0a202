//! DescribeStacks: one stack, by id also after its deletion, or all that are there.

use cumulet_api_cloudformation::ops::{DescribeStacks, DescribeStacksInput, DescribeStacksOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::describe;
use crate::model::StackRecord;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DescribeStacks> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DescribeStacksInput) -> Result<Vec<Access>> {
        Ok(vec![
            begin::access(
                cx,
                "cloudformation:DescribeStacks",
                input.stack_name.as_deref().unwrap_or("*"),
            )
            .await?,
        ])
    }

    async fn handle(&self, cx: &Cx, input: DescribeStacksInput) -> Result<DescribeStacksOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let found = if let Some(name) = &input.stack_name {
            vec![store::stack(&read, &place, name).await?]
        } else {
            let all: Vec<StackRecord> = store::all(&read, &place.stacks()).await?;
            all.into_iter().filter(|stack| stack.deleted.is_none()).collect()
        };
        let mut stacks = Vec::new();
        for stack in found {
            stacks.push(describe::stack(cx, &place, stack).await?);
        }
        Ok(DescribeStacksOutput { stacks: Some(stacks), next_token: None })
    }
}
