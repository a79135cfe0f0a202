//! `cumulet doctor`: whether this machine and this data folder can run a cloud, and what to do
//! where they cannot; with `--verify`, whether the data of a stopped cloud agree with themselves.

mod data;
mod machine;
mod place;
mod port;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::Outcome;
use crate::admin::status::Status;
use crate::cli::Place;
use crate::client::{self, Client};
use crate::runtimes::Interpreters;
use crate::terminal::{Cell, Style, Terminal, print, print_json};

#[derive(Debug, Clone, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) place: Place,

    #[command(flatten)]
    pub(crate) interpreters: Interpreters,

    /// The address that the cloud would listen on.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,

    /// Look instead whether the data of a stopped cloud agree with themselves: items, index entries
    /// and streams.
    #[arg(long)]
    pub(crate) verify: bool,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// As it should be.
    Ok,
    /// A cloud runs, but not all of it, or not as safely as it could.
    Warn,
    /// A cloud cannot run, or a secret lies open.
    Fail,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) health: Health,
    /// What was looked at.
    pub(crate) what: &'static str,
    /// How it is, and what to do where it is not well.
    pub(crate) words: String,
}

impl Finding {
    fn ok(what: &'static str, words: impl Into<String>) -> Self {
        Self { health: Health::Ok, what, words: words.into() }
    }

    fn warn(what: &'static str, words: impl Into<String>) -> Self {
        Self { health: Health::Warn, what, words: words.into() }
    }

    fn fail(what: &'static str, words: impl Into<String>) -> Self {
        Self { health: Health::Fail, what, words: words.into() }
    }
}

/// Fails where something would keep a cloud from running, or something stored is wrong.
pub(crate) fn run(options: &Doctor) -> Outcome {
    let findings = if options.verify { data::data(&options.place) } else { checks(options) };
    if options.json {
        print_json(&findings)?;
    } else {
        print(&shown(&findings, Terminal::stdout()));
    }
    let failed = findings.iter().any(|finding| finding.health == Health::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn checks(options: &Doctor) -> Vec<Finding> {
    let running = Client::of(&options.place).and_then(|client| client::wait(client.get("status")));
    let running: Option<Status> = running.ok();
    vec![
        place::folder(&options.place, running.as_ref()),
        place::key(&options.place),
        place::secrets(&options.place),
        port::port(options.listen, running.as_ref().map(|status| status.url.as_str())),
        machine::disk(&options.place.data),
        machine::clock(),
        machine::runtimes(options.interpreters.folder().as_deref()),
        machine::isolation(&options.place.data),
        machine::authorities(),
    ]
}

fn shown(findings: &[Finding], terminal: Terminal) -> String {
    let row = |finding: &Finding| {
        let (style, word) = match finding.health {
            Health::Ok => (Style::Green, "ok"),
            Health::Warn => (Style::Yellow, "warn"),
            Health::Fail => (Style::Red, "fail"),
        };
        vec![
            Cell::styled(style, word),
            Cell::styled(Style::Bold, finding.what),
            Cell::plain(&finding.words),
        ]
    };
    terminal.table(&findings.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_a_table() {
        let findings = [Finding::ok("clock", "right"), Finding::fail("port", "taken: stop it")];
        assert_eq!(
            shown(&findings, Terminal::plain()),
            "ok    clock  right\nfail  port   taken: stop it\n"
        );
    }
}
