//! GetRecords: the records of a shard from an iterator's place on.
//!
//! Promises: records in the order of their sequence numbers, at most `Limit` (1000) and about 1 MB,
//! and the iterator that goes on behind them, which a closed shard's last answer has not.
//! Refuses: an iterator that is none, or older than 15 minutes; a place that is trimmed. AWS's
//! limit on how many read one shard at once is not enforced.

use bytes::Bytes;
use cumulet_api_dynamodbstreams::ops::{GetRecords, GetRecordsInput, GetRecordsOutput};
use cumulet_api_dynamodbstreams::types::{
    Identity, OperationType, Record, StreamRecord, StreamViewType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::streams::{
    Change, Event, ShardIterator, ShardRecord, StreamError, StreamInfo, StreamName, Streams, limit,
    sequence, sequence_of,
};

/// Records of one answer, at most.
const PAGE: usize = 1000;
/// Bytes of the records of one answer, unless the first alone has more.
const BYTES: usize = 1 << 20;

impl Handle<GetRecords> for Streams {
    async fn access(&self, cx: &Cx, input: &GetRecordsInput) -> Result<Vec<Access>> {
        let stream = ShardIterator::stream(&input.shard_iterator)?;
        Ok(vec![stream.access(cx, "dynamodb:GetRecords")])
    }

    async fn handle(&self, cx: &Cx, input: GetRecordsInput) -> Result<GetRecordsOutput> {
        let limit = limit(input.limit, PAGE)?;
        let ShardIterator { stream, shard, position } =
            ShardIterator::open(cx, &input.shard_iterator)?;
        let snapshot = cx.store().snapshot();
        let info = stream.find(&snapshot).await?;
        let record: Option<ShardRecord> = snapshot.get_record(&stream.shard(shard)).await?;
        let closed = record.ok_or(StreamError::Trimmed)?.closed;
        let last = closed.as_ref().map(|closed| closed.last);
        if last.is_some_and(|last| position > last) {
            return Ok(GetRecordsOutput { records: Some(Vec::new()), next_shard_iterator: None });
        }
        if position < info.first {
            return Err(StreamError::Trimmed.into());
        }
        let mut range = stream.changes().prefix().starting_at(&stream.change(position));
        if let Some(last) = last {
            range = range.ending_at(&stream.change(last));
        }
        let page = snapshot.range(&range, Direction::Forward, limit).await?;
        let found = page.items.len();
        let (records, next) = read(&stream, &info, page.items, position)?;
        let drained = last.is_some() && page.rest.is_none() && records.len() == found;
        let next = ShardIterator { stream, shard, position: next };
        Ok(GetRecordsOutput {
            records: Some(records),
            next_shard_iterator: if drained { None } else { Some(next.issue(cx)?) },
        })
    }
}

/// As many of the records as an answer holds, and the sequence number after them.
fn read(
    stream: &StreamName,
    info: &StreamInfo,
    stored: Vec<(Bytes, Bytes)>,
    position: u64,
) -> Result<(Vec<Record>, u64)> {
    let (mut records, mut bytes, mut next) = (Vec::new(), 0, position);
    for (key, stored) in stored {
        bytes += stored.len();
        if bytes > BYTES && !records.is_empty() {
            break;
        }
        let number = sequence_of(&key)?;
        records.push(record(stream, info, number, Change::decode(stored)?));
        next = number + 1;
    }
    Ok((records, next))
}

fn record(stream: &StreamName, info: &StreamInfo, number: u64, change: Change) -> Record {
    let size = change.size();
    // Time to live removes items as a service of AWS's (developer guide, "DynamoDB Streams and
    // Time to Live").
    let identity = change.expired.then(|| Identity {
        principal_id: Some("dynamodb.amazonaws.com".to_owned()),
        r#type: Some("Service".to_owned()),
    });
    Record {
        event_id: Some(stream.event_id(number)),
        event_name: Some(match change.event {
            Event::Insert => OperationType::Insert,
            Event::Modify => OperationType::Modify,
            Event::Remove => OperationType::Remove,
        }),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(stream.region.to_string()),
        dynamodb: Some(StreamRecord {
            // AWS's has whole seconds.
            approximate_creation_date_time: Some(Timestamp::from_secs(change.at.div_euclid(1000))),
            keys: Some(change.key.into()),
            new_image: change.new.map(Into::into),
            old_image: change.old.map(Into::into),
            sequence_number: Some(sequence(number)),
            size_bytes: i64::try_from(size).ok(),
            stream_view_type: StreamViewType::from_wire(&info.view),
        }),
        user_identity: identity,
    }
}
