//! DescribeLogStreams: lists the streams of a group by name or by their last events.
//!
//! Promises: pages of at most 50, either way round. Unlike AWS's, `lastEventTimestamp` is exact.
//! Refuses: a group that is not there, a prefix where the order is by time, foreign tokens.

use cumulet_api_logs::ops::{
    DescribeLogStreams, DescribeLogStreamsRequest, DescribeLogStreamsResponse,
};
use cumulet_api_logs::types::{LogStream, OrderBy};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Component, Direction, Key, Range, Read as _};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;
use crate::model::StreamRecord;
use crate::store::{self, GroupKeys};

/// Streams of a page, at most and where the request names no limit.
const PAGE: usize = 50;

impl Handle<DescribeLogStreams> for Logs {
    async fn access(&self, cx: &Cx, input: &DescribeLogStreamsRequest) -> Result<Vec<Access>> {
        let name = group(cx, input)?;
        Ok(vec![name.access(cx, "logs:DescribeLogStreams", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeLogStreamsRequest,
    ) -> Result<DescribeLogStreamsResponse> {
        let name = group(cx, &input)?;
        let by_time = input.order_by == Some(OrderBy::LastEventTime);
        if by_time && input.log_stream_name_prefix.is_some() {
            return Err(Error::parameter(
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            )
            .into());
        }
        let snapshot = cx.store().snapshot();
        let keys = name.keys(&name.load(&snapshot).await?);
        let descending = input.descending.unwrap_or_default();
        let direction = if descending { Direction::Backward } else { Direction::Forward };
        let mut range = match &input.log_stream_name_prefix {
            _ if by_time => keys.recent().prefix(),
            Some(prefix) => store::beginning(keys.streams(), prefix),
            None => keys.streams().prefix(),
        };
        if let Some(token) = &input.next_token {
            range = past(range, &place(&keys, token, by_time)?, descending);
        }
        let page = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE).min(PAGE);
        // One more than asked for tells whether there is another page.
        let mut found = snapshot.range(&range, direction, page + 1).await?.items;
        let more = found.len() > page;
        found.truncate(page);
        let mut log_streams = Vec::with_capacity(page);
        for (key, _) in &found {
            let stream = store::last_text(key)?;
            if let Some(record) = snapshot.get_record(&keys.stream(&stream)).await? {
                log_streams.push(describe(&name, &stream, &record));
            }
        }
        let last = found.last().filter(|_| more);
        let next_token = last.map(|(key, _)| token(key)).transpose()?;
        Ok(DescribeLogStreamsResponse { log_streams: Some(log_streams), next_token })
    }
}

fn group(cx: &Cx, input: &DescribeLogStreamsRequest) -> Result<GroupName, Error> {
    GroupName::of(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())
}

fn past(range: Range, key: &Key, descending: bool) -> Range {
    if descending { range.before(key) } else { range.after(key) }
}

/// `time:name`, or the name alone; names have no colons.
fn token(key: &[u8]) -> Result<String> {
    let name = store::last_text(key)?;
    let parts = Key::components(key).unwrap_or_default();
    let time = parts.iter().rev().nth(1).and_then(Component::as_u64);
    Ok(time.map_or(name.clone(), |time| format!("{time}:{name}")))
}

fn place(keys: &GroupKeys, token: &str, by_time: bool) -> Result<Key, Error> {
    match (token.split_once(':'), by_time) {
        (Some((time, name)), true) => {
            let time: u64 = time.parse().map_err(|_| Error::InvalidToken)?;
            Ok(keys.recent_at(Some(time), name))
        }
        (None, false) => Ok(keys.stream(token)),
        _ => Err(Error::InvalidToken),
    }
}

fn describe(group: &GroupName, name: &str, record: &StreamRecord) -> LogStream {
    let time = |time: Option<u64>| time.and_then(|time| i64::try_from(time).ok());
    LogStream {
        log_stream_name: Some(name.to_owned()),
        creation_time: Some(record.created),
        first_event_timestamp: time(record.first_event),
        last_event_timestamp: time(record.last_event),
        last_ingestion_time: record.last_ingestion,
        upload_sequence_token: Some(format!("{:056}", record.next)),
        arn: Some(group.stream_arn(name).to_string()),
        // "storedBytes is no longer supported for log streams": always zero since 2019.
        stored_bytes: Some(0),
    }
}
