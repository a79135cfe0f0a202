//! `cumulet logs`: what functions and services wrote, in order, and what they write from now on.

use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use cumulet_base::Timestamp;

use crate::Outcome;
use crate::admin::logs::{Line, Lines, Question};
use crate::cli::Place;
use crate::client::{self, Client};
use crate::terminal::{Style, Terminal, print};

/// How often new lines are asked for.
const PAUSE: Duration = Duration::from_millis(500);
/// How much later than its own time a line may become visible.
const LATE: i64 = 10_000;
/// Lines that are remembered, to print none twice.
const SEEN: usize = 50_000;

#[derive(Debug, Clone, Args)]
pub(crate) struct Logs {
    /// The stack whose functions and groups are meant [default: everything]
    #[arg(value_name = "STACK")]
    pub(crate) stack: Option<String>,

    /// One function, by its name or its logical id.
    #[arg(long, value_name = "NAME", conflicts_with = "group")]
    pub(crate) function: Option<String>,

    /// One log group.
    #[arg(long, value_name = "GROUP", conflicts_with = "stack")]
    pub(crate) group: Option<String>,

    /// Go on with what is written from now on, until Ctrl-C.
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// How far back to begin: 30s, 10m, 2h, 1d.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub(crate) since: Duration,

    /// Only lines that match this pattern of CloudWatch Logs.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) filter: Option<String>,

    /// Print a JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) place: Place,
}

pub(crate) fn run(options: Logs) -> Outcome {
    let client = Client::of(&options.place)?;
    client::wait(follow(&client, options))?;
    Ok(ExitCode::SUCCESS)
}

async fn follow(client: &Client, options: Logs) -> Result<(), String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = i64::try_from(now.saturating_sub(options.since).as_millis()).unwrap_or(i64::MAX);
    let Logs { stack, function, group, filter, .. } = options;
    let mut question = Question { stack, function, group, since, filter };
    let mut seen = Seen::default();
    let terminal = Terminal::stdout();
    loop {
        let answer: Lines = client.post("logs", &question).await?;
        let mut any = false;
        for line in answer.events {
            if seen.is_new(&line) {
                any = true;
                let text = if options.json {
                    serde_json::to_string(&line).map_err(|why| why.to_string())?
                } else {
                    shown(&line, terminal)
                };
                print(&format!("{text}\n"));
            }
        }
        match answer.more {
            // More lines of one moment than an answer holds: on to the next one.
            Some(end) if !any => question.since = question.since.max(end) + 1,
            Some(end) => question.since = end,
            None if !options.follow => return Ok(()),
            None => {
                question.since = question.since.max(answer.now - LATE);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Which lines were printed already.
#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    fn is_new(&mut self, line: &Line) -> bool {
        let id = format!("{}\n{}", line.group, line.id);
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > SEEN
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// `01:02:03.456 orders  message`, the group in its colour.
fn shown(line: &Line, terminal: Terminal) -> String {
    let at = Timestamp::from_millis(line.at).iso8601(true);
    let time = at.split_once('T').map_or("", |(_, time)| time.trim_end_matches('Z'));
    let group = line.group.strip_prefix("/aws/lambda/").unwrap_or(&line.group);
    format!(
        "{} {}  {}",
        terminal.paint(Style::Dim, time),
        terminal.paint(Terminal::colour_of(group), &terminal.text(group)),
        terminal.text(line.message.trim_end_matches(['\n', '\r']))
    )
}

/// `30s`, `10m`, `2h`, `1d`.
fn duration(text: &str) -> Result<Duration, String> {
    let split = text.len().saturating_sub(1);
    let unit = match text.get(split..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        _ => return Err("write a number and its unit: 30s, 10m, 2h, 1d".to_owned()),
    };
    let number: u64 = text.get(..split).unwrap_or_default().parse().map_err(|_| "no number")?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, message: &str) -> Line {
        Line {
            at: 1_795_222_923_456,
            group: "/aws/lambda/orders".to_owned(),
            stream: "s".to_owned(),
            id: id.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn times_back() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in [
            "",
            "10",
            "m",
            "-1m",
            "1.5h",
            "10 m",
            "99999999999999999999d",
            "18446744073709551615d",
            "ä",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_is_shown_once() {
        assert_eq!(shown(&line("1", "hello\n"), Terminal::plain()), "01:02:03.456 orders  hello");
        let mut seen = Seen::default();
        assert!(seen.is_new(&line("1", "")) && seen.is_new(&line("2", "")));
        assert!(!seen.is_new(&line("1", "")));
        for id in 0..SEEN {
            assert!(seen.is_new(&line(&format!("n{id}"), "")));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (SEEN, SEEN));
    }
}
