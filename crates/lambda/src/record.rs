//! The record of an invocation, as destinations get it (version 1.0).
//!
//! "Capturing records of Lambda asynchronous invocations" in the developer guide.

use cumulet_base::Timestamp;
use cumulet_sandbox::Outcome;
use serde_json::{Value, json};

/// How an event's time in the queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The function answered.
    Success,
    /// It failed for the last time.
    RetriesExhausted,
    /// The event grew too old.
    EventAgeExceeded,
}

impl Condition {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

/// What an event's record tells.
#[derive(Debug)]
pub(crate) struct EventRecord<'a> {
    pub(crate) at: Timestamp,
    pub(crate) request_id: &'a str,
    /// With its qualifier, `$LATEST` included.
    pub(crate) function_arn: &'a str,
    pub(crate) condition: Condition,
    /// Times that the function ran.
    pub(crate) invoked: u32,
    /// The event.
    pub(crate) payload: &'a [u8],
    /// The last answer and the version that gave it. `None` where the event was given up without
    /// running the function: what AWS's record then has in place of it is not documented.
    pub(crate) answer: Option<(&'a Outcome, &'a str)>,
}

impl EventRecord<'_> {
    /// The document, at most `limit` bytes long: without the answer's payload, and then without the
    /// event's, if need be ("Lambda drops the payload").
    pub(crate) fn document(&self, limit: usize) -> Value {
        let mut record = json!({
            "version": "1.0",
            "timestamp": self.at.iso8601(true),
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invoked,
            },
            "requestPayload": payload(self.payload),
        });
        if let (Some((outcome, version)), Some(record)) = (self.answer, record.as_object_mut()) {
            let (context, answer) = response(outcome, version);
            record.insert("responseContext".to_owned(), context);
            record.insert("responsePayload".to_owned(), answer);
        }
        for dropped in ["responsePayload", "requestPayload"] {
            if record.to_string().len() <= limit {
                break;
            }
            if let Some(record) = record.as_object_mut() {
                record.remove(dropped);
            }
        }
        record
    }
}

/// `responseContext` and `responsePayload` of what a function answered.
pub(crate) fn response(outcome: &Outcome, version: &str) -> (Value, Value) {
    let mut context = json!({ "statusCode": 200, "executedVersion": version });
    let body = match &outcome.result {
        Ok(body) => body,
        Err(error) => {
            if let Some(context) = context.as_object_mut() {
                context.insert("functionError".to_owned(), json!(error.kind.as_str()));
            }
            &error.body
        }
    };
    (context, payload(body))
}

/// A payload within a record: what is no JSON is a text.
fn payload(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return json!({});
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cumulet_sandbox::{ErrorKind, FunctionError};
    use std::time::Duration;

    fn outcome(result: Result<Bytes, FunctionError>) -> Outcome {
        Outcome {
            result,
            log_tail: Bytes::new(),
            init_duration: None,
            duration: Duration::ZERO,
            billed: Duration::ZERO,
            max_memory: 0,
        }
    }

    fn failed() -> Outcome {
        outcome(Err(FunctionError {
            kind: ErrorKind::Unhandled,
            error_type: "KeyError".to_owned(),
            body: Bytes::from_static(br#"{"errorMessage":"'x'","errorType":"KeyError"}"#),
        }))
    }

    fn record<'a>(answer: Option<(&'a Outcome, &'a str)>, condition: Condition) -> EventRecord<'a> {
        EventRecord {
            at: Timestamp::from_millis(1_573_755_365_568),
            request_id: "e4b46cbf-b738-4880-a18c-df61200e0000",
            function_arn: "arn:aws:lambda:us-east-2:123456789012:function:my-function:$LATEST",
            condition,
            invoked: 3,
            payload: br#"{"ORDER_IDS":["9e07af03"]}"#,
            answer,
        }
    }

    #[test]
    fn a_failure_is_recorded_as_the_guide_shows_it() {
        let outcome = failed();
        let record = record(Some((&outcome, "$LATEST")), Condition::RetriesExhausted);
        assert_eq!(
            record.document(1000),
            json!({
                "version": "1.0",
                "timestamp": "2019-11-14T18:16:05.568Z",
                "requestContext": {
                    "requestId": "e4b46cbf-b738-4880-a18c-df61200e0000",
                    "functionArn":
                        "arn:aws:lambda:us-east-2:123456789012:function:my-function:$LATEST",
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": 3
                },
                "requestPayload": { "ORDER_IDS": ["9e07af03"] },
                "responseContext": {
                    "statusCode": 200,
                    "executedVersion": "$LATEST",
                    "functionError": "Unhandled"
                },
                "responsePayload": { "errorMessage": "'x'", "errorType": "KeyError" }
            })
        );
    }

    #[test]
    fn answers_that_are_no_json_and_those_that_never_came() {
        let text = outcome(Ok(Bytes::from_static(b"done\xff")));
        let succeeded = record(Some((&text, "7")), Condition::Success).document(1000);
        assert_eq!(succeeded["responsePayload"], "done\u{fffd}");
        assert_eq!(
            succeeded["responseContext"],
            json!({ "statusCode": 200, "executedVersion": "7" })
        );
        let aged = record(None, Condition::EventAgeExceeded).document(1000);
        assert_eq!(aged["requestContext"]["condition"], "EventAgeExceeded");
        assert!(aged.get("responseContext").is_none() && aged.get("responsePayload").is_none());
    }

    #[test]
    fn a_record_that_is_too_large_drops_its_payloads() {
        let large = outcome(Ok(Bytes::from(format!("\"{}\"", "x".repeat(2000)))));
        let record = record(Some((&large, "$LATEST")), Condition::Success);
        let fitted = record.document(1000);
        assert!(fitted.get("responsePayload").is_none());
        assert_eq!(fitted["requestPayload"]["ORDER_IDS"][0], "9e07af03");
        let smallest = record.document(10);
        assert!(smallest.get("requestPayload").is_none());
        assert_eq!(smallest["responseContext"]["executedVersion"], "$LATEST");
    }
}
