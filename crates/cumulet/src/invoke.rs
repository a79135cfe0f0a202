//! `cumulet invoke`: runs a function and prints what it answers.

use std::io::Read as _;
use std::process::ExitCode;

use clap::Args;

use crate::Outcome;
use crate::admin::invoke::{Invocation, Outcome as Answer};
use crate::cli::Place;
use crate::client::{self, Client};
use crate::terminal::{Style, Terminal, print};

/// Bytes of an event (Lambda's quota: 6 MB).
const EVENT: u64 = 6 << 20;

#[derive(Debug, Clone, Args)]
pub(crate) struct Invoke {
    /// The function, by its name or its logical id in a stack.
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: String,

    /// The event: JSON, a file of JSON, or - for standard input [default: {}]
    #[arg(long, short, value_name = "FILE|-|JSON")]
    pub(crate) event: Option<String>,

    /// The stack that the function is in, where several have one of this name.
    #[arg(long)]
    pub(crate) stack: Option<String>,

    #[command(flatten)]
    pub(crate) place: Place,
}

/// Prints the payload on standard output, the end of the log on standard error. Fails where the
/// function does.
pub(crate) fn run(options: Invoke) -> Outcome {
    let event = event(options.event.as_deref())?;
    let client = Client::of(&options.place)?;
    let Invoke { function, stack, .. } = options;
    let asked = Invocation { function, stack, event };
    let answer: Answer = client::wait(client.post("invoke", &asked))?;
    let terminal = Terminal::stderr();
    for line in answer.log.lines() {
        eprintln!("{}", terminal.paint(Style::Dim, &terminal.text(line)));
    }
    print(&format!("{}\n", Terminal::stdout().text(&answer.payload)));
    match answer.error {
        None => Ok(ExitCode::SUCCESS),
        Some(kind) => {
            let words = format!("the function failed ({kind})");
            eprintln!("{}", terminal.paint(Style::Red, &words));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The event's JSON: given, or in a file, or on standard input.
fn event(given: Option<&str>) -> Result<String, String> {
    let text = match given {
        None => "{}".to_owned(),
        Some("-") => read("standard input", std::io::stdin().lock())?,
        // What begins so is JSON and no path that anybody would choose.
        Some(json) if json.trim_start().starts_with(['{', '[', '"']) => json.to_owned(),
        Some(path) => match std::fs::File::open(path) {
            Ok(file) => read(path, file)?,
            // A number, `true`, `null`.
            Err(_) if serde_json::from_str::<serde_json::Value>(path).is_ok() => path.to_owned(),
            Err(why) => return Err(format!("{path}: {why}")),
        },
    };
    let json = serde_json::from_str::<serde::de::IgnoredAny>(&text);
    json.map_err(|why| format!("the event is no JSON: {why}"))?;
    Ok(text)
}

fn read(name: &str, from: impl std::io::Read) -> Result<String, String> {
    let mut text = String::new();
    from.take(EVENT + 1).read_to_string(&mut text).map_err(|why| format!("{name}: {why}"))?;
    if text.len() as u64 > EVENT {
        return Err(format!("{name}: an event has at most {EVENT} bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json_or_a_file_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        std::fs::write(&path, "{\"a\": 1}").unwrap();
        assert_eq!(event(path.to_str()).unwrap(), "{\"a\": 1}");
        for given in ["{\"b\":2}", " [1]", "\"x\"", "5", "null"] {
            assert_eq!(event(Some(given)).unwrap(), given);
        }
        assert_eq!(event(None).unwrap(), "{}");
        assert!(event(Some("{nonsense")).unwrap_err().contains("no JSON"));
        assert!(event(Some("no-such-file")).unwrap_err().starts_with("no-such-file: "));
    }
}
