//! DescribeStream: what a stream is, and its shards, oldest first.
//!
//! Promises: at most `Limit` (100) shards after `ExclusiveStartShardId`, which need not be there;
//! `LastEvaluatedShardId` where there are more. With a `ShardFilter` only the children of a shard.
//! A shard that is open has no ending sequence number.
//! Refuses: a stream that is not there.

use cumulet_api_dynamodbstreams::ops::{DescribeStream, DescribeStreamInput, DescribeStreamOutput};
use cumulet_api_dynamodbstreams::types::{
    KeySchemaElement, KeyType, SequenceNumberRange, Shard, ShardFilter, StreamDescription,
    StreamStatus, StreamViewType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::describe::stream_label;
use crate::model::KeyRecord;
use crate::streams::{
    ShardRecord, StreamError, StreamInfo, StreamName, Streams, limit, sequence, sequence_of,
};

/// Shards of one answer, at most.
const PAGE: usize = 100;

impl Handle<DescribeStream> for Streams {
    async fn access(&self, cx: &Cx, input: &DescribeStreamInput) -> Result<Vec<Access>> {
        Ok(vec![input.stream_arn.parse::<StreamName>()?.access(cx, "dynamodb:DescribeStream")])
    }

    async fn handle(&self, cx: &Cx, input: DescribeStreamInput) -> Result<DescribeStreamOutput> {
        let limit = limit(input.limit, PAGE)?;
        let name: StreamName = input.stream_arn.parse()?;
        let parent = parent(&name, input.shard_filter.as_ref())?;
        let snapshot = cx.store().snapshot();
        let info = name.find(&snapshot).await?;
        let mut shards = Vec::new();
        let mut more = false;
        let mut scan = snapshot.scan(name.shards().prefix(), Direction::Forward);
        while let Some((key, record)) = scan.next_record::<ShardRecord>().await? {
            let shard = shard(&name, &info, sequence_of(&key)?, &record);
            let after = input.exclusive_start_shard_id.as_ref();
            let wanted = after.is_none_or(|after| shard.shard_id.as_ref() > Some(after))
                && parent.is_none_or(|parent| record.parent == parent && parent.is_some());
            if wanted {
                more = shards.len() == limit;
                if more {
                    break;
                }
                shards.push(shard);
            }
        }
        let last = shards.last().filter(|_| more).and_then(|shard| shard.shard_id.clone());
        Ok(DescribeStreamOutput {
            stream_description: Some(StreamDescription {
                stream_label: Some(stream_label(name.label)),
                stream_status: Some(match info.closed {
                    None => StreamStatus::Enabled,
                    Some(_) => StreamStatus::Disabled,
                }),
                stream_view_type: StreamViewType::from_wire(&info.view),
                creation_request_date_time: Some(Timestamp::from_millis(name.label)),
                key_schema: Some(key_schema(&info.key)),
                shards: Some(shards),
                last_evaluated_shard_id: last,
                stream_arn: Some(input.stream_arn),
                table_name: Some(name.table),
            }),
        })
    }
}

/// The parent that a filter asks for, if there is one; `Some(None)`: one that is not there.
#[allow(clippy::option_option, reason = "no filter, and a filter that nothing passes")]
fn parent(
    name: &StreamName,
    filter: Option<&ShardFilter>,
) -> std::result::Result<Option<Option<u64>>, StreamError> {
    let Some(filter) = filter.filter(|filter| filter.r#type.is_some()) else { return Ok(None) };
    let Some(id) = &filter.shard_id else {
        // (AWS's own text is not documented.)
        let text = "ShardId is required in ShardFilter of type CHILD_SHARDS";
        return Err(StreamError::Parameter(text.to_owned()));
    };
    Ok(Some(name.shard_number(id)))
}

fn shard(name: &StreamName, info: &StreamInfo, number: u64, record: &ShardRecord) -> Shard {
    let last = record.closed.as_ref().map(|closed| closed.last);
    // Of what is kept: the shard can be read from there on.
    let first = record.first.max(info.first.min(last.unwrap_or(u64::MAX)));
    Shard {
        shard_id: Some(name.shard_id(number)),
        sequence_number_range: Some(SequenceNumberRange {
            starting_sequence_number: Some(sequence(first)),
            ending_sequence_number: last.map(sequence),
        }),
        parent_shard_id: record.parent.map(|parent| name.shard_id(parent)),
    }
}

fn key_schema(key: &KeyRecord) -> Vec<KeySchemaElement> {
    let element =
        |name: &String, key_type| KeySchemaElement { attribute_name: name.clone(), key_type };
    let hash = element(&key.hash, KeyType::Hash);
    let range = key.range.as_ref().map(|name| element(name, KeyType::Range));
    std::iter::once(hash).chain(range).collect()
}
