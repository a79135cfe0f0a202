//! ListStacks: all stacks in short, deleted ones too, narrowed by status.

use cumulet_api_cloudformation::ops::{ListStacks, ListStacksInput, ListStacksOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::describe;
use crate::model::StackRecord;
use crate::page::page;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<ListStacks> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ListStacksInput) -> Result<Vec<Access>> {
        let _ = input;
        Ok(vec![Access::any(cx, "cloudformation:ListStacks")])
    }

    async fn handle(&self, cx: &Cx, input: ListStacksInput) -> Result<ListStacksOutput> {
        let all: Vec<StackRecord> =
            store::all(&cx.store().snapshot(), &Place::of(cx).stacks()).await?;
        let filter = input.stack_status_filter.unwrap_or_default();
        let wanted = |stack: &StackRecord| {
            filter.is_empty() || filter.iter().any(|status| status.as_str() == stack.status)
        };
        let wanted = all.into_iter().filter(wanted);
        let (stacks, next_token) =
            page(wanted, input.next_token.as_deref(), |stack| stack.id.clone());
        let summaries = stacks.into_iter().map(describe::summary).collect();
        Ok(ListStacksOutput { stack_summaries: Some(summaries), next_token })
    }
}
