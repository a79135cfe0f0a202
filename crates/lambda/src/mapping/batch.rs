//! What one batch is, and what becomes of it. Pure.
//!
//! "Polling and batching streams", "Configuring partial batch response with DynamoDB and Lambda"
//! and "Retain discarded records for a DynamoDB event source in Lambda" in the developer guide.

use std::cmp::Ordering;
use std::collections::VecDeque;

use cumulet_base::Timestamp;
use cumulet_sandbox::Outcome;
use serde::Serialize;
use serde_json::Value;

use super::model::MappingSettings;

/// Bytes of a batch as an event ("Lambda quotas": 6 MB), without what stands around the records.
pub(super) const MAX_BYTES: usize = crate::run::MAX_EVENT - 64;

/// A record that the function is to see.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) sequence: String,
    /// When the change was made, in whole seconds.
    pub(super) at: Timestamp,
    /// As it stands in the event.
    pub(super) record: Value,
    /// Bytes of it.
    pub(super) size: usize,
}

/// How many of the next entries make one batch, and whether it can grow no more. `end`: the last
/// sequence number of a batch that is tried again.
pub(super) fn next(
    entries: &VecDeque<Entry>,
    settings: &MappingSettings,
    end: Option<&str>,
) -> (usize, bool) {
    let (mut count, mut bytes) = (0, 0);
    for entry in entries {
        bytes += entry.size + 1;
        let is_beyond = end.is_some_and(|end| order(&entry.sequence, end) == Ordering::Greater);
        let is_full = count == settings.batch as usize || (bytes > MAX_BYTES && count > 0);
        if is_beyond || is_full {
            return (count, true);
        }
        count += 1;
    }
    (count, end.is_some() || count == settings.batch as usize || bytes >= MAX_BYTES)
}

/// How sequence numbers follow each other: they are decimal, of 21 to 40 digits.
pub(super) fn order(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// How many of the first entries are too old to be handed on.
pub(super) fn expired<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    settings: &MappingSettings,
    now: Timestamp,
) -> usize {
    let Some(most) = settings.max_age else { return 0 };
    entries.take_while(|entry| now.since(entry.at).as_secs() > u64::from(most)).count()
}

/// The event that a function gets.
pub(super) fn event<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Event<'a> {
        #[serde(rename = "Records")]
        records: Vec<&'a Value>,
    }
    let event = Event { records: entries.map(|entry| &entry.record).collect() };
    // A tree of JSON has no way to fail.
    serde_json::to_vec(&event).unwrap_or_default()
}

/// What the function made of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Success,
    /// The first record that failed: what is before it is done.
    FailedAt(usize),
}

/// Reads a function's answer. Only functions that report failures are heard about single records.
pub(super) fn verdict(outcome: &Outcome, partial: bool, sequences: &[&str]) -> Verdict {
    let Ok(body) = &outcome.result else { return Verdict::FailedAt(0) };
    if !partial {
        return Verdict::Success;
    }
    // A function without an answer has nothing to report.
    let body = if body.is_empty() { b"null" } else { &body[..] };
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Verdict::FailedAt(0) };
    let failures = match &answer {
        Value::Null => return Verdict::Success,
        Value::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Value::Null),
        // What AWS makes of it is not documented. Nothing is lost this way.
        _ => return Verdict::FailedAt(0),
    };
    let failures = match failures {
        Value::Null => return Verdict::Success,
        Value::Array(failures) => failures,
        _ => return Verdict::FailedAt(0),
    };
    // "Lambda treats a batch as a complete failure" where an identifier is empty, null or of a bad
    // name; here also where it is no record's of the batch.
    let place = |failure: &Value| {
        let id = failure.get("itemIdentifier").and_then(Value::as_str)?;
        sequences.iter().position(|sequence| *sequence == id)
    };
    let places: Option<Vec<usize>> = failures.iter().map(place).collect();
    match places {
        // "Lambda uses the lowest sequence number as the checkpoint."
        Some(places) => places.into_iter().min().map_or(Verdict::Success, Verdict::FailedAt),
        None => Verdict::FailedAt(0),
    }
}

/// What to do after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    /// This many records are done.
    pub(super) done: usize,
    pub(super) then: Then,
}

/// What to do with the rest of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// There is none.
    Nothing,
    /// Try it again; so often it has failed.
    Retry { failed: u32 },
    /// Try it again in two parts, the second from that record on.
    Split { at: usize },
    /// Discard it.
    GiveUp,
}

/// Decides about a batch of `len` records that had failed `failed` times before.
///
/// "Splitting batches doesn't consume the retry quota": of a batch that is split, only single
/// records are tried again. Where the function says which record failed, "the batch is bisected at
/// the returned sequence number". Those before it are done, and what is left begins with a record
/// that has failed once; AWS does not document how that counts.
pub(super) fn decide(
    verdict: Verdict,
    len: usize,
    failed: u32,
    settings: &MappingSettings,
) -> Decision {
    let at = match verdict {
        Verdict::Success => return Decision { done: len, then: Then::Nothing },
        Verdict::FailedAt(at) => at,
    };
    let left = len - at;
    let then = match (settings.bisect, at) {
        (true, 1..) => Then::Retry { failed: 0 },
        (true, 0) if left > 1 => Then::Split { at: left / 2 },
        (_, progress) => {
            let failed = if progress > 0 { 1 } else { failed.saturating_add(1) };
            match settings.retries {
                Some(most) if failed > most => Then::GiveUp,
                _ => Then::Retry { failed },
            }
        }
    };
    Decision { done: at, then }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cumulet_sandbox::{ErrorKind, FunctionError};
    use serde_json::json;
    use std::time::Duration;

    fn entries(sizes: &[usize]) -> VecDeque<Entry> {
        let entry = |(n, size): (usize, &usize)| Entry {
            sequence: format!("{:021}", n + 1),
            at: Timestamp::from_secs(n as i64),
            record: json!({ "n": n }),
            size: *size,
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    fn settings() -> MappingSettings {
        MappingSettings { batch: 3, ..MappingSettings::default() }
    }

    #[test]
    fn batches_are_bounded_by_count_bytes_and_where_they_ended_before() {
        assert_eq!(next(&entries(&[]), &settings(), None), (0, false));
        assert_eq!(next(&entries(&[1; 2]), &settings(), None), (2, false));
        assert_eq!(next(&entries(&[1; 3]), &settings(), None), (3, true));
        assert_eq!(next(&entries(&[1; 4]), &settings(), None), (3, true));
        let half = MAX_BYTES / 2;
        assert_eq!(next(&entries(&[half, half, 1]), &settings(), None), (1, true));
        // One that is too large alone goes alone.
        assert_eq!(next(&entries(&[MAX_BYTES + 1, 1]), &settings(), None), (1, true));
        let second = format!("{:021}", 2);
        assert_eq!(next(&entries(&[1; 4]), &settings(), Some(&second)), (2, true));
        assert_eq!(next(&entries(&[1; 2]), &settings(), Some(&second)), (2, true));
    }

    #[test]
    fn sequence_numbers_follow_as_numbers() {
        assert_eq!(order("9", "10"), Ordering::Less);
        assert_eq!(order("10", "10"), Ordering::Equal);
        assert_eq!(order("11", "10"), Ordering::Greater);
    }

    #[test]
    fn old_records_come_first() {
        let settings = MappingSettings { max_age: Some(60), ..settings() };
        let expired = |now| expired(entries(&[1; 3]).iter(), &settings, Timestamp::from_secs(now));
        assert_eq!([expired(60), expired(61), expired(62), expired(100)], [0, 1, 2, 3]);
        let ever = MappingSettings::default();
        let count = super::expired(entries(&[1; 3]).iter(), &ever, Timestamp::from_secs(1 << 40));
        assert_eq!(count, 0);
    }

    #[test]
    fn the_event_is_a_list_of_records() {
        let event = event(entries(&[1; 2]).iter());
        assert_eq!(event, br#"{"Records":[{"n":0},{"n":1}]}"#);
    }

    fn answered(body: &str) -> Outcome {
        Outcome {
            result: Ok(Bytes::copy_from_slice(body.as_bytes())),
            log_tail: Bytes::new(),
            init_duration: None,
            duration: Duration::ZERO,
            billed: Duration::ZERO,
            max_memory: 0,
        }
    }

    #[test]
    fn functions_report_the_records_that_failed() {
        let read = |body: &str| verdict(&answered(body), true, &["11", "12", "13"]);
        for whole in
            ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#]
        {
            assert_eq!(read(whole), Verdict::Success, "{whole}");
        }
        let failures = |ids: &[&str]| {
            let ids: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            json!({ "batchItemFailures": ids }).to_string()
        };
        assert_eq!(read(&failures(&["13", "12"])), Verdict::FailedAt(1));
        assert_eq!(read(&failures(&["11"])), Verdict::FailedAt(0));
        for none in [
            failures(&["14"]),
            failures(&["12", ""]),
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#.to_owned(),
            r#"{"batchItemFailures":[{"id":"12"}]}"#.to_owned(),
            r#"{"batchItemFailures":"12"}"#.to_owned(),
            "\"ok\"".to_owned(),
            "not JSON".to_owned(),
        ] {
            assert_eq!(read(&none), Verdict::FailedAt(0), "{none}");
        }
        // Who was not asked is not heard.
        assert_eq!(verdict(&answered(&failures(&["12"])), false, &["12"]), Verdict::Success);
        let error = FunctionError {
            kind: ErrorKind::Unhandled,
            error_type: String::new(),
            body: Bytes::new(),
        };
        let broken = Outcome { result: Err(error), ..answered("") };
        assert_eq!(verdict(&broken, true, &["12"]), Verdict::FailedAt(0));
    }

    #[test]
    fn failures_are_retried_split_or_given_up() {
        let with = |bisect, retries| MappingSettings { bisect, retries, ..settings() };
        let decide = |verdict, len, failed, settings: &MappingSettings| {
            let decision = decide(verdict, len, failed, settings);
            (decision.done, decision.then)
        };
        let (success, broken) = (Verdict::Success, Verdict::FailedAt(0));
        assert_eq!(decide(success, 4, 7, &with(true, Some(0))), (4, Then::Nothing));
        // For as long as the records are there.
        let retry = |failed| (0, Then::Retry { failed });
        assert_eq!(decide(broken, 4, 9_999, &with(false, None)), retry(10_000));
        assert_eq!(decide(broken, 4, 0, &with(false, Some(1))), retry(1));
        assert_eq!(decide(broken, 4, 1, &with(false, Some(1))), (0, Then::GiveUp));
        assert_eq!(decide(broken, 4, 0, &with(false, Some(0))), (0, Then::GiveUp));
        // Down to single records, which are then retried.
        assert_eq!(decide(broken, 5, 0, &with(true, Some(0))), (0, Then::Split { at: 2 }));
        assert_eq!(decide(broken, 2, 0, &with(true, Some(0))), (0, Then::Split { at: 1 }));
        assert_eq!(decide(broken, 1, 0, &with(true, Some(1))), retry(1));
        assert_eq!(decide(broken, 1, 1, &with(true, Some(1))), (0, Then::GiveUp));
        // From the record on that failed.
        let partial = Verdict::FailedAt(3);
        assert_eq!(decide(partial, 4, 5, &with(false, Some(1))), (3, Then::Retry { failed: 1 }));
        assert_eq!(decide(partial, 4, 0, &with(false, Some(0))), (3, Then::GiveUp));
        assert_eq!(decide(partial, 5, 0, &with(true, Some(0))), (3, Then::Retry { failed: 0 }));
    }

    /// Runs batches as a lane does, against a function that fails whenever it meets one of `bad`;
    /// what it did, and what was given up.
    fn run(
        records: u8,
        bad: &[u8],
        settings: &MappingSettings,
        reports: bool,
    ) -> (Vec<u8>, Vec<u8>) {
        let (mut done, mut lost) = (Vec::new(), Vec::new());
        let (mut at, mut failed, mut ends) = (0_u8, 0, Vec::<u8>::new());
        let mut steps = 0;
        while at < records {
            steps += 1;
            assert!(steps < 10_000, "no end");
            let end = ends.last().copied().unwrap_or(records);
            let end = end.min(at.saturating_add(u8::try_from(settings.batch).unwrap()));
            let batch: Vec<u8> = (at..end).collect();
            let first = batch.iter().position(|record| bad.contains(record));
            let verdict = match first {
                None => Verdict::Success,
                Some(first) => Verdict::FailedAt(if reports { first } else { 0 }),
            };
            let decision = decide(verdict, batch.len(), failed, settings);
            done.extend(&batch[..decision.done]);
            at += u8::try_from(decision.done).unwrap();
            match decision.then {
                Then::Nothing => failed = 0,
                Then::Retry { failed: times } => {
                    failed = times;
                    ends.push(end);
                }
                Then::Split { at: middle } => {
                    failed = 0;
                    ends.push(end);
                    ends.push(at + u8::try_from(middle).unwrap());
                }
                Then::GiveUp => {
                    lost.extend(&batch[decision.done..]);
                    (at, failed) = (end, 0);
                }
            }
            ends.retain(|end| *end > at);
        }
        (done, lost)
    }

    #[test]
    fn every_record_is_done_or_given_up_once_and_in_order() {
        let cases = bolero::check!().with_type::<(u8, Vec<u8>, (u8, u8, bool, bool))>();
        cases.with_iterations(3_000).for_each(
            |(records, bad, (batch, retries, bisect, reports))| {
                let settings = MappingSettings {
                    batch: u32::from(batch % 16) + 1,
                    retries: Some(u32::from(retries % 3)),
                    bisect: *bisect,
                    ..MappingSettings::default()
                };
                let (done, lost) = run(*records, bad, &settings, *reports);
                let mut all: Vec<u8> = done.iter().chain(&lost).copied().collect();
                all.sort_unstable();
                assert_eq!(all, (0..*records).collect::<Vec<_>>());
                assert!(done.is_sorted() && lost.is_sorted());
                let bad: Vec<u8> = (0..*records).filter(|record| bad.contains(record)).collect();
                assert!(bad.iter().all(|record| lost.contains(record)));
                // Whoever splits loses the bad ones alone.
                if *bisect {
                    assert_eq!(lost, bad);
                }
            },
        );
    }
}
