//! Telling of batches that are given up.
//!
//! "Retain discarded records for a DynamoDB event source in Lambda" in the developer guide.

use cumulet_base::Timestamp;
use cumulet_sandbox::Outcome;
use cumulet_service::{Cx, Result};
use serde_json::{Value, json};

use super::MappingRecord;
use super::batch::{self, Entry};
use crate::destination::{Destination, Purpose, object_key};
use crate::record::response;

/// Why a batch is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Condition {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// A batch that is given up.
#[derive(Debug)]
pub(super) struct Discarded<'a> {
    pub(super) mapping: &'a MappingRecord,
    /// With its qualifier, if the mapping names one.
    pub(super) function_arn: &'a str,
    pub(super) shard: &'a str,
    pub(super) entries: &'a [Entry],
    pub(super) condition: Condition,
    /// Times that the function has seen it.
    pub(super) invoked: u32,
    /// What it answered last, and its version. `None` where it was not run: what AWS's record then
    /// has in place of it is not documented.
    pub(super) answer: Option<(&'a Outcome, &'a str)>,
    pub(super) request_id: &'a str,
}

impl Discarded<'_> {
    /// Sends the record, with the whole batch in it, to the bucket that the mapping names.
    pub(super) async fn tell(&self, cx: &Cx) -> Result<()> {
        let Some(to) = &self.mapping.settings.on_failure else { return Ok(()) };
        let destination = Destination::parse(to, Purpose::Discarded)?;
        let now = cx.now();
        let folder = format!("{}/{}", self.mapping.uuid, self.shard);
        let key = object_key(&folder, now, &cx.ids().uuid());
        destination.deliver(cx, self.document(now).to_string().into_bytes(), &key).await
    }

    fn document(&self, now: Timestamp) -> Value {
        let sequence = |entry: Option<&Entry>| entry.map(|entry| entry.sequence.clone());
        let arrival = |entry: Option<&Entry>| entry.map(|entry| entry.at.iso8601(false));
        let (first, last) = (self.entries.first(), self.entries.last());
        let mut record = json!({
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.invoked,
            },
        });
        if let Some(record) = record.as_object_mut() {
            if let Some((outcome, version)) = self.answer {
                record.insert("responseContext".to_owned(), response(outcome, version).0);
            }
            let info = json!({
                "shardId": self.shard,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.entries.len(),
                "streamArn": self.mapping.source,
            });
            record.insert("version".to_owned(), json!("1.0"));
            record.insert("timestamp".to_owned(), json!(now.iso8601(true)));
            record.insert("DDBStreamBatchInfo".to_owned(), info);
            let event = batch::event(self.entries.iter());
            let event = String::from_utf8_lossy(&event).into_owned();
            record.insert("payload".to_owned(), Value::String(event));
        }
        record
    }
}
