//! GetShardIterator: a place in a shard, from where GetRecords reads on.
//!
//! Promises: an iterator that is valid for 15 minutes. TRIM_HORIZON is the oldest record that is
//! kept, LATEST what comes next; AT_ and AFTER_SEQUENCE_NUMBER are exact. AT_TIMESTAMP is the first
//! record at that second or later; a time before the oldest record is TRIM_HORIZON, one after the
//! newest is LATEST (as Kinesis has it: DynamoDB's guide does not say).
//! Refuses: a stream or shard that is not there, a sequence number where none belongs or of another
//! shard, one that is trimmed.

use cumulet_api_dynamodbstreams::ops::{
    GetShardIterator, GetShardIteratorInput, GetShardIteratorOutput,
};
use cumulet_api_dynamodbstreams::types::ShardIteratorType;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Read as _, Snapshot};

use crate::streams::{
    Change, Head, ShardIterator, ShardRecord, StreamError, StreamName, Streams, number,
};

impl Handle<GetShardIterator> for Streams {
    async fn access(&self, cx: &Cx, input: &GetShardIteratorInput) -> Result<Vec<Access>> {
        Ok(vec![input.stream_arn.parse::<StreamName>()?.access(cx, "dynamodb:GetShardIterator")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetShardIteratorInput,
    ) -> Result<GetShardIteratorOutput> {
        check_parameters(&input)?;
        let stream: StreamName = input.stream_arn.parse()?;
        let snapshot = cx.store().snapshot();
        let kept = stream.find(&snapshot).await?.first;
        let shard = stream.shard_number(&input.shard_id).ok_or(StreamError::NoShard)?;
        let record: Option<ShardRecord> = snapshot.get_record(&stream.shard(shard)).await?;
        let record = record.ok_or(StreamError::NoShard)?;
        let next = match &record.closed {
            Some(closed) => closed.last + 1,
            None => next(&snapshot, &stream).await?,
        };
        let oldest = record.first.max(kept).min(next);
        let position = match input.shard_iterator_type {
            ShardIteratorType::TrimHorizon => oldest,
            ShardIteratorType::Latest => next,
            ShardIteratorType::AtTimestamp => {
                let moment = input.timestamp.unwrap_or(Timestamp::from_millis(0));
                since(&snapshot, &stream, moment, oldest..next).await?
            }
            kind => {
                let given = number(input.sequence_number.as_deref().unwrap_or_default());
                // The next one is no record's yet, but an empty shard starts with it.
                let given = given.filter(|given| (record.first..=next).contains(given));
                let given = given.ok_or_else(foreign_sequence_number)?;
                if given < oldest {
                    return Err(StreamError::Trimmed.into());
                }
                if kind == ShardIteratorType::AfterSequenceNumber && given < next {
                    given + 1
                } else {
                    given
                }
            }
        };
        let iterator = ShardIterator { stream, shard, position }.issue(cx)?;
        Ok(GetShardIteratorOutput { shard_iterator: Some(iterator) })
    }
}

/// Refuses a sequence number or a time without need, and none where it is needed. (AWS's own texts
/// are not documented.)
fn check_parameters(input: &GetShardIteratorInput) -> std::result::Result<(), StreamError> {
    let kind = input.shard_iterator_type;
    let by_number = matches!(
        kind,
        ShardIteratorType::AtSequenceNumber | ShardIteratorType::AfterSequenceNumber
    );
    let by_time = kind == ShardIteratorType::AtTimestamp;
    let pairs = [
        ("SequenceNumber", input.sequence_number.is_some(), by_number),
        ("Timestamp", input.timestamp.is_some(), by_time),
    ];
    for (name, given, needed) in pairs {
        if given != needed {
            let must = if needed { "must" } else { "must not" };
            let kind = kind.as_str();
            let text = format!("{name} {must} be specified for ShardIteratorType {kind}");
            return Err(StreamError::Parameter(text));
        }
    }
    Ok(())
}

fn foreign_sequence_number() -> StreamError {
    StreamError::Parameter("The shard has no record with this SequenceNumber".to_owned())
}

/// The sequence number that the next record gets.
async fn next(snapshot: &Snapshot, stream: &StreamName) -> Result<u64> {
    let head: Option<Head> = snapshot.get_record(&stream.head()).await?;
    Ok(head.map_or(1, |head| head.next))
}

/// The first of these records that was written at a moment or later. They are in the order of time.
async fn since(
    snapshot: &Snapshot,
    stream: &StreamName,
    moment: Timestamp,
    records: std::ops::Range<u64>,
) -> Result<u64> {
    let (mut low, mut high) = (records.start, records.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let stored = snapshot.get(&stream.change(middle)).await?;
        let early = match stored {
            Some(stored) => Change::decode(stored)?.at < moment.millis(),
            None => true,
        };
        (low, high) = if early { (middle + 1, high) } else { (low, middle) };
    }
    Ok(low)
}
