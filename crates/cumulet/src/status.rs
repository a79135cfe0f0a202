//! `cumulet status`: the cloud at a glance.

use std::process::ExitCode;

use clap::Args;

use crate::Outcome;
use crate::admin::status::{Stack, Status as Answer};
use crate::cli::Place;
use crate::client::{self, Client};
use crate::terminal::{Cell, Style, Terminal, print, print_json};

#[derive(Debug, Clone, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(options: &Status) -> Outcome {
    let client = Client::of(&options.place)?;
    let answer: Answer = client::wait(client.get("status"))?;
    if options.json {
        print_json(&answer)?;
    } else {
        print(&shown(&answer, &client.link("mailbox"), Terminal::stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(answer: &Answer, mailbox: &str, terminal: Terminal) -> String {
    let label = |text: &str| Cell::styled(Style::Dim, text);
    let mut text = terminal.table(&[
        vec![label("Cloud"), Cell::styled(Style::Bold, &answer.url)],
        vec![label("Up"), Cell::plain(duration(answer.uptime))],
        vec![
            label("Region"),
            Cell::plain(format!("{} (account {})", answer.region, answer.account)),
        ],
        vec![label("Isolation"), Cell::plain(&answer.isolation)],
        vec![label("Mailbox"), Cell::plain(mailbox)],
    ]);
    if answer.stacks.is_empty() {
        text.push_str("\nNo stacks: nothing is deployed yet.\n");
    }
    for stack in &answer.stacks {
        text.push('\n');
        text.push_str(&described(stack, answer, terminal));
    }
    let of_none: Vec<Vec<Cell>> = functions(answer, None);
    if !of_none.is_empty() {
        text.push_str("\nFunctions outside stacks\n");
        text.push_str(&terminal.table(&of_none));
    }
    if !answer.sites.is_empty() {
        text.push_str("\nSites\n");
        let row = |site: &crate::admin::sites::Site| {
            vec![Cell::plain(format!("  {}", site.url)), label(&site.host)]
        };
        text.push_str(&terminal.table(&answer.sites.iter().map(row).collect::<Vec<_>>()));
    }
    text
}

fn described(stack: &Stack, answer: &Answer, terminal: Terminal) -> String {
    let style = match stack.status.as_str() {
        status if status.ends_with("_FAILED") || status.contains("ROLLBACK") => Style::Red,
        status if status.ends_with("_COMPLETE") => Style::Green,
        _ => Style::Yellow,
    };
    let mut text = terminal.table(&[vec![
        Cell::styled(Style::Bold, &stack.name),
        Cell::styled(style, &stack.status),
        Cell::styled(Style::Dim, &stack.changed),
    ]]);
    if let Some(reason) = &stack.reason {
        text.push_str(&terminal.table(&[vec![Cell::plain(format!("  {reason}"))]]));
    }
    let mut rows = Vec::new();
    for output in &stack.outputs {
        rows.push(vec![Cell::plain(format!("  {}", output.key)), Cell::plain(&output.value)]);
    }
    text.push_str(&terminal.table(&rows));
    text.push_str(&terminal.table(&functions(answer, Some(&stack.name))));
    text
}

/// The functions that a stack made, or those that none made.
fn functions(answer: &Answer, stack: Option<&str>) -> Vec<Vec<Cell>> {
    let those = answer.functions.iter().filter(|function| function.stack.as_deref() == stack);
    let row = |function: &crate::admin::status::Function| {
        let known_as = function.logical_id.as_deref().unwrap_or(&function.name);
        let state = function.state.as_deref().unwrap_or("Active");
        let style = if state == "Failed" { Style::Red } else { Style::Dim };
        vec![
            Cell::plain(format!("  λ {known_as}")),
            Cell::plain(function.runtime.as_deref().unwrap_or_default()),
            Cell::styled(style, state),
            Cell::styled(Style::Dim, if known_as == function.name { "" } else { &function.name }),
        ]
    };
    those.map(row).collect()
}

/// `2 d 3 h`, `3 h 4 min`, `4 min 5 s`, `5 s`.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cloud_at_a_glance() {
        let answer: Answer = serde_json::from_value(json!({
            "url": "http://127.0.0.1:4566", "region": "us-east-1", "account": "000000000000",
            "version": "0.1.0", "uptime": 3725, "isolation": "full: sandboxes",
            "stacks": [{
                "name": "orders", "status": "CREATE_COMPLETE", "reason": null,
                "changed": "2026-11-21T01:02:03Z",
                "outputs": [{"key": "Site", "value": "http://x/\u{1b}[2J", "description": null}],
            }],
            "sites": [{"host": "a.localhost", "url": "http://127.0.0.1:4600"}],
            "functions": [
                {"name": "orders-List-1", "runtime": "nodejs22.x", "state": "Active",
                 "stack": "orders", "logical_id": "List"},
                {"name": "alone", "runtime": null, "state": null, "stack": null,
                 "logical_id": null},
            ],
        }))
        .unwrap();
        assert_eq!(
            shown(&answer, "http://127.0.0.1:1/", Terminal::plain()),
            "Cloud      http://127.0.0.1:4566\n\
             Up         1 h 2 min\n\
             Region     us-east-1 (account 000000000000)\n\
             Isolation  full: sandboxes\n\
             Mailbox    http://127.0.0.1:1/\n\
             \n\
             orders  CREATE_COMPLETE  2026-11-21T01:02:03Z\n\
             \x20 Site  http://x/\u{241b}[2J\n\
             \x20 λ List  nodejs22.x  Active  orders-List-1\n\
             \n\
             Functions outside stacks\n\
             \x20 λ alone    Active\n\
             \n\
             Sites\n\
             \x20 http://127.0.0.1:4600  a.localhost\n"
        );
    }

    #[test]
    fn durations() {
        for (seconds, text) in
            [(5, "5 s"), (65, "1 min 5 s"), (3725, "1 h 2 min"), (100_000, "1 d 3 h")]
        {
            assert_eq!(duration(seconds), text);
        }
    }
}
