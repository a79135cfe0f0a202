//! Reading a DynamoDB stream, through the one door and as the function's role.

use cumulet_api_dynamodbstreams::ops::{
    DescribeStream, DescribeStreamInput, GetRecords, GetRecordsInput, GetShardIterator,
    GetShardIteratorInput,
};
use cumulet_api_dynamodbstreams::types::{Record, ShardIteratorType};
use cumulet_base::{Arn, Timestamp};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_shape::AnyShape as _;
use cumulet_wire::json::JsonWriter;
use serde_json::{Map, Value};

use super::batch::Entry;
use crate::error::Error;
use crate::name::FunctionName;
use crate::role;

/// A stream, and a context of who reads it.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) cx: Cx,
    pub(super) arn: String,
}

/// A place in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Oldest,
    Since(Timestamp),
    After(&'a str),
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Page {
    /// Records, and the iterator that goes on behind them; `None`: the shard is at its end.
    Records(Vec<Record>, Option<String>),
    /// The iterator is no more.
    Expired,
    /// What was to be read is no more.
    Trimmed,
}

impl Source {
    /// The shard after another, or the first. They come in the order of the records.
    pub(super) async fn next_shard(&self, after: Option<&str>) -> Result<Option<String>> {
        let input = DescribeStreamInput {
            stream_arn: self.arn.clone(),
            limit: Some(1),
            exclusive_start_shard_id: after.map(str::to_owned),
            ..DescribeStreamInput::default()
        };
        let found = self.cx.call::<DescribeStream>(input).await?.stream_description;
        let shards = found.and_then(|stream| stream.shards).unwrap_or_default();
        Ok(shards.into_iter().next().and_then(|shard| shard.shard_id))
    }

    /// An iterator from a place on; `None` where what is there has been trimmed.
    pub(super) async fn iterator(&self, shard: &str, place: Place<'_>) -> Result<Option<String>> {
        let (kind, timestamp, sequence) = match place {
            Place::Oldest => (ShardIteratorType::TrimHorizon, None, None),
            Place::Since(moment) => (ShardIteratorType::AtTimestamp, Some(moment), None),
            Place::After(number) => (ShardIteratorType::AfterSequenceNumber, None, Some(number)),
        };
        let input = GetShardIteratorInput {
            stream_arn: self.arn.clone(),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind,
            sequence_number: sequence.map(str::to_owned),
            timestamp,
        };
        match self.cx.call::<GetShardIterator>(input).await {
            Ok(found) => Ok(found.shard_iterator),
            Err(error) if error.code == "TrimmedDataAccessException" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What an iterator leads to.
    pub(super) async fn read(&self, iterator: String) -> Result<Page> {
        let input = GetRecordsInput { shard_iterator: iterator, ..GetRecordsInput::default() };
        match self.cx.call::<GetRecords>(input).await {
            Ok(page) => {
                Ok(Page::Records(page.records.unwrap_or_default(), page.next_shard_iterator))
            }
            Err(error) if error.code == "ExpiredIteratorException" => Ok(Page::Expired),
            Err(error) if error.code == "TrimmedDataAccessException" => Ok(Page::Trimmed),
            Err(error) => Err(error),
        }
    }
}

/// Refuses a stream that is not there, or that the function's role may not read. ListStreams is
/// never called: who allows it on the one stream, as some tools do, allows what matters.
pub(crate) async fn check(cx: &Cx, name: &FunctionName, role: &str, arn: &Arn) -> Result<()> {
    let cx = cx.acting_as(role::principal(cx, name, role).await?);
    let source = Source { cx, arn: arn.as_str().to_owned() };
    let tried = async {
        let Some(shard) = source.next_shard(None).await? else { return Ok(()) };
        let Some(iterator) = source.iterator(&shard, Place::Oldest).await? else { return Ok(()) };
        source.read(iterator).await.map(drop)
    };
    let refusal = |text: String| -> ServiceError { Error::Invalid(text).into() };
    match tried.await {
        Ok(()) => Ok(()),
        Err(error) if error.code == "AccessDeniedException" => Err(refusal(format!(
            "Cannot access stream {arn}. Please ensure the role can perform the GetRecords, \
             GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
        ))
        .because(error)),
        Err(error) if error.code == "ResourceNotFoundException" => {
            Err(refusal(format!("Stream not found: {arn}")).because(error))
        }
        Err(error) => Err(error),
    }
}

/// A record as it stands in an event: as GetRecords has it, with the stream's ARN, and the names of
/// `userIdentity` in lower case ("DynamoDB Streams and Time to Live").
pub(super) fn entry(record: &Record, arn: &str) -> Result<Entry> {
    let mut writer = JsonWriter::default();
    record.write_any(&mut writer);
    let mut event: Map<String, Value> =
        serde_json::from_slice(&writer.into_bytes()).map_err(ServiceError::internal)?;
    if let Some(Value::Object(identity)) = event.get_mut("userIdentity") {
        let lower = |(name, value): (String, Value)| {
            let mut letters = name.chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            (first.into_iter().chain(letters).collect(), value)
        };
        *identity = std::mem::take(identity).into_iter().map(lower).collect();
    }
    event.insert("eventSourceARN".to_owned(), Value::String(arn.to_owned()));
    let told = record.dynamodb.as_ref();
    let sequence = told.and_then(|told| told.sequence_number.clone());
    let at = told.and_then(|told| told.approximate_creation_date_time);
    let record = Value::Object(event);
    Ok(Entry {
        sequence: sequence.ok_or_else(|| ServiceError::internal("a record without a number"))?,
        at: at.unwrap_or(Timestamp::from_secs(0)),
        size: record.to_string().len(),
        record,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_api_dynamodbstreams::types::{
        Identity, OperationType, StreamRecord, StreamViewType,
    };
    use cumulet_attribute::ItemBuilder;
    use serde_json::json;

    #[test]
    fn records_look_as_functions_expect_them() {
        let mut key = ItemBuilder::new();
        key.name("pk");
        key.begin_value();
        key.number("7");
        key.end_value();
        let record = Record {
            event_id: Some("c4ca4238a0b923820dcc509a6f75849b".to_owned()),
            event_name: Some(OperationType::Remove),
            event_version: Some("1.1".to_owned()),
            event_source: Some("aws:dynamodb".to_owned()),
            aws_region: Some("us-east-1".to_owned()),
            dynamodb: Some(StreamRecord {
                approximate_creation_date_time: Some(Timestamp::from_secs(1_479_499_740)),
                keys: Some(key.finish().unwrap().into()),
                sequence_number: Some("100000000000000000001".to_owned()),
                size_bytes: Some(3),
                stream_view_type: Some(StreamViewType::KeysOnly),
                ..StreamRecord::default()
            }),
            user_identity: Some(Identity {
                principal_id: Some("dynamodb.amazonaws.com".to_owned()),
                r#type: Some("Service".to_owned()),
            }),
        };
        let entry = entry(&record, "arn:of:stream").unwrap();
        assert_eq!(
            entry.record,
            json!({
                "eventID": "c4ca4238a0b923820dcc509a6f75849b",
                "eventName": "REMOVE",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_479_499_740,
                    "Keys": { "pk": { "N": "7" } },
                    "SequenceNumber": "100000000000000000001",
                    "SizeBytes": 3,
                    "StreamViewType": "KEYS_ONLY"
                },
                "userIdentity": { "principalId": "dynamodb.amazonaws.com", "type": "Service" },
                "eventSourceARN": "arn:of:stream"
            })
        );
        assert_eq!(entry.sequence, "100000000000000000001");
        assert_eq!(entry.at, Timestamp::from_secs(1_479_499_740));
        assert_eq!(entry.size, entry.record.to_string().len());
    }
}
