//! ListStackResources: the resources of a stack in short. A stack has at most 500: one page.

use cumulet_api_cloudformation::ops::{
    ListStackResources, ListStackResourcesInput, ListStackResourcesOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::describe;
use crate::page::page;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<ListStackResources> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ListStackResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![begin::access(cx, "cloudformation:ListStackResources", &input.stack_name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListStackResourcesInput,
    ) -> Result<ListStackResourcesOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let stack = store::stack(&read, &place, &input.stack_name).await?;
        let records = store::resources(&read, &place, &stack.id).await?;
        let (records, next_token) =
            page(records, input.next_token.as_deref(), |record| record.id.clone());
        let summaries = records.into_iter().map(describe::resource_summary).collect();
        Ok(ListStackResourcesOutput { stack_resource_summaries: Some(summaries), next_token })
    }
}
