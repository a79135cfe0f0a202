//! Jobs as they are stored: a record each, and an entry in the order of their times.

use cumulet_base::Timestamp;
use cumulet_store::{Component, Key, Read, Record, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Who does it: the kind under which a handler is registered, such as `lambda/invoke`.
    pub kind: String,
    /// What it is about. Jobs of one kind and key are one job; where none may be merged, a
    /// request's id does.
    pub key: String,
    /// What the handler needs to know.
    pub payload: Value,
    /// Not before this moment.
    pub run_at: Timestamp,
}

/// What became of a job that was enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It is new.
    New,
    /// One of its kind and key was waiting: that one stays, with its payload, and runs at the
    /// earlier of both times.
    Merged,
    /// One of its kind and key is running: this one runs after it.
    Behind,
}

/// A job's record. Its kind and key are in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) payload: Value,
    /// Milliseconds; its place in the order: when it is to run, or when its lease ends.
    pub(crate) due: u64,
    /// Times that it was begun, without those that ended in `Later`.
    pub(crate) attempts: u32,
    /// The latest lease: who holds an older one has lost the job.
    pub(crate) token: u64,
    pub(crate) running: bool,
    /// What was enqueued meanwhile, with its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) behind: Option<(Value, u64)>,
}

impl Record for Stored {
    const VERSION: u16 = 1;
}

/// Puts `job` into the queue when `tx` commits.
pub async fn enqueue(tx: &Tx, job: Job) -> Result<Enqueued, StoreError> {
    let Job { kind, key, payload, run_at } = job;
    let at = millis(run_at);
    let Some(mut present) = load(tx, &kind, &key).await? else {
        let (attempts, token) = (0, 0);
        let new = Stored { payload, due: at, attempts, token, running: false, behind: None };
        insert(tx, &kind, &key, &new);
        return Ok(Enqueued::New);
    };
    if present.running {
        let at = present.behind.as_ref().map_or(at, |(_, before)| at.min(*before));
        present.behind = Some((payload, at));
        tx.put_record(record_key(&kind, &key), &present);
        return Ok(Enqueued::Behind);
    }
    if at < present.due {
        move_to(tx, &kind, &key, &mut present, at);
    }
    Ok(Enqueued::Merged)
}

/// Takes a job out of the queue; whether it was there. One that is running is not stopped, but
/// its lease is lost.
pub async fn cancel(tx: &Tx, kind: &str, key: &str) -> Result<bool, StoreError> {
    let Some(present) = load(tx, kind, key).await? else { return Ok(false) };
    remove(tx, kind, key, &present);
    Ok(true)
}

/// The job of this kind and key, waiting or running.
pub async fn find(read: &impl Read, kind: &str, key: &str) -> Result<Option<Job>, StoreError> {
    let stored = load(read, kind, key).await?;
    Ok(stored.map(|stored| Job {
        kind: kind.to_owned(),
        key: key.to_owned(),
        payload: stored.payload,
        run_at: timestamp(stored.due),
    }))
}

pub(crate) fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.millis()).unwrap_or(0)
}

pub(crate) fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

fn record_key(kind: &str, key: &str) -> Key {
    Key::global("work").text("job").text(kind).text(key)
}

/// The order of a kind's jobs; entries go on with the moment and the job's key.
pub(crate) fn order_key(kind: &str) -> Key {
    Key::global("work").text("due").text(kind)
}

/// The moment and the key of the job that an entry in the order stands for.
pub(crate) fn parse_order(encoded: &[u8]) -> Option<(u64, String)> {
    match Key::components(encoded)?.as_slice() {
        [_, _, _, _, _, Component::U64(due), Component::Text(key)] => {
            Some((*due, key.clone().into_owned()))
        }
        _ => None,
    }
}

pub(crate) async fn load(
    read: &impl Read,
    kind: &str,
    key: &str,
) -> Result<Option<Stored>, StoreError> {
    read.get_record(&record_key(kind, key)).await
}

pub(crate) fn insert(tx: &Tx, kind: &str, key: &str, job: &Stored) {
    tx.put(order_key(kind).u64(job.due).text(key), "");
    tx.put_record(record_key(kind, key), job);
}

pub(crate) fn remove(tx: &Tx, kind: &str, key: &str, job: &Stored) {
    tx.delete(order_key(kind).u64(job.due).text(key));
    tx.delete(record_key(kind, key));
}

/// Stores a changed job at another place in the order.
pub(crate) fn move_to(tx: &Tx, kind: &str, key: &str, job: &mut Stored, due: u64) {
    tx.delete(order_key(kind).u64(job.due).text(key));
    job.due = due;
    insert(tx, kind, key, job);
}
