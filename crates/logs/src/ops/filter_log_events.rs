//! FilterLogEvents: searches the streams of a group.
//!
//! Promises: events from `startTime` to `endTime` (both inclusive) that match the pattern, in the
//! order of their times over all streams, or in the reverse with `startFromHead` false. A page may
//! be short or empty and still carry a token: one request looks at a bounded number of events.
//! Refuses: a group or stream that is not there, names together with a prefix, patterns that are
//! none, foreign tokens.
//! Where more than 1,000 streams have events in that time, the first 1,000 by name are searched to
//! their end, then the next; order is kept within each thousand.

use std::fmt;

use cumulet_api_logs::ops::{FilterLogEvents, FilterLogEventsRequest, FilterLogEventsResponse};
use cumulet_api_logs::types::FilteredLogEvent;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _, Snapshot};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;
use crate::merge::{Merge, Place, Source, remaining};
use crate::model::StreamRecord;
use crate::pattern::Pattern;
use crate::read::{MOST_BYTES, limit, millis, numbers};
use crate::store::{self, Event, GroupKeys};

/// Streams that are searched at once.
const STREAMS: usize = 1_000;
/// Stream records that one request looks at to find them.
const RECORDS: usize = 20_000;
/// Events, and their bytes, that one request looks at.
const EXAMINED: usize = 50_000;
const EXAMINED_BYTES: usize = 16 << 20;
/// Events between two points at which other requests get their turn.
const TURN: usize = 256;
/// API reference: the least `startTime` for reading backward, 2024-01-01T00:00:00Z.
const BACKWARD_SINCE: i64 = 1_704_067_200_000;

impl Handle<FilterLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &FilterLogEventsRequest) -> Result<Vec<Access>> {
        let name = group(cx, input)?;
        Ok(vec![name.access(cx, "logs:FilterLogEvents", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: FilterLogEventsRequest,
    ) -> Result<FilterLogEventsResponse> {
        let name = group(cx, &input)?;
        check(&input)?;
        let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default());
        let pattern = pattern.map_err(|_| Error::InvalidPattern)?;
        let token = match &input.next_token {
            Some(token) => Token::parse(token)?,
            None => Token::first(input.start_from_head.unwrap_or(true)),
        };
        let snapshot = cx.store().snapshot();
        let record = name.load(&snapshot).await?;
        let horizon = record.horizon(cx.now().millis());
        let search = Search {
            snapshot,
            keys: name.keys(&record),
            times: (
                input.start_time.map_or(0, millis).max(horizon),
                input.end_time.map_or(u64::MAX, millis),
            ),
        };
        let batch = search.batch(&input, &token).await?;
        let (events, stopped) = search.run(&batch, &pattern, limit(input.limit)).await?;
        let next = match (stopped, batch.token.to.clone()) {
            (Some(last), _) => Some(Token { last: Some(last), ..batch.token }),
            (None, Some(from)) => Some(Token { last: None, from, to: None, ..batch.token }),
            (None, None) => None,
        };
        Ok(FilterLogEventsResponse {
            events: Some(events),
            // Empty since 2019 (API reference).
            searched_log_streams: Some(Vec::new()),
            next_token: next.map(|token| token.to_string()),
        })
    }
}

fn group(cx: &Cx, input: &FilterLogEventsRequest) -> Result<GroupName, Error> {
    GroupName::of(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())
}

fn check(input: &FilterLogEventsRequest) -> Result<(), Error> {
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        return Err(Error::parameter(
            "logStreamNamePrefix and logStreamNames are mutually exclusive: give one of them.",
        ));
    }
    let backward = input.start_from_head == Some(false) && input.next_token.is_none();
    if backward && input.start_time.is_some_and(|start| start < BACKWARD_SINCE) {
        return Err(Error::parameter(
            "startFromHead can only be false where startTime is on or after 2024-01-01.",
        ));
    }
    Ok(())
}

/// What is searched, and when.
struct Search {
    snapshot: Snapshot,
    keys: GroupKeys,
    /// From and to, inclusive.
    times: (u64, u64),
}

/// Streams that are searched at once, and how far the search has come.
struct Batch {
    sources: Vec<Source>,
    token: Token,
}

impl Search {
    /// The streams that the token is at.
    async fn batch(&self, input: &FilterLogEventsRequest, token: &Token) -> Result<Batch> {
        if let Some(names) = &input.log_stream_names {
            let mut sources = Vec::with_capacity(names.len());
            for name in names {
                let record = self.snapshot.get_record(&self.keys.stream(name)).await?;
                let record: StreamRecord = record.ok_or(Error::StreamNotFound)?;
                sources.push(self.source(name, &record, token));
            }
            sources.sort_by_key(|source| source.id);
            sources.dedup_by_key(|source| source.id);
            return Ok(Batch { sources, token: token.clone() });
        }
        let mut range = match &input.log_stream_name_prefix {
            Some(prefix) => store::beginning(self.keys.streams(), prefix),
            None => self.keys.streams().prefix(),
        };
        if !token.from.is_empty() {
            range = range.starting_at(&self.keys.stream(&token.from));
        }
        if let Some(to) = &token.to {
            range = range.before(&self.keys.stream(to));
        }
        let mut token = token.clone();
        let mut sources = Vec::new();
        let mut scan = self.snapshot.scan(range, Direction::Forward);
        let mut records = 0;
        while let Some((key, record)) = scan.next_record::<StreamRecord>().await? {
            let name = store::last_text(&key)?;
            if sources.len() == STREAMS || records == RECORDS {
                token.to = Some(name);
                break;
            }
            records += 1;
            if self.has_events(&record) {
                sources.push(self.source(&name, &record, &token));
            }
            if records % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(Batch { sources, token })
    }

    fn has_events(&self, record: &StreamRecord) -> bool {
        let (start, end) = self.times;
        record.first_event.is_some_and(|first| first <= end)
            && record.last_event.is_some_and(|last| last >= start)
    }

    fn source(&self, name: &str, record: &StreamRecord, token: &Token) -> Source {
        let events = self.keys.events(record.id);
        let range = remaining(&events, record.id, self.times, token.direction(), token.last);
        Source { name: name.to_owned(), id: record.id, events, range }
    }

    /// The matching events, and how far the search came if it did not end.
    async fn run(
        &self,
        batch: &Batch,
        pattern: &Pattern,
        limit: usize,
    ) -> Result<(Vec<FilteredLogEvent>, Option<Place>)> {
        let (snapshot, sources) = (self.snapshot.clone(), batch.sources.clone());
        let mut merge = Merge::new(snapshot, batch.token.direction(), sources).await?;
        let mut events = Vec::new();
        let (mut answered, mut examined, mut bytes, mut last) = (0, 0, 0, batch.token.last);
        while let Some((place, name, stored)) = merge.next().await? {
            let size = Event::size(&stored);
            let full = events.len() == limit || (answered + size > MOST_BYTES && answered > 0);
            if full || examined >= EXAMINED || bytes >= EXAMINED_BYTES {
                return Ok((events, last));
            }
            let event = Event::decode(&stored)?;
            if pattern.matches(&event.message) {
                answered += size;
                events.push(filtered(place, name, event));
            }
            (examined, bytes, last) = (examined + 1, bytes + size, Some(place));
            if examined % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok((events, None))
    }
}

/// The event's id has 56 digits, as AWS's do: time, stream, place in the stream.
fn filtered(place: Place, stream: String, event: Event) -> FilteredLogEvent {
    let Place { time, stream: id, sequence } = place;
    FilteredLogEvent {
        log_stream_name: Some(stream),
        timestamp: i64::try_from(time).ok(),
        message: Some(event.message),
        ingestion_time: Some(event.ingested),
        event_id: Some(format!("{time:016}{id:020}{sequence:020}")),
    }
}

/// How far a search has come: `f` or `b`, the place of the last event looked at (60 digits, or none
/// at the beginning of a batch), the first stream of the batch and the one behind its last. Names
/// of streams have no colons.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    forward: bool,
    last: Option<Place>,
    from: String,
    to: Option<String>,
}

impl Token {
    fn first(forward: bool) -> Self {
        Self { forward, last: None, from: String::new(), to: None }
    }

    fn direction(&self) -> Direction {
        if self.forward { Direction::Forward } else { Direction::Backward }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split(':').collect();
        let [way @ ("f" | "b"), last, from, to] = parts.as_slice() else {
            return Err(Error::InvalidToken);
        };
        let last = match *last {
            "" => None,
            digits => {
                let [time, stream, sequence] = numbers(digits, [20, 20, 20])?;
                Some(Place { time, stream, sequence })
            }
        };
        let to = Some((*to).to_owned()).filter(|to| !to.is_empty());
        Ok(Self { forward: *way == "f", last, from: (*from).to_owned(), to })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.forward { 'f' } else { 'b' };
        write!(f, "{way}:")?;
        if let Some(Place { time, stream, sequence }) = self.last {
            write!(f, "{time:020}{stream:020}{sequence:020}")?;
        }
        write!(f, ":{}:{}", self.from, self.to.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back_and_foreign_ones_are_refused() {
        for token in [
            Token::first(true),
            Token {
                forward: false,
                last: Some(Place { time: 1, stream: u64::MAX, sequence: 7 }),
                from: "a/b[$LATEST]".to_owned(),
                to: Some("c".to_owned()),
            },
        ] {
            assert_eq!(Token::parse(&token.to_string()), Ok(token));
        }
        for wrong in ["", "f", "x:::", "f:1::", "f::::", "f:+0::"] {
            assert_eq!(Token::parse(wrong), Err(Error::InvalidToken), "{wrong}");
        }
    }
}
