//! ListStreams: the streams of an account in a region, or of one table, with those that are off and
//! still kept.
//!
//! Promises: at most `Limit` (100) streams after `ExclusiveStartStreamArn`, by table name and age;
//! `LastEvaluatedStreamArn` where there are more. (AWS's own order is not documented.)
//! Refuses: a start that is no stream's ARN. A table that is not there has no streams.

use cumulet_api_dynamodbstreams::ops::{ListStreams, ListStreamsInput, ListStreamsOutput};
use cumulet_api_dynamodbstreams::types::Stream;
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::describe::stream_label;
use crate::streams::{StreamError, StreamName, Streams, limit};

/// Streams of one answer, at most.
const PAGE: usize = 100;

impl Handle<ListStreams> for Streams {
    async fn access(&self, cx: &Cx, input: &ListStreamsInput) -> Result<Vec<Access>> {
        // (Developer guide, "Using IAM": table/name/stream/*, or table/*/stream/*.)
        let table = input.table_name.as_deref().unwrap_or("*");
        let streams = format!("table/{table}/stream/*");
        let arn = Arn::new("dynamodb", cx.region(), cx.account(), &streams);
        Ok(vec![Access::on(cx, "dynamodb:ListStreams", arn)])
    }

    async fn handle(&self, cx: &Cx, input: ListStreamsInput) -> Result<ListStreamsOutput> {
        let limit = limit(input.limit, PAGE)?;
        let all = StreamName::all(cx.account(), cx.region());
        let all = match &input.table_name {
            Some(table) => all.text(table),
            None => all,
        };
        let mut range = all.prefix();
        if let Some(after) = &input.exclusive_start_stream_arn {
            let after: StreamName = after.parse()?;
            if (&after.account, &after.region) != (cx.account(), cx.region()) {
                return Err(StreamError::InvalidArn.into());
            }
            // A stream that is gone, or another table's, is a place in the order all the same.
            let after = after.info();
            if after.as_bytes() > all.as_bytes() {
                range = range.after(&after);
            }
        }
        if range.is_empty() {
            return Ok(ListStreamsOutput { streams: Some(Vec::new()), ..Default::default() });
        }
        let page = cx.store().snapshot().range(&range, Direction::Forward, limit).await?;
        let names: Vec<_> =
            page.items.iter().filter_map(|(key, _)| StreamName::of_key(key)).collect();
        let last = names.last().filter(|_| page.rest.is_some()).map(ToString::to_string);
        let streams = names.into_iter().map(|name| Stream {
            stream_arn: Some(name.to_string()),
            stream_label: Some(stream_label(name.label)),
            table_name: Some(name.table),
        });
        Ok(ListStreamsOutput { streams: Some(streams.collect()), last_evaluated_stream_arn: last })
    }
}
