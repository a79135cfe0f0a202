//! What the platform itself writes to a function's log: lines of text, or events as JSON.
//!
//! The events, and which level each has, are those of "Lambda Telemetry API Event schema reference"
//! and "Log level: system log level event mapping" in AWS's developer guide.

use std::time::Duration;

use cumulet_base::Timestamp;
use serde_json::{Value, json};

use crate::function::{Function, LogFormat};
use crate::launch::Exit;
use crate::outcome::{Report, Status, exit_reason};

/// In which form, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlatformLog {
    format: LogFormat,
    /// The least severe level that is written. Text has no levels: all of it is written.
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Debug,
    Info,
    Warn,
}

/// Something that the platform says.
#[derive(Debug)]
pub(crate) enum PlatformEvent<'a> {
    /// A sandbox begins to initialise.
    InitStart { runtime_version: String },
    /// Initialisation failed, in phase `init` or, started over, in phase `invoke`.
    InitFailed { took: Duration, phase: &'static str, status: Status },
    /// The runtime ended on its own account; during an invocation, of this request.
    Exited { request_id: Option<&'a str>, exit: Exit },
    /// An invocation begins.
    Start { request_id: &'a str, version: &'a str },
    /// The function took longer than it may.
    TimedOut { request_id: &'a str, after: Duration },
    /// An invocation has ended.
    Done(&'a Report),
}

impl PlatformLog {
    /// As `LoggingConfig` has it; the level is INFO where none is set.
    pub(crate) fn of(function: &Function) -> Self {
        let level = match function.system_log_level.as_deref() {
            Some("DEBUG") => Level::Debug,
            Some("WARN") => Level::Warn,
            _ => Level::Info,
        };
        Self { format: function.log_format, level }
    }

    /// The lines of an event that happens at `at`.
    pub(crate) fn lines(self, at: Timestamp, event: &PlatformEvent<'_>) -> Vec<String> {
        match self.format {
            LogFormat::Text => text(at, event),
            LogFormat::Json => events(event)
                .into_iter()
                .filter(|(level, ..)| *level >= self.level)
                .map(|(_, kind, record)| {
                    json!({ "time": at.iso8601(true), "type": kind, "record": record }).to_string()
                })
                .collect(),
        }
    }
}

fn text(at: Timestamp, event: &PlatformEvent<'_>) -> Vec<String> {
    match event {
        PlatformEvent::InitStart { runtime_version } => {
            vec![format!("INIT_START Runtime Version: {runtime_version}")]
        }
        PlatformEvent::InitFailed { took, phase, status } => {
            let took = millis(*took);
            vec![format!(
                "INIT_REPORT Init Duration: {took:.2} ms\tPhase: {phase}\tStatus: {status}"
            )]
        }
        PlatformEvent::Exited { request_id: None, exit } => vec![exit_reason(*exit)],
        PlatformEvent::Exited { request_id: Some(id), exit } => {
            vec![format!("RequestId: {id} Error: {}\nRuntime.ExitError", exit_reason(*exit))]
        }
        PlatformEvent::Start { request_id, version } => {
            vec![format!("START RequestId: {request_id} Version: {version}")]
        }
        PlatformEvent::TimedOut { request_id, after } => {
            let (at, seconds) = (at.iso8601(true), after.as_secs_f64());
            vec![format!("{at} {request_id} Task timed out after {seconds:.2} seconds")]
        }
        PlatformEvent::Done(report) => {
            vec![format!("END RequestId: {}", report.request_id), report.line()]
        }
    }
}

/// The events with their levels, types and records. That the runtime ended, or that time was up,
/// is the status of an event here; whether AWS writes it once more as text is not documented.
fn events(event: &PlatformEvent<'_>) -> Vec<(Level, &'static str, Value)> {
    let one = |level, kind, record| vec![(level, kind, record)];
    match event {
        PlatformEvent::InitStart { runtime_version } => one(
            Level::Info,
            "platform.initStart",
            json!({
                "initializationType": "on-demand", "phase": "init",
                "runtimeVersion": runtime_version,
            }),
        ),
        PlatformEvent::InitFailed { took, phase, status } => {
            let mut record = json!({
                "initializationType": "on-demand", "phase": phase,
                "metrics": { "durationMs": rounded(*took) },
            });
            set_status(&mut record, status);
            one(Level::Warn, "platform.initReport", record)
        }
        PlatformEvent::Exited { .. } | PlatformEvent::TimedOut { .. } => Vec::new(),
        PlatformEvent::Start { request_id, version } => one(
            Level::Info,
            "platform.start",
            json!({ "requestId": request_id, "version": version }),
        ),
        PlatformEvent::Done(report) => done(report),
    }
}

fn done(report: &Report) -> Vec<(Level, &'static str, Value)> {
    let (id, took) = (&*report.request_id, rounded(report.duration));
    let mut done = json!({ "requestId": id, "metrics": { "durationMs": took } });
    let mut metrics = json!({
        "durationMs": took,
        "billedDurationMs": report.billed.as_millis() as u64,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory.div_ceil(1 << 20),
    });
    if let (Some(init), Value::Object(metrics)) = (report.init_duration, &mut metrics) {
        metrics.insert("initDurationMs".to_owned(), rounded(init).into());
    }
    let mut whole = json!({ "requestId": id, "metrics": metrics });
    set_status(&mut done, &report.status);
    set_status(&mut whole, &report.status);
    let worse = report.status != Status::Success;
    let done_level = if worse { Level::Warn } else { Level::Debug };
    let report_level = if worse { Level::Warn } else { Level::Info };
    vec![(done_level, "platform.runtimeDone", done), (report_level, "platform.report", whole)]
}

fn set_status(record: &mut Value, status: &Status) {
    if let Value::Object(record) = record {
        let (word, error_type) = status.words();
        record.insert("status".to_owned(), word.into());
        if let Some(kind) = error_type {
            record.insert("errorType".to_owned(), kind.into());
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Milliseconds to the microsecond.
fn rounded(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_222_923_456);

    fn report(status: Status) -> Report {
        Report {
            request_id: "r-1".into(),
            duration: Duration::from_micros(1_234),
            billed: Duration::from_millis(102),
            memory_mb: 128,
            max_memory: 40 << 20,
            init_duration: Some(Duration::from_millis(100)),
            status,
        }
    }

    fn json_lines(level: Level, event: &PlatformEvent<'_>) -> Vec<Value> {
        let log = PlatformLog { format: LogFormat::Json, level };
        log.lines(AT, event).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn text_is_lambdas_own() {
        let log = PlatformLog { format: LogFormat::Text, level: Level::Warn };
        let check = |event: &PlatformEvent<'_>, expected: &[&str]| {
            assert_eq!(log.lines(AT, event), expected);
        };
        let runtime_version = "python:3.12".to_owned();
        check(
            &PlatformEvent::InitStart { runtime_version },
            &["INIT_START Runtime Version: python:3.12"],
        );
        check(
            &PlatformEvent::Start { request_id: "r-1", version: "$LATEST" },
            &["START RequestId: r-1 Version: $LATEST"],
        );
        check(
            &PlatformEvent::TimedOut { request_id: "r-1", after: Duration::from_secs(3) },
            &["2026-11-21T01:02:03.456Z r-1 Task timed out after 3.00 seconds"],
        );
        let status = Status::Error("Runtime.ExitError".to_owned());
        check(
            &PlatformEvent::InitFailed { took: Duration::from_millis(5), phase: "init", status },
            &["INIT_REPORT Init Duration: 5.00 ms\tPhase: init\tStatus: error\t\
               Error Type: Runtime.ExitError"],
        );
        let done = report(Status::Success);
        check(&PlatformEvent::Done(&done), &["END RequestId: r-1", &done.line()]);
    }

    #[test]
    fn events_have_types_records_and_levels() {
        let start = PlatformEvent::Start { request_id: "r-1", version: "7" };
        assert_eq!(
            json_lines(Level::Info, &start),
            [json!({
                "time": "2026-11-21T01:02:03.456Z", "type": "platform.start",
                "record": { "requestId": "r-1", "version": "7" },
            })]
        );
        assert_eq!(json_lines(Level::Warn, &start), [] as [Value; 0]);

        let well = report(Status::Success);
        let metrics = json!({
            "durationMs": 1.234, "billedDurationMs": 102, "memorySizeMB": 128,
            "maxMemoryUsedMB": 40, "initDurationMs": 100.0,
        });
        let lines = json_lines(Level::Info, &PlatformEvent::Done(&well));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["type"], "platform.report");
        assert_eq!(
            lines[0]["record"],
            json!({ "requestId": "r-1", "metrics": metrics, "status": "success" })
        );
        let all = json_lines(Level::Debug, &PlatformEvent::Done(&well));
        assert_eq!(all[0]["type"], "platform.runtimeDone");

        let ill = report(Status::Error("Runtime.ExitError".to_owned()));
        let lines = json_lines(Level::Warn, &PlatformEvent::Done(&ill));
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["record"]["errorType"], "Runtime.ExitError");
    }
}
