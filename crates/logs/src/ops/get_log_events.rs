//! GetLogEvents: reads one stream, in both directions.
//!
//! Promises: events from `startTime` (inclusive) to `endTime` (exclusive) in the order of their
//! times; at most `limit`, 10,000 or 1 MB. Both tokens are always answered; at an end the same
//! token comes again, and goes on where new events come in.
//! Refuses: a group or stream that is not there, foreign tokens.
//! `startFromHead` counts on the first request only; a token knows its direction. `unmask` has no
//! effect: there are no data protection policies.

use cumulet_api_logs::ops::{GetLogEvents, GetLogEventsRequest, GetLogEventsResponse};
use cumulet_api_logs::types::OutputLogEvent;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range, Read as _, Snapshot};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;
use crate::read::{MOST_BYTES, Token, limit, millis};
use crate::store::{Event, EventKeys, Position};

impl Handle<GetLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &GetLogEventsRequest) -> Result<Vec<Access>> {
        let name = group(cx, input)?;
        Ok(vec![name.access(cx, "logs:GetLogEvents", &input.log_stream_name).await?])
    }

    async fn handle(&self, cx: &Cx, input: GetLogEventsRequest) -> Result<GetLogEventsResponse> {
        let name = group(cx, &input)?;
        let token = input.next_token.as_deref().map(Token::parse).transpose()?;
        let snapshot = cx.store().snapshot();
        let (group, keys, stream) = name.load_stream(&snapshot, &input.log_stream_name).await?;
        let events = keys.events(stream.id);
        let horizon = group.horizon(cx.now().millis());
        let start = Position::at(input.start_time.map_or(0, millis).max(horizon));
        let end = input.end_time.map(|end| Position::at(millis(end)));
        let forward = match token {
            Some(token) => token.forward,
            None => input.start_from_head.unwrap_or_default(),
        };
        let range = match token {
            None => events.between(start, end),
            Some(token) if token.forward => events.between(start.max(token.place), end),
            Some(token) => {
                events.between(start, Some(end.map_or(token.place, |end| end.min(token.place))))
            }
        };
        let found = read(&snapshot, &events, range, forward, limit(input.limit)).await?;
        // Nothing found: both tokens stay where the reader stands.
        let here = token.map_or(start, |token| token.place);
        let first = found.first().map_or(here, |(place, _)| *place);
        let last = found.last().map_or(here, |(place, _)| place.next());
        let token = |forward, place| Some(Token { forward, place }.to_string());
        Ok(GetLogEventsResponse {
            events: Some(found.into_iter().map(|(_, event)| event).collect()),
            next_forward_token: token(true, last),
            next_backward_token: token(false, first),
        })
    }
}

fn group(cx: &Cx, input: &GetLogEventsRequest) -> Result<GroupName, Error> {
    GroupName::of(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())
}

/// The first events of a range, or its last, in the order of their times.
async fn read(
    snapshot: &Snapshot,
    keys: &EventKeys,
    range: Range,
    forward: bool,
    limit: usize,
) -> Result<Vec<(Position, OutputLogEvent)>> {
    let direction = if forward { Direction::Forward } else { Direction::Backward };
    let mut scan = snapshot.scan(range, direction);
    let (mut found, mut bytes) = (Vec::new(), 0);
    while found.len() < limit
        && let Some((key, stored)) = scan.next().await?
    {
        bytes += Event::size(&stored);
        // The first event always fits: it is no larger than an answer.
        if bytes > MOST_BYTES && !found.is_empty() {
            break;
        }
        let place = keys.position(&key)?;
        let Event { ingested, message } = Event::decode(&stored)?;
        let event = OutputLogEvent {
            timestamp: i64::try_from(place.time).ok(),
            message: Some(message),
            ingestion_time: Some(ingested),
        };
        found.push((place, event));
    }
    if !forward {
        found.reverse();
    }
    Ok(found)
}
