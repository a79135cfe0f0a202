//! Where things lie in the store.
//!
//! | key | value |
//! |---|---|
//! | `logs-group`, account, region, name | [`crate::model::GroupRecord`] |
//! | `logs`, account, region, group id, `stream`, name | [`crate::model::StreamRecord`] |
//! | `logs`, account, region, group id, `recent`, time of the last event, name | nothing |
//! | `logs`, account, region, group id, `size`, shard | bytes stored, eight bytes big endian |
//! | `logs`, account, region, group id, `event`, stream id, time, sequence | [`Event`] |
//!
//! So a stream's events lie in the order of their times, those of one millisecond as they came in,
//! and all of a deleted group lies under one prefix.

use bytes::Bytes;
use cumulet_base::{AccountId, Region};
use cumulet_store::{Component, Key, Range, Read, StoreError, Tx};

use crate::model::StreamRecord;

const GROUPS: &str = "logs-group";
const DATA: &str = "logs";
/// The bytes stored in a group are counted in several places, so that streams written at once do
/// not wait for each other.
const SHARDS: u64 = 8;
/// What PutLogEvents adds to each message's bytes.
pub(crate) const EVENT_OVERHEAD: usize = 26;
/// The layout of [`Event`].
const EVENT_VERSION: u8 = 1;

/// The records of an account's groups in a region.
pub(crate) fn groups(account: &AccountId, region: &Region) -> Key {
    Key::new(GROUPS, account, region)
}

/// Every key whose last component begins with `text`.
pub(crate) fn beginning(prefix: Key, text: &str) -> Range {
    let key = prefix.text(text);
    // Without the terminator, longer texts belong to it as well.
    let bytes = key.as_bytes();
    Range::prefix(bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default())
}

/// The name that a key ends with.
pub(crate) fn last_text(key: &[u8]) -> Result<String, StoreError> {
    let parts = Key::components(key).unwrap_or_default();
    let last = parts.last().and_then(Component::as_text).map(str::to_owned);
    last.ok_or_else(|| StoreError::Corrupt("a key of logs ends with no name".to_owned()))
}

/// All that lies in one group.
#[derive(Debug, Clone)]
pub(crate) struct GroupKeys(Key);

impl GroupKeys {
    pub(crate) fn new(account: &AccountId, region: &Region, id: u64) -> Self {
        Self(Key::new(DATA, account, region).u64(id))
    }

    pub(crate) fn all(&self) -> Range {
        self.0.prefix()
    }

    pub(crate) fn streams(&self) -> Key {
        self.0.clone().text("stream")
    }

    pub(crate) fn stream(&self, name: &str) -> Key {
        self.streams().text(name)
    }

    /// Streams in the order of their last events; those without any come first.
    pub(crate) fn recent(&self) -> Key {
        self.0.clone().text("recent")
    }

    pub(crate) fn recent_at(&self, last_event: Option<u64>, name: &str) -> Key {
        self.recent().u64(last_event.unwrap_or(0)).text(name)
    }

    pub(crate) fn events(&self, stream: u64) -> EventKeys {
        EventKeys(self.0.clone().text("event").u64(stream))
    }

    /// Stores a stream's record, in its place among the recent ones.
    pub(crate) fn put_stream(
        &self,
        tx: &Tx,
        name: &str,
        record: &StreamRecord,
        before: Option<&StreamRecord>,
    ) {
        let moved = before.is_none_or(|before| before.last_event != record.last_event);
        if let Some(before) = before.filter(|_| moved) {
            tx.delete(self.recent_at(before.last_event, name));
        }
        if moved {
            tx.put(self.recent_at(record.last_event, name), Bytes::new());
        }
        tx.put_record(self.stream(name), record);
    }

    /// Adds to the bytes stored in the group on behalf of a stream.
    pub(crate) async fn grow(&self, tx: &Tx, stream: u64, by: i64) -> Result<(), StoreError> {
        let key = self.size_of(stream % SHARDS);
        let size = size(tx, &key).await?.saturating_add_signed(by);
        tx.put(key, Bytes::copy_from_slice(&size.to_be_bytes()));
        Ok(())
    }

    /// Bytes stored in the group.
    pub(crate) async fn size(&self, read: &impl Read) -> Result<u64, StoreError> {
        let mut sum = 0_u64;
        for shard in 0..SHARDS {
            sum = sum.saturating_add(size(read, &self.size_of(shard)).await?);
        }
        Ok(sum)
    }

    fn size_of(&self, shard: u64) -> Key {
        self.0.clone().text("size").u64(shard)
    }
}

async fn size(read: &impl Read, key: &[u8]) -> Result<u64, StoreError> {
    let stored = read.get(key).await?;
    let bytes = stored.as_deref().and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

/// The keys of one stream's events.
#[derive(Debug, Clone)]
pub(crate) struct EventKeys(Key);

/// An event's place in its stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Milliseconds since the epoch.
    pub(crate) time: u64,
    pub(crate) sequence: u64,
}

impl Position {
    /// Before every event of that time.
    pub(crate) fn at(time: u64) -> Self {
        Self { time, sequence: 0 }
    }

    /// The next place after this one.
    pub(crate) fn next(self) -> Self {
        Self { sequence: self.sequence.saturating_add(1), ..self }
    }
}

impl EventKeys {
    pub(crate) fn all(&self) -> Range {
        self.0.prefix()
    }

    pub(crate) fn at(&self, position: Position) -> Key {
        self.0.clone().u64(position.time).u64(position.sequence)
    }

    /// From a place on, and up to before another.
    pub(crate) fn between(&self, from: Position, to: Option<Position>) -> Range {
        let range = self.all().starting_at(&self.at(from));
        match to {
            Some(to) => range.before(&self.at(to)),
            None => range,
        }
    }

    /// Where the event of a key lies.
    pub(crate) fn position(&self, key: &[u8]) -> Result<Position, StoreError> {
        let rest = key.strip_prefix(self.0.as_bytes()).and_then(Key::components);
        match rest.as_deref() {
            Some([Component::U64(time), Component::U64(sequence)]) => {
                Ok(Position { time: *time, sequence: *sequence })
            }
            _ => Err(StoreError::Corrupt("an event's key names no place".to_owned())),
        }
    }
}

/// An event as it is stored: a version, eight bytes of the moment it came in, the message.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Milliseconds since the epoch.
    pub(crate) ingested: i64,
    pub(crate) message: String,
}

impl Event {
    pub(crate) fn encode(ingested: i64, message: &str) -> Bytes {
        let mut bytes = Vec::with_capacity(9 + message.len());
        bytes.push(EVENT_VERSION);
        bytes.extend_from_slice(&ingested.to_be_bytes());
        bytes.extend_from_slice(message.as_bytes());
        bytes.into()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = || StoreError::Corrupt("a log event cannot be read".to_owned());
        let (version, rest) = bytes.split_first().ok_or_else(damaged)?;
        let (ingested, message) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        if *version != EVENT_VERSION {
            return Err(damaged());
        }
        let message = std::str::from_utf8(message).map_err(|_| damaged())?.to_owned();
        Ok(Self { ingested: i64::from_be_bytes(*ingested), message })
    }

    /// What a stored event counts for: its message and 26 bytes.
    pub(crate) fn size(stored: &[u8]) -> usize {
        stored.len().saturating_sub(9) + EVENT_OVERHEAD
    }
}
