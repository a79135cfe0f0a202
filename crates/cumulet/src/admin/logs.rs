//! `POST /_cumulet/logs`: what was logged since a moment, over several groups, in order.

use std::collections::BTreeSet;

use cumulet_api_logs::ops::{
    DescribeLogGroups, DescribeLogGroupsRequest, FilterLogEvents, FilterLogEventsRequest,
};
use cumulet_service::Cx;
use serde::{Deserialize, Serialize};

use super::answer::Problem;
use super::stacks::{self, FUNCTION, function_called};

/// Bytes of lines in one answer, after which it says [`Lines::more`].
const ANSWER: usize = 4 << 20;
/// Lines of one answer.
const LINES: usize = 10_000;
/// Groups that are looked at.
const GROUPS: usize = 200;
/// Pages of one group that are read for one answer. A page may be empty.
const PAGES: usize = 1_000;

/// What is asked.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The groups of a stack; of a function; this group. None of them: every group.
    pub(crate) stack: Option<String>,
    pub(crate) function: Option<String>,
    pub(crate) group: Option<String>,
    /// From when on, milliseconds since the epoch.
    pub(crate) since: i64,
    /// Lines that match this pattern of CloudWatch's.
    pub(crate) filter: Option<String>,
}

/// Lines by their time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Lines {
    pub(crate) events: Vec<Line>,
    /// The moment up to which nothing is left out (milliseconds since the epoch): ask on from
    /// there. `None`: these are all.
    pub(crate) more: Option<i64>,
    /// The cloud's clock, milliseconds since the epoch.
    pub(crate) now: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) group: String,
    pub(crate) stream: String,
    /// The same in every answer.
    pub(crate) id: String,
    pub(crate) message: String,
}

pub(super) async fn post(cx: &Cx, question: Question) -> Result<Lines, Problem> {
    let groups = groups(cx, &question).await?;
    let mut read = Vec::new();
    let share = (LINES / groups.len().max(1)).max(1);
    for group in groups {
        read.push(lines(cx, &question, group, share).await?);
    }
    Ok(Lines { now: cx.now().millis(), ..merged(read) })
}

/// The lines of several groups in one order. What lies beyond the end of a group that was not read
/// to its end is left for the next answer.
fn merged(read: Vec<(Vec<Line>, bool)>) -> Lines {
    let ends = read.iter().filter(|(_, all)| !all);
    let more = ends.filter_map(|(lines, _)| lines.last()).map(|line| line.at).min();
    let mut lines: Vec<Line> = read.into_iter().flat_map(|(lines, _)| lines).collect();
    if let Some(end) = more {
        lines.retain(|line| line.at <= end);
    }
    lines.sort_by(|a, b| (a.at, &a.group, &a.id).cmp(&(b.at, &b.group, &b.id)));
    Lines { events: lines, more, now: 0 }
}

/// The lines of one group, and whether these are all.
async fn lines(
    cx: &Cx,
    question: &Question,
    group: String,
    share: usize,
) -> Result<(Vec<Line>, bool), Problem> {
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut next_token = None;
    for _ in 0..PAGES {
        let request = FilterLogEventsRequest {
            log_group_name: Some(group.clone()),
            start_time: Some(question.since),
            filter_pattern: question.filter.clone(),
            limit: i32::try_from(share).ok(),
            next_token,
            ..FilterLogEventsRequest::default()
        };
        let page = match cx.call::<FilterLogEvents>(request).await {
            Ok(page) => page,
            // A function that never ran has no group yet.
            Err(error) if error.code == "ResourceNotFoundException" => return Ok((found, true)),
            Err(error) => return Err(error.into()),
        };
        for event in page.events.unwrap_or_default() {
            let message = event.message.unwrap_or_default();
            bytes += message.len();
            found.push(Line {
                at: event.timestamp.unwrap_or_default(),
                group: group.clone(),
                stream: event.log_stream_name.unwrap_or_default(),
                id: event.event_id.unwrap_or_default(),
                message,
            });
        }
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok((found, true));
        }
        if found.len() >= share || bytes >= ANSWER / (LINES / share) {
            break;
        }
    }
    Ok((found, false))
}

/// The groups that a question is about.
async fn groups(cx: &Cx, question: &Question) -> Result<Vec<String>, Problem> {
    if let Some(group) = &question.group {
        return Ok(vec![group.clone()]);
    }
    if let Some(function) = &question.function {
        let function = function_called(cx, function, question.stack.as_deref()).await?;
        return Ok(vec![format!("/aws/lambda/{function}")]);
    }
    let mut groups = BTreeSet::new();
    if let Some(stack) = &question.stack {
        for resource in stacks::resources(cx, stack).await? {
            let Some(physical) = resource.physical_resource_id else { continue };
            match resource.resource_type.as_str() {
                FUNCTION => groups.insert(format!("/aws/lambda/{physical}")),
                "AWS::Logs::LogGroup" => groups.insert(physical),
                _ => false,
            };
        }
        return Ok(groups.into_iter().take(GROUPS).collect());
    }
    let mut next_token = None;
    while groups.len() < GROUPS {
        let request = DescribeLogGroupsRequest { next_token, ..Default::default() };
        let page = cx.call::<DescribeLogGroups>(request).await?;
        groups.extend(page.log_groups.into_iter().flatten().filter_map(|g| g.log_group_name));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    Ok(groups.into_iter().take(GROUPS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, times: &[i64], all: bool) -> (Vec<Line>, bool) {
        let line = |at: &i64| Line {
            at: *at,
            group: name.to_owned(),
            stream: "s".to_owned(),
            id: at.to_string(),
            message: String::new(),
        };
        (times.iter().map(line).collect(), all)
    }

    #[test]
    fn groups_are_merged_up_to_where_nothing_is_left_out() {
        let times = |lines: &Lines| lines.events.iter().map(|line| line.at).collect::<Vec<_>>();
        let all = merged(vec![group("a", &[1, 4], true), group("b", &[2, 9], true)]);
        assert_eq!((times(&all), all.more), (vec![1, 2, 4, 9], None));
        let cut = merged(vec![group("a", &[1, 4], false), group("b", &[2, 9], true)]);
        assert_eq!((times(&cut), cut.more), (vec![1, 2, 4], Some(4)));
        assert_eq!(merged(Vec::new()).more, None);
    }
}
