//! The app's logs as they come: those of its functions, and the log groups of its stack.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use cumulet_api_cloudformation::types::StackResourceSummary;
use cumulet_api_lambda::ops::{GetFunctionConfiguration, GetFunctionConfigurationRequest};
use cumulet_api_logs::ops::{FilterLogEvents, FilterLogEventsRequest};
use cumulet_base::Timestamp;
use cumulet_service::Cx;
use tokio::sync::watch::Receiver;

use crate::terminal::{Style, Terminal};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);
/// How far back a look goes: lines may arrive out of order, and batches do.
const BACK_MILLIS: i64 = 10_000;
/// Ids of lines that are remembered as shown.
const REMEMBERED: usize = 50_000;
/// Lines of a page.
const PAGE: i32 = 1_000;

/// A log group and what it is called before its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    group: String,
    name: String,
}

/// The log groups of a stack's functions, and its own.
async fn sources(cx: &Cx, resources: &[StackResourceSummary]) -> Vec<Source> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for resource in resources {
        let Some(id) = resource.physical_resource_id.clone() else { continue };
        let name = resource.logical_resource_id.clone();
        match resource.resource_type.as_str() {
            "AWS::Lambda::Function" => {
                let input = GetFunctionConfigurationRequest {
                    function_name: id.clone(),
                    ..GetFunctionConfigurationRequest::default()
                };
                let own = cx.call::<GetFunctionConfiguration>(input).await.ok();
                let own = own.and_then(|function| function.logging_config?.log_group);
                // A function's name says more than that of its group.
                found.insert(own.unwrap_or_else(|| format!("/aws/lambda/{id}")), name);
            }
            "AWS::Logs::LogGroup" => {
                found.entry(id).or_insert(name);
            }
            _ => {}
        }
    }
    found.into_iter().map(|(group, name)| Source { group, name }).collect()
}

/// Writes new lines to standard output, for ever: those of the resources that there are.
pub(super) async fn follow(
    cx: &Cx,
    mut resources: Receiver<Vec<StackResourceSummary>>,
    since: Timestamp,
) {
    resources.mark_changed();
    let (mut sources, mut width) = (Vec::new(), 0);
    let terminal = Terminal::stdout();
    let mut shown = Shown::default();
    let mut from = since.millis();
    loop {
        if resources.has_changed().unwrap_or(false) {
            let resources = resources.borrow_and_update().clone();
            sources = self::sources(cx, &resources).await;
            width = sources.iter().map(|source| source.name.chars().count()).max().unwrap_or(0);
        }
        let now = cx.now().millis();
        let mut lines = Vec::new();
        for source in &sources {
            lines.extend(fresh(cx, source, from, &mut shown).await);
        }
        lines.sort_by_key(|line| line.0);
        for (at, name, message) in lines {
            let text = rendered(terminal, at, &name, width, &message);
            // A reader that is gone ends nothing: the cloud goes on.
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
        from = since.millis().max(now - BACK_MILLIS);
        tokio::time::sleep(LOOK).await;
    }
}

/// Ids of lines that were shown, the oldest forgotten first.
#[derive(Default)]
struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Shown {
    /// Whether it is new.
    fn note(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
        true
    }
}

/// Lines of a source that were not shown yet: time, name, message.
async fn fresh(
    cx: &Cx,
    source: &Source,
    from: i64,
    shown: &mut Shown,
) -> Vec<(i64, String, String)> {
    let mut lines = Vec::new();
    let mut next_token = None;
    loop {
        let input = FilterLogEventsRequest {
            log_group_name: Some(source.group.clone()),
            start_time: Some(from),
            limit: Some(PAGE),
            next_token,
            ..FilterLogEventsRequest::default()
        };
        // A group is made with its first line.
        let Ok(page) = cx.call::<FilterLogEvents>(input).await else { return lines };
        for event in page.events.unwrap_or_default() {
            if shown.note(event.event_id.as_deref().unwrap_or_default()) {
                let at = event.timestamp.unwrap_or_default();
                lines.push((at, source.name.clone(), event.message.unwrap_or_default()));
            }
        }
        next_token = page.next_token;
        if next_token.is_none() {
            return lines;
        }
    }
}

/// One event as a line, or as many as it has: `12:30:01 HelloFunction  text`.
fn rendered(terminal: Terminal, at: i64, name: &str, width: usize, message: &str) -> String {
    let seconds = at.div_euclid(1000).rem_euclid(86_400);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = terminal.paint(Style::Dim, &time);
    let label = terminal.paint(Terminal::colour_of(name), &format!("{name:<width$}"));
    let message = terminal.text(message.trim_end());
    let platform = is_platforms(&message);
    let mut text = String::new();
    for line in message.lines() {
        let line = if platform { terminal.paint(Style::Dim, line) } else { line.to_owned() };
        let _ = writeln!(text, "{time} {label}  {line}");
    }
    text
}

/// Whether Lambda itself says it, as text or as an event in JSON.
fn is_platforms(message: &str) -> bool {
    ["START ", "END ", "REPORT ", "INIT_START "].iter().any(|word| message.starts_with(word))
        || message.starts_with('{') && message.contains(r#""type":"platform."#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_and_who() {
        let plain = Terminal::plain();
        let text = rendered(plain, 45_296_000, "Hello", 7, "one\ntwo\n");
        assert_eq!(text, "12:34:56 Hello    one\n12:34:56 Hello    two\n");
    }

    #[test]
    fn what_was_shown_is_remembered_within_bounds() {
        let mut shown = Shown::default();
        assert!(shown.note("a"));
        assert!(!shown.note("a"));
        for n in 0..REMEMBERED {
            shown.note(&n.to_string());
        }
        assert_eq!(shown.ids.len(), REMEMBERED);
        assert!(shown.note("a"));
    }
}
