//! A stack as it is: its status, its events, its outputs and resources.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    DescribeStackEvents, DescribeStackEventsInput, DescribeStacks, DescribeStacksInput,
    ListStackResources, ListStackResourcesInput,
};
use cumulet_api_cloudformation::types::{
    ResourceStatus, Stack, StackEvent, StackResourceSummary, StackStatus,
};
use cumulet_service::Cx;

use super::progress::Progress;
use crate::terminal::{Style, printable};

/// Between two looks at a stack that changes.
const LOOK: Duration = Duration::from_millis(100);

/// The stack called `name`, if there is one.
pub(super) async fn find(cx: &Cx, name: &str) -> Result<Option<Stack>, String> {
    let input = DescribeStacksInput { stack_name: Some(name.to_owned()), ..Default::default() };
    match cx.call::<DescribeStacks>(input).await {
        Ok(found) => Ok(found.stacks.unwrap_or_default().into_iter().next()),
        Err(error) if error.message.contains("does not exist") => Ok(None),
        Err(error) => Err(error.message),
    }
}

/// Whether a version of the stack is deployed and whole.
pub(super) fn stands(status: StackStatus) -> bool {
    use StackStatus::{CreateComplete, UpdateComplete, UpdateRollbackComplete};
    matches!(status, CreateComplete | UpdateComplete | UpdateRollbackComplete)
}

/// Whether something is being done to the stack.
pub(super) fn is_moving(status: StackStatus) -> bool {
    status.as_str().ends_with("_IN_PROGRESS") && status != StackStatus::ReviewInProgress
}

/// The stack's resources.
pub(super) async fn resources(cx: &Cx, name: &str) -> Result<Vec<StackResourceSummary>, String> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListStackResourcesInput { stack_name: name.to_owned(), next_token };
        let page = cx.call::<ListStackResources>(input).await.map_err(|why| why.message)?;
        found.extend(page.stack_resource_summaries.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(found);
        }
    }
}

/// The stack's outputs in the template's order, and the same by name.
pub(super) fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pairs = stack.outputs.iter().flatten().map(|output| {
        let (key, value) = (output.output_key.clone(), output.output_value.clone());
        (key.unwrap_or_default(), value.unwrap_or_default())
    });
    pairs.collect()
}

/// Follows what happens to a stack, event by event.
pub(super) struct Watch {
    cx: Cx,
    /// Its id, which goes on naming it when it is deleted.
    id: String,
    seen: HashSet<String>,
    /// Why resources failed, the first first.
    reasons: Vec<String>,
}

impl Watch {
    /// From now on: what happened before is not told.
    pub(super) async fn begin(cx: &Cx, id: &str) -> Result<Self, String> {
        let mut watch =
            Self { cx: cx.clone(), id: id.to_owned(), seen: HashSet::new(), reasons: Vec::new() };
        watch.fresh().await?;
        Ok(watch)
    }

    /// Shows events until the stack comes to rest: its status, and why resources failed.
    pub(super) async fn settled(
        mut self,
        progress: &Progress,
    ) -> Result<(StackStatus, Vec<String>), String> {
        loop {
            // Status first: events that come after it was read belong to the next look.
            let status = match find(&self.cx, &self.id).await? {
                Some(stack) => stack.stack_status,
                None => StackStatus::DeleteComplete,
            };
            for event in self.fresh().await? {
                self.show(&event, progress);
            }
            if !is_moving(status) {
                return Ok((status, self.reasons));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Events not seen yet, the oldest first.
    async fn fresh(&mut self) -> Result<Vec<StackEvent>, String> {
        let mut fresh = Vec::new();
        let mut next_token = None;
        loop {
            let input = DescribeStackEventsInput { stack_name: self.id.clone(), next_token };
            let page = self.cx.call::<DescribeStackEvents>(input).await.map_err(|e| e.message)?;
            next_token = page.next_token;
            let events = page.stack_events.unwrap_or_default();
            let count = events.len();
            let new: Vec<StackEvent> = events
                .into_iter()
                .filter(|event| self.seen.insert(event.event_id.clone()))
                .collect();
            let all_new = new.len() == count;
            fresh.extend(new);
            if next_token.is_none() || !all_new {
                fresh.reverse();
                return Ok(fresh);
            }
        }
    }

    fn show(&mut self, event: &StackEvent, progress: &Progress) {
        let status = event.resource_status.map_or("", ResourceStatus::as_str);
        let id = event.logical_resource_id.as_deref().unwrap_or_default();
        let type_name = event.resource_type.as_deref().unwrap_or_default();
        let reason = event.resource_status_reason.as_deref().filter(|text| !text.is_empty());
        let failed = status.ends_with("_FAILED");
        if let (true, Some(reason)) = (failed, reason)
            // What was under way when another failed says nothing of why.
            && !reason.contains("cancelled")
        {
            self.reasons.push(format!("{id} ({type_name}): {}", printable(reason)));
        }
        if progress.is_live() && status.ends_with("_IN_PROGRESS") {
            return;
        }
        let style = match () {
            () if failed || status.contains("ROLLBACK") => Some(Style::Red),
            () if status.ends_with("_COMPLETE") => None,
            () => Some(Style::Dim),
        };
        let mut line = format!("  {status:<20} {type_name} {id}");
        if let (true, Some(reason)) = (failed, reason) {
            line.push_str(": ");
            line.push_str(&printable(reason));
        }
        progress.line(style, &line);
    }
}
