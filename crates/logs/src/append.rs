//! Adding events to a stream: the one way, for PutLogEvents and for lines of this cloud's own.

use bytes::Bytes;
use cumulet_base::{Ids, Timestamp};
use cumulet_store::Tx;

use crate::error::Error;
use crate::group::GroupName;
use crate::model::{GroupRecord, StreamRecord};
use crate::store::{Event, Position};

/// An event about to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Milliseconds since the epoch.
    pub(crate) time: u64,
    /// See [`Event::encode`].
    pub(crate) stored: Bytes,
}

/// What group and stream are made with where they are not there; drawn before the transaction,
/// which may run again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making {
    pub(crate) group: u64,
    pub(crate) stream: u64,
    /// Whether the group may be made, too.
    pub(crate) makes_group: bool,
}

impl Making {
    pub(crate) fn draw(ids: &dyn Ids) -> Self {
        Self { group: random(ids), stream: random(ids), makes_group: true }
    }
}

/// A random id of a group or stream.
pub(crate) fn random(ids: &dyn Ids) -> u64 {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Adds `entries` to a stream and answers the sequence number that follows them.
pub(crate) async fn append(
    tx: &Tx,
    name: &GroupName,
    stream: &str,
    entries: &[Entry],
    now: Timestamp,
    making: Option<Making>,
) -> Result<u64, Error> {
    let found = name.find(tx).await?;
    let group = match (found, making) {
        (Some(group), _) => group,
        (None, Some(making)) if making.makes_group => {
            let group = GroupRecord::new(making.group, now.millis());
            tx.put_record(name.key(), &group);
            group
        }
        (None, _) => return Err(Error::GroupNotFound),
    };
    let keys = name.keys(&group);
    let before: Option<StreamRecord> =
        cumulet_store::Read::get_record(tx, &keys.stream(stream)).await?;
    let mut record = match (&before, making) {
        (Some(record), _) => record.clone(),
        (None, None) => return Err(Error::StreamNotFound),
        (None, Some(making)) => StreamRecord::new(making.stream, now.millis()),
    };
    let events = keys.events(record.id);
    let mut size = 0;
    for Entry { time, stored } in entries {
        tx.put(events.at(Position { time: *time, sequence: record.next }), stored.clone());
        record.next += 1;
        record.first_event = Some(record.first_event.map_or(*time, |first| first.min(*time)));
        record.last_event = record.last_event.max(Some(*time));
        size += Event::size(stored) as u64;
    }
    if !entries.is_empty() {
        record.last_ingestion = Some(now.millis());
        record.bytes = record.bytes.saturating_add(size);
        keys.grow(tx, record.id, i64::try_from(size).unwrap_or(i64::MAX)).await?;
    }
    keys.put_stream(tx, stream, &record, before.as_ref());
    Ok(record.next)
}
