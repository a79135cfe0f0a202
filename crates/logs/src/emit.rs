//! Lines of this cloud's own: taken at once, written a few times a second.
//!
//! What is taken may be lost with the process for as long as a batch waits and is committed, about
//! 50 ms. A line is written once, or twice where the store cannot say whether a write succeeded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cumulet_base::{Clock, Ids, Timestamp};
use cumulet_service::LogLine;
use cumulet_store::{Store, StoreError};
use tokio::sync::Notify;

use crate::append::{Entry, Making, append};
use crate::error::Error;
use crate::group::GroupName;
use crate::store::{EVENT_OVERHEAD, Event};

/// How long the first line of a batch waits for others.
pub(crate) const DELAY: Duration = Duration::from_millis(30);
/// Lines and bytes that wait at most.
const MOST_LINES: usize = 65_536;
const MOST_BYTES: usize = 16 << 20;
/// Bytes of one event's message; longer lines become several events.
const MOST_MESSAGE: usize = (1 << 20) - EVENT_OVERHEAD;
/// Bytes and events of one transaction: below the store's limits with room for keys.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_EVENTS: usize = 10_000;
/// Times that a batch is tried, about six seconds in all.
const ATTEMPTS: u32 = 10;

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// Rung when the first line of a batch comes in.
    pub(crate) filled: Notify,
    /// Held while a batch is being written, so that a flush waits for it.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<LogLine>,
    bytes: usize,
    /// Lines that found no room since the last batch.
    dropped: u64,
}

/// Events by stream.
type Batch = BTreeMap<(GroupName, String), Lines>;

/// Events for one stream.
#[derive(Debug, Default)]
struct Lines {
    entries: Vec<Entry>,
    /// Whether one of them may make the group.
    makes_group: bool,
}

impl Queue {
    /// Takes a line. When there is no room it is the new line that is dropped: what stands before
    /// it tells how the trouble began, and leaving the queue alone costs its writer nothing.
    pub(crate) fn push(&self, line: LogLine) {
        let size = line.message.len() + EVENT_OVERHEAD;
        let mut waiting = self.lock();
        if waiting.lines.len() >= MOST_LINES || waiting.bytes + size > MOST_BYTES {
            waiting.dropped += 1;
            return;
        }
        waiting.bytes += size;
        waiting.lines.push(line);
        if waiting.lines.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// Writes what waits; ends when all that was taken before is durable, or given up.
    pub(crate) async fn flush(&self, store: &Store, clock: &dyn Clock, ids: &dyn Ids) {
        let _one = self.writing.lock().await;
        let Waiting { lines, dropped, .. } = std::mem::take(&mut *self.lock());
        if dropped > 0 {
            tracing::warn!(dropped, "log lines dropped: more came in than could be written");
        }
        let now = clock.now();
        for batch in batches(lines, now) {
            // Drawn for each stream, used for those that are not there.
            let makings: Vec<_> = batch.iter().map(|_| Making::draw(ids)).collect();
            write(store, &batch, &makings, now).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines in their order, in parts that fit a transaction.
fn batches(lines: Vec<LogLine>, now: Timestamp) -> Vec<Batch> {
    let mut batches = vec![Batch::new()];
    let (mut bytes, mut events) = (0, 0);
    for line in lines {
        let LogLine { account, region, group, stream, at, message, makes_group } = line;
        let to = (GroupName { account, region, name: group }, stream);
        for part in parts(&message) {
            bytes += part.len() + EVENT_OVERHEAD;
            events += 1;
            if bytes > BATCH_BYTES || events > BATCH_EVENTS {
                batches.push(Batch::new());
                (bytes, events) = (part.len() + EVENT_OVERHEAD, 1);
            }
            let time = u64::try_from(at.millis()).unwrap_or(0);
            let entry = Entry { time, stored: Event::encode(now.millis(), part) };
            if let Some(batch) = batches.last_mut() {
                let lines = batch.entry(to.clone()).or_default();
                lines.entries.push(entry);
                lines.makes_group |= makes_group;
            }
        }
    }
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// A message in parts of at most a megabyte. An empty one is no event.
fn parts(message: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(MOST_MESSAGE));
        parts.push(part);
        rest = after;
    }
    parts
}

async fn write(store: &Store, batch: &Batch, makings: &[Making], now: Timestamp) {
    let mut pause = Duration::from_millis(50);
    for attempt in 1..=ATTEMPTS {
        let written = store
            .transact(async |tx| {
                let mut homeless = Vec::new();
                for (((name, stream), lines), making) in batch.iter().zip(makings) {
                    let making = Making { makes_group: lines.makes_group, ..*making };
                    match append(&tx, name, stream, &lines.entries, now, Some(making)).await {
                        Err(Error::GroupNotFound) => homeless.push((name, lines.entries.len())),
                        appended => drop(appended?),
                    }
                }
                Ok::<_, Error>(homeless)
            })
            .await;
        let error = match written {
            Ok(homeless) => {
                for (group, lines) in homeless {
                    let group = &group.name;
                    tracing::warn!(
                        group,
                        lines,
                        "log lines dropped: who writes may not make the group"
                    );
                }
                return;
            }
            Err(error) => error,
        };
        let passing =
            !matches!(error, Error::Store(StoreError::Corrupt(_) | StoreError::TooLarge(_)));
        if !passing || attempt == ATTEMPTS {
            let lines: usize = batch.values().map(|lines| lines.entries.len()).sum();
            tracing::error!(%error, lines, "log lines could not be written and are lost");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(stream: &str, message: &str) -> LogLine {
        LogLine {
            account: cumulet_base::AccountId::DEFAULT,
            region: "eu-west-1".parse().unwrap(),
            group: "g".to_owned(),
            stream: stream.to_owned(),
            at: Timestamp::from_millis(5),
            message: message.to_owned(),
            makes_group: true,
        }
    }

    #[test]
    fn the_newest_line_is_dropped_when_the_queue_is_full() {
        let queue = Queue::default();
        for n in 0..MOST_LINES + 3 {
            queue.push(line("s", &n.to_string()));
        }
        let waiting = queue.lock();
        assert_eq!((waiting.lines.len(), waiting.dropped), (MOST_LINES, 3));
        assert_eq!(waiting.lines[0].message, "0");
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = Queue::default();
        let megabyte = "x".repeat(1 << 20);
        for _ in 0..20 {
            queue.push(line("s", &megabyte));
        }
        let waiting = queue.lock();
        assert!(waiting.bytes <= MOST_BYTES);
        assert_eq!((waiting.lines.len(), waiting.dropped), (15, 5));
    }

    #[test]
    fn long_lines_become_several_events_and_no_letter_is_torn() {
        let long = "ä".repeat(1 << 20);
        let parts = parts(&long);
        assert_eq!(parts.len(), 3);
        assert_eq!(parts.concat(), long);
        assert!(parts.iter().all(|part| part.len() <= MOST_MESSAGE));
        assert!(super::parts("").is_empty());
    }

    #[test]
    fn batches_fit_a_transaction_and_keep_the_order() {
        let megabyte = "x".repeat(1 << 20);
        let lines: Vec<_> = (0..9).map(|n| line("s", &format!("{n}{megabyte}"))).collect();
        let batches = batches(lines, Timestamp::from_millis(9));
        assert!(batches.len() >= 3);
        let mut seen = Vec::new();
        for batch in &batches {
            let entries: Vec<_> = batch.values().flat_map(|lines| &lines.entries).collect();
            assert!(entries.iter().map(|e| Event::size(&e.stored)).sum::<usize>() <= BATCH_BYTES);
            seen.extend(entries.iter().map(|e| Event::decode(&e.stored).unwrap().message));
        }
        let firsts: String = seen.iter().filter(|m| m.len() > 100).map(|m| &m[..1]).collect();
        assert_eq!(firsts, "012345678");
    }
}
