//! ListChangeSets: the change sets of a stack that are yet to be executed.

use cumulet_api_cloudformation::ops::{ListChangeSets, ListChangeSetsInput, ListChangeSetsOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::change_set;
use crate::model::ChangeSetRecord;
use crate::page::page;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<ListChangeSets> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &ListChangeSetsInput) -> Result<Vec<Access>> {
        Ok(vec![begin::access(cx, "cloudformation:ListChangeSets", &input.stack_name).await?])
    }

    async fn handle(&self, cx: &Cx, input: ListChangeSetsInput) -> Result<ListChangeSetsOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let stack = store::stack(&read, &place, &input.stack_name).await?;
        let sets: Vec<ChangeSetRecord> = store::all(&read, &place.change_sets(&stack.id)).await?;
        let open = sets.into_iter().filter(|set| set.execution != "EXECUTE_COMPLETE");
        let (sets, next_token) = page(open, input.next_token.as_deref(), |set| set.name.clone());
        let summaries = sets.into_iter().map(|set| change_set::summary(&stack, set)).collect();
        Ok(ListChangeSetsOutput { summaries: Some(summaries), next_token })
    }
}
