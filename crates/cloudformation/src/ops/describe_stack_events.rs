//! DescribeStackEvents: what happened to a stack, the newest first, 100 a page.

use cumulet_api_cloudformation::ops::{
    DescribeStackEvents, DescribeStackEventsInput, DescribeStackEventsOutput,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::begin;
use crate::describe;
use crate::error::Error;
use crate::model::EventRecord;
use crate::store::{self, Place};

/// Events of a page.
const PAGE: usize = 100;

use crate::CloudFormation;

impl Handle<DescribeStackEvents> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DescribeStackEventsInput) -> Result<Vec<Access>> {
        Ok(vec![begin::access(cx, "cloudformation:DescribeStackEvents", &input.stack_name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeStackEventsInput,
    ) -> Result<DescribeStackEventsOutput> {
        let (read, place) = (cx.store().snapshot(), Place::of(cx));
        let stack = store::stack(&read, &place, &input.stack_name).await?;
        let events = place.events(&stack.id);
        let mut range = events.prefix();
        if let Some(token) = &input.next_token {
            let at = token.parse().map_err(|_| Error::invalid("Invalid NextToken"))?;
            range = range.before(&events.clone().u64(at));
        }
        let page = read.range_records::<EventRecord>(&range, Direction::Backward, PAGE).await?;
        let last = page
            .items
            .last()
            .filter(|_| page.rest.is_some())
            .and_then(|(key, _)| cumulet_store::Key::components(key)?.last()?.as_u64());
        let found = page.items.into_iter().map(|(_, event)| describe::event(&stack, event));
        Ok(DescribeStackEventsOutput {
            stack_events: Some(found.collect()),
            next_token: last.map(|at| at.to_string()),
        })
    }
}
