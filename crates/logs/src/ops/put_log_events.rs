//! PutLogEvents: adds a batch of events to a stream.
//!
//! Promises: after the answer the accepted events are there, durably, all of them; the answer says
//! which were too old, too new or expired and were left out. Sequence tokens are ignored, as AWS
//! does since 2023.
//! Refuses: a group or stream that is not there, batches out of order, over 24 hours long, over
//! 1,048,576 bytes (26 more an event), events over 1 MB.
//! Not here: `entity` is taken and not kept.

use cumulet_api_logs::ops::{PutLogEvents, PutLogEventsRequest, PutLogEventsResponse};
use cumulet_api_logs::types::{InputLogEvent, RejectedLogEventsInfo};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::append::{Entry, append};
use crate::error::Error;
use crate::group::GroupName;
use crate::read::millis;
use crate::store::{EVENT_OVERHEAD, Event};

const MOST_BYTES: usize = 1 << 20;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Handle<PutLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &PutLogEventsRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:PutLogEvents", &input.log_stream_name).await?])
    }

    async fn handle(&self, cx: &Cx, input: PutLogEventsRequest) -> Result<PutLogEventsResponse> {
        let name = GroupName::own(cx, &input.log_group_name);
        let now = cx.now();
        check_size(&input.log_events)?;
        check_order(&input.log_events)?;
        let group = name.load(&cx.store().snapshot()).await?;
        let sorted = sort_out(&input.log_events, now.millis(), group.horizon(now.millis()));
        let accepted = input.log_events.get(sorted.accepted.clone()).unwrap_or_default();
        check_span(accepted)?;
        let entries: Vec<Entry> = accepted
            .iter()
            .map(|event| Entry {
                time: millis(event.timestamp),
                stored: Event::encode(now.millis(), &event.message),
            })
            .collect();
        let next = cx
            .store()
            .transact(async |tx| {
                append(&tx, &name, &input.log_stream_name, &entries, now, None).await
            })
            .await?;
        Ok(PutLogEventsResponse {
            next_sequence_token: Some(format!("{next:056}")),
            rejected_log_events_info: sorted.rejected,
            rejected_entity_info: None,
        })
    }
}

fn check_size(events: &[InputLogEvent]) -> Result<(), Error> {
    let size = |event: &InputLogEvent| event.message.len() + EVENT_OVERHEAD;
    let too_large = |what: &str, bytes: usize| {
        Error::parameter(format!("{what} too large: {bytes} bytes exceeds limit of {MOST_BYTES}"))
    };
    if let Some(event) = events.iter().find(|event| size(event) > MOST_BYTES) {
        return Err(too_large("Log event", size(event)));
    }
    let sum: usize = events.iter().map(size).sum();
    if sum > MOST_BYTES { Err(too_large("Upload", sum)) } else { Ok(()) }
}

fn check_order(events: &[InputLogEvent]) -> Result<(), Error> {
    if events.is_sorted_by_key(|event| event.timestamp) {
        return Ok(());
    }
    Err(Error::parameter(
        "Log events in a single PutLogEvents request must be in chronological order.",
    ))
}

/// Counted over the valid events only (API reference).
fn check_span(events: &[InputLogEvent]) -> Result<(), Error> {
    let ends = events.first().zip(events.last());
    if ends.is_some_and(|(first, last)| last.timestamp - first.timestamp > DAY) {
        return Err(Error::parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 \
             hours.",
        ));
    }
    Ok(())
}

struct Sorted {
    accepted: std::ops::Range<usize>,
    rejected: Option<RejectedLogEventsInfo>,
}

/// Which of the events, in their order, are accepted: not over 14 days old, not expired, not over
/// two hours ahead. Of the indexes that are reported, the ends are exclusive.
fn sort_out(events: &[InputLogEvent], now: i64, horizon: u64) -> Sorted {
    let before = |time: i64| events.partition_point(|event| event.timestamp < time);
    let old = before(now - 14 * DAY);
    let expired = before(i64::try_from(horizon).unwrap_or(i64::MAX));
    let new = events.partition_point(|event| event.timestamp <= now + 2 * HOUR);
    let accepted = old.max(expired).min(new)..new;
    let index = |index: usize, wrong: bool| wrong.then(|| i32::try_from(index).unwrap_or(i32::MAX));
    let rejected = RejectedLogEventsInfo {
        too_new_log_event_start_index: index(new, new < events.len()),
        too_old_log_event_end_index: index(old, old > 0),
        expired_log_event_end_index: index(expired, expired > 0),
    };
    let any = accepted.len() < events.len();
    Sorted { accepted, rejected: any.then_some(rejected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(times: &[i64]) -> Vec<InputLogEvent> {
        times.iter().map(|t| InputLogEvent { timestamp: *t, message: "m".to_owned() }).collect()
    }

    #[test]
    fn events_are_sorted_out_by_their_age() {
        let now = 100 * DAY;
        let times = [now - 20 * DAY, now - 14 * DAY, now - 2 * DAY, now, now + 2 * HOUR, now + DAY];
        let sorted = sort_out(&events(&times), now, 0);
        assert_eq!(sorted.accepted, 1..5);
        let info = sorted.rejected.unwrap();
        assert_eq!(info.too_old_log_event_end_index, Some(1));
        assert_eq!(info.too_new_log_event_start_index, Some(5));
        assert_eq!(info.expired_log_event_end_index, None);

        let sorted = sort_out(&events(&times), now, (now - DAY) as u64);
        assert_eq!(sorted.accepted, 3..5);
        assert_eq!(sorted.rejected.unwrap().expired_log_event_end_index, Some(3));
        assert!(sort_out(&events(&[now]), now, 0).rejected.is_none());
        let all_wrong = sort_out(&events(&[now + DAY]), now, (now + 2 * DAY) as u64);
        assert!(all_wrong.accepted.is_empty());
    }

    #[test]
    fn sizes_count_26_bytes_an_event() {
        let event = |bytes: usize| InputLogEvent { timestamp: 1, message: "x".repeat(bytes) };
        assert_eq!(check_size(&[event(MOST_BYTES - 26)]), Ok(()));
        assert_eq!(
            check_size(&[event(MOST_BYTES - 25)]).unwrap_err().to_string(),
            "Log event too large: 1048577 bytes exceeds limit of 1048576"
        );
        assert_eq!(
            check_size(&[event(MOST_BYTES - 52), event(1)]).unwrap_err().to_string(),
            "Upload too large: 1048577 bytes exceeds limit of 1048576"
        );
    }

    #[test]
    fn order_and_span() {
        assert!(check_order(&events(&[1, 1, 2])).is_ok());
        assert!(check_order(&events(&[2, 1])).is_err());
        assert!(check_span(&events(&[0, DAY])).is_ok());
        assert!(check_span(&events(&[0, DAY + 1])).is_err());
    }
}
