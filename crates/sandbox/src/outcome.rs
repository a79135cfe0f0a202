//! What an invocation asks, what it brings home, and how its failures read.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::launch::Exit;

/// Bytes of a buffered response. AWS documents 6 MB and enforces this number.
pub const PAYLOAD_LIMIT: usize = 6_291_556;
/// Bytes of a streamed response (AWS: 200 MB).
pub const STREAM_LIMIT: u64 = 200 << 20;

/// One event for a function.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The request's id, a UUID. It becomes a header and part of a path.
    pub request_id: String,
    /// The event: the JSON document that the handler receives.
    pub payload: Bytes,
    /// The ARN that was called, with alias or version if one was named.
    pub function_arn: String,
    /// The X-Ray header: `Root=…;Parent=…;Sampled=…`.
    pub trace: Option<String>,
    /// The JSON of `X-Amz-Client-Context`, decoded from base64.
    pub client_context: Option<String>,
    /// The JSON of the Cognito identity: `{"cognitoIdentityId":…,"cognitoIdentityPoolId":…}`.
    pub cognito_identity: Option<String>,
}

/// A piece of a response that is passed on while the function still runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPart {
    /// Comes first, once.
    Start {
        /// `application/vnd.awslambda.http-integration-response` announces JSON metadata, eight
        /// NUL bytes, then the body.
        content_type: Option<String>,
    },
    /// Some bytes, never none.
    Data(Bytes),
}

/// Where a streamed response goes. A slow reader slows the function down; one that is gone costs
/// the function nothing: the rest is dropped.
pub type StreamSender = mpsc::Sender<StreamPart>;

/// What came of an invocation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The handler's answer, or how it failed. Empty where the answer was streamed.
    pub result: Result<Bytes, FunctionError>,
    /// The last 4 KB of the invocation's log.
    pub log_tail: Bytes,
    /// How long a cold start took. `None` on a warm sandbox.
    pub init_duration: Option<Duration>,
    /// How long the invocation ran.
    pub duration: Duration,
    /// What AWS would charge: whole milliseconds, cold start included.
    pub billed: Duration,
    /// The most memory that the sandbox used so far, in bytes.
    pub max_memory: u64,
}

/// A failure of the function, not of the platform: HTTP 200 with `X-Amz-Function-Error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// The value of `X-Amz-Function-Error`.
    pub kind: ErrorKind,
    /// Such as `Runtime.ExitError`, `Sandbox.Timedout`, or the exception's name.
    pub error_type: String,
    /// The response's body: JSON with `errorType` and `errorMessage`.
    pub body: Bytes,
}

/// The value of `X-Amz-Function-Error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The runtime client reported the error with this very word, as some older ones do.
    Handled,
    /// Everything else.
    Unhandled,
}

impl ErrorKind {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "Handled",
            Self::Unhandled => "Unhandled",
        }
    }
}

impl FunctionError {
    /// An error that the runtime client reported, with its own JSON.
    /// Its type is in a header, or, as AWS's client for Python does it, in the JSON alone.
    pub(crate) fn reported(header: Option<&str>, body: Bytes) -> Self {
        let kind = match header {
            Some("Handled") => ErrorKind::Handled,
            _ => ErrorKind::Unhandled,
        };
        let plain = |text: &&str| !matches!(*text, "" | "Handled" | "Unhandled");
        let in_json = || {
            let json: serde_json::Value = serde_json::from_slice(&body).ok()?;
            json.get("errorType")?.as_str().map(str::to_owned)
        };
        let error_type = header.filter(plain).map(str::to_owned).or_else(in_json);
        let error_type = error_type.unwrap_or_else(|| "Runtime.Unknown".to_owned());
        Self { kind, error_type, body }
    }

    /// An error that the platform found.
    pub(crate) fn platform(error_type: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
        Self {
            kind: ErrorKind::Unhandled,
            error_type: error_type.to_owned(),
            body: Bytes::from(body.to_string()),
        }
    }

    pub(crate) fn timed_out(request_id: &str, after: Duration) -> Self {
        let seconds = after.as_secs_f64();
        let message =
            format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
        Self::platform("Sandbox.Timedout", &message)
    }

    pub(crate) fn exited(request_id: &str, exit: Exit) -> Self {
        let reason = exit_reason(exit);
        Self::platform("Runtime.ExitError", &format!("RequestId: {request_id} Error: {reason}"))
    }

    pub(crate) fn too_large() -> Self {
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
        );
        Self::platform("Function.ResponseSizeTooLarge", &message)
    }

    pub(crate) fn truncated() -> Self {
        Self::platform("Runtime.TruncatedResponse", "The response ended before its end")
    }
}

/// Lambda's words for the end of a runtime that nobody asked for.
pub(crate) fn exit_reason(exit: Exit) -> String {
    match exit {
        Exit::Status(0) => "Runtime exited without providing a reason".to_owned(),
        exit => format!("Runtime exited with error: {exit}"),
    }
}

impl Status {
    pub(crate) fn of(result: &Result<Bytes, FunctionError>) -> Self {
        match result {
            Err(error) if error.error_type == "Sandbox.Timedout" => Self::Timeout,
            Err(error)
                if error.error_type.starts_with("Runtime.")
                    || error.error_type.starts_with("Function.") =>
            {
                Self::Error(error.error_type.clone())
            }
            _ => Self::Success,
        }
    }

    /// AWS's word for it, and the error's type where there is one.
    pub(crate) fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Success => ("success", None),
            Self::Timeout => ("timeout", None),
            Self::Error(kind) => ("error", Some(kind)),
        }
    }
}

/// Numbers for the REPORT line.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) request_id: Arc<str>,
    pub(crate) duration: Duration,
    pub(crate) billed: Duration,
    pub(crate) memory_mb: u32,
    pub(crate) max_memory: u64,
    pub(crate) init_duration: Option<Duration>,
    pub(crate) status: Status,
}

/// How an initialisation or an invocation ended, for its report. Only what the platform or the
/// runtime client found is named: whether AWS names a handler's own exception there is not
/// documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    Timeout,
    /// The error's type.
    Error(String),
}

/// As the lines of text have it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, error_type) = self.words();
        f.write_str(word)?;
        error_type.map_or(Ok(()), |kind| write!(f, "\tError Type: {kind}"))
    }
}

impl Report {
    /// `REPORT RequestId: …\tDuration: … ms\t…`
    pub(crate) fn line(&self) -> String {
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t\
             Max Memory Used: {} MB\t",
            self.request_id,
            millis(self.duration),
            self.billed.as_millis(),
            self.memory_mb,
            self.max_memory.div_ceil(1 << 20),
        );
        if let Some(init) = self.init_duration {
            let _ = write!(line, "Init Duration: {:.2} ms\t", millis(init));
        }
        if self.status != Status::Success {
            let _ = write!(line, "Status: {}", self.status);
        }
        line
    }
}

/// Whole milliseconds, rounded up. AWS charges initialisation too (since August 2025).
pub(crate) fn billed(duration: Duration, init: Option<Duration>) -> Duration {
    let total = duration + init.unwrap_or_default();
    Duration::from_millis(total.as_micros().div_ceil(1000) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_read_as_on_aws() {
        let check = |error: FunctionError, body: &str| {
            assert_eq!(std::str::from_utf8(&error.body).unwrap(), body);
            assert_eq!(error.kind, ErrorKind::Unhandled);
        };
        check(
            FunctionError::timed_out("r-1", Duration::from_secs(3)),
            r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: r-1 Error: Task timed out after 3.00 seconds"}"#,
        );
        check(
            FunctionError::exited("r-1", Exit::Status(1)),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: exit status 1"}"#,
        );
        check(
            FunctionError::exited("r-1", Exit::Signal(9)),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited with error: signal: killed"}"#,
        );
        check(
            FunctionError::exited("r-1", Exit::Status(0)),
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: r-1 Error: Runtime exited without providing a reason"}"#,
        );
        check(
            FunctionError::too_large(),
            r#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#,
        );
    }

    #[test]
    fn the_type_comes_from_the_header_or_the_json() {
        let json = Bytes::from_static(br#"{"errorType":"KeyError"}"#);
        let check = |header, body: &Bytes, kind, error_type: &str| {
            let error = FunctionError::reported(header, body.clone());
            assert_eq!((error.kind, error.error_type.as_str()), (kind, error_type), "{header:?}");
        };
        check(Some("Runtime.X"), &json, ErrorKind::Unhandled, "Runtime.X");
        check(Some("Unhandled"), &json, ErrorKind::Unhandled, "KeyError");
        check(Some("Handled"), &json, ErrorKind::Handled, "KeyError");
        check(None, &json, ErrorKind::Unhandled, "KeyError");
        check(None, &Bytes::from_static(b"no json"), ErrorKind::Unhandled, "Runtime.Unknown");
    }

    #[test]
    fn report_lines() {
        let mut report = Report {
            request_id: "r-1".into(),
            duration: Duration::from_micros(1_234),
            billed: billed(Duration::from_micros(1_234), Some(Duration::from_millis(100))),
            memory_mb: 128,
            max_memory: (40 << 20) + 1,
            init_duration: Some(Duration::from_millis(100)),
            status: Status::Success,
        };
        assert_eq!(
            report.line(),
            "REPORT RequestId: r-1\tDuration: 1.23 ms\tBilled Duration: 102 ms\t\
             Memory Size: 128 MB\tMax Memory Used: 41 MB\tInit Duration: 100.00 ms\t"
        );
        report.init_duration = None;
        report.status = Status::Error("Runtime.ExitError".to_owned());
        assert!(report.line().ends_with("41 MB\tStatus: error\tError Type: Runtime.ExitError"));
    }
}
