//! What functions run in on this machine.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use cumulet_sandbox::{Family, Fit, Interpreter, Runtime, discover, select};
use serde::Serialize;

use crate::Outcome;
use crate::terminal::{Cell, Style, Terminal, print, print_json};

/// The interpreters of a machine, and what they are for.
#[derive(Debug, Serialize)]
struct Found {
    interpreters: Vec<Row>,
    /// Runtimes that this cloud offers and nothing here can run.
    missing: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Row {
    language: &'static str,
    version: String,
    path: String,
    source: String,
    /// Runtimes that it is.
    runs: Vec<&'static str>,
    /// Runtimes of older versions that it is the nearest to.
    newer_for: Vec<&'static str>,
}

pub(super) fn run(folder: Option<&Path>, json: bool) -> Outcome {
    let found = found(&discover(folder));
    if json {
        print_json(&found)?;
    } else {
        print(&shown(&found, Terminal::stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

fn found(interpreters: &[Interpreter]) -> Found {
    let row = |one: &Interpreter| Row {
        language: match one.family {
            Family::Node => "Node.js",
            Family::Python => "Python",
            Family::Provided => "",
        },
        version: one.release.clone(),
        path: one.path.display().to_string(),
        source: one.source.to_string(),
        runs: Vec::new(),
        newer_for: Vec::new(),
    };
    let mut rows: Vec<Row> = interpreters.iter().map(row).collect();
    let mut missing = Vec::new();
    // What a package brings itself needs nothing.
    for runtime in Runtime::all().filter(|runtime| runtime.family != Family::Provided) {
        let Some(selected) = select(runtime, interpreters) else {
            missing.push(runtime.name());
            continue;
        };
        let is_it = |one: &&Interpreter| Some(*one) == selected.interpreter.as_ref();
        let at = interpreters.iter().position(|one| is_it(&one));
        if let Some(row) = at.and_then(|at| rows.get_mut(at)) {
            match selected.fit {
                Fit::Exact => row.runs.push(runtime.name()),
                Fit::Substituted { .. } => row.newer_for.push(runtime.name()),
            }
        }
    }
    Found { interpreters: rows, missing }
}

fn shown(found: &Found, terminal: Terminal) -> String {
    let row = |row: &Row| {
        let mut runs = row.runs.join(", ");
        if !row.newer_for.is_empty() {
            let between = if runs.is_empty() { "" } else { "; " };
            let _ = write!(runs, "{between}in place of {}", row.newer_for.join(", "));
        }
        vec![
            Cell::styled(Style::Bold, format!("{} {}", row.language, row.version)),
            Cell::plain(&row.path),
            Cell::plain(&row.source),
            Cell::styled(Style::Green, runs),
        ]
    };
    let mut text = terminal.table(&found.interpreters.iter().map(row).collect::<Vec<_>>());
    if found.interpreters.iter().any(|row| !row.newer_for.is_empty()) {
        text.push_str(
            "\nA newer version runs functions in place of theirs in `cumulet up` and in `cumulet \
             serve --newer-runtimes`.\n",
        );
    }
    if !found.missing.is_empty() {
        let missing = terminal.paint(Style::Yellow, &found.missing.join(", "));
        let _ = writeln!(text, "\nNothing here runs {missing}.");
    }
    let node = Runtime::all().filter(|runtime| runtime.family == Family::Node).map(Runtime::name);
    let is_exact = |name: &&str| found.interpreters.iter().any(|row| row.runs.contains(name));
    let node: Vec<&str> = node.filter(|name| !is_exact(name)).collect();
    if !node.is_empty() {
        let node = node.join(" ");
        let _ = writeln!(text, "`cumulet runtimes add {node}` fetches Node.js by npm.");
    }
    text
}

#[cfg(test)]
mod tests {
    use cumulet_sandbox::{Source, Version};

    use super::*;

    fn interpreter(family: Family, version: Version, source: Source) -> Interpreter {
        let path = format!("/{source}/{version}").into();
        Interpreter { family, version, release: format!("{version}.1"), path, source }
    }

    #[test]
    fn each_says_what_it_runs_and_in_place_of_what() {
        let interpreters = [
            interpreter(Family::Node, Version(22, 4), Source::Folder),
            interpreter(Family::Node, Version(22, 5), Source::Path),
            interpreter(Family::Python, Version(3, 12), Source::Pyenv),
        ];
        assert_eq!(
            shown(&found(&interpreters), Terminal::plain()),
            "Node.js 22.4.1  /runtimes folder/22.4  runtimes folder  nodejs22.x; in place of \
             nodejs20.x\n\
             Node.js 22.5.1  /PATH/22.5             PATH\n\
             Python 3.12.1   /pyenv/3.12            pyenv            python3.12; in place of \
             python3.9, python3.10, python3.11\n\
             \n\
             A newer version runs functions in place of theirs in `cumulet up` and in `cumulet \
             serve --newer-runtimes`.\n\
             \n\
             Nothing here runs nodejs24.x, python3.13.\n\
             `cumulet runtimes add nodejs20.x nodejs24.x` fetches Node.js by npm.\n"
        );
    }
}
