//! DescribeStacks: one stack, by id also after its deletion, or all that are there.

use cumulet_api_cloudformation::ops::{DescribeStacks, DescribeStacksInput, DescribeStacksOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::describe;
use crate::model::StackRecord;
use crate::page::page;
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
        let (found, next_token) = if let Some(name) = &input.stack_name {
            (vec![store::stack(&read, &place, name).await?], None)
        } else {
            let all: Vec<StackRecord> = store::all(&read, &place.stacks()).await?;
            let live = all.into_iter().filter(|stack| stack.deleted.is_none());
            page(live, input.next_token.as_deref(), |stack| stack.id.clone())
        };
        let mut stacks = Vec::new();
        for stack in found {
            stacks.push(describe::stack(cx, &place, stack).await?);
        }
        Ok(DescribeStacksOutput { stacks: Some(stacks), next_token })
    }
}
