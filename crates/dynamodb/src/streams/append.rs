//! Writing to a stream, within the transaction of the change.

use cumulet_attribute::Item;
use cumulet_base::Timestamp;
use cumulet_service::Result;
use cumulet_store::{Read as _, Tx};

use super::model::Closed;
use super::switch::open;
use super::{Change, Event, Head, ShardRecord, StreamName};
use crate::tables::{Stream, Table};
use crate::write::Cause;

/// How long a shard takes records (developer guide: "up to 4 hours" in AWS's own terms of shard
/// rollover).
pub(super) const SHARD_MILLIS: i64 = 4 * 60 * 60 * 1000;
/// Bytes of its records after which it takes no more. AWS's own measure is not documented.
const SHARD_BYTES: u64 = 256 << 20;

/// Notes that `old` became `new` in the table's stream, unless nothing changed.
pub(crate) async fn append(
    tx: &Tx,
    table: &Table,
    stream: &Stream,
    (old, new): (Option<&Item>, Option<&Item>),
    cause: Cause,
    now: Timestamp,
) -> Result<()> {
    let event = match (old, new) {
        (None, None) => return Ok(()),
        (Some(old), Some(new)) if old == new => return Ok(()),
        (None, Some(_)) => Event::Insert,
        (Some(_), Some(_)) => Event::Modify,
        (Some(_), None) => Event::Remove,
    };
    let name = &stream.name;
    let head: Option<Head> = tx.get_record(&name.head()).await?;
    let head = match head {
        Some(head) => head,
        // A table of a build that kept the setting and wrote no records.
        None => open(tx, name, &table.record, now).await?,
    };
    let at = now.millis().max(head.at);
    let mut head = roll_full(tx, name, head, at).await?;
    let key = old.or(new).map(|item| table.schema.key_of(item)).unwrap_or_default();
    let change = Change {
        event,
        expired: cause == Cause::Expiry,
        at,
        key,
        old: old.filter(|_| stream.view.has_old()).cloned(),
        new: new.filter(|_| stream.view.has_new()).cloned(),
    };
    let record = change.encode();
    head.at = at;
    head.bytes += record.len() as u64;
    tx.put(name.change(head.next), record);
    head.next += 1;
    tx.put_record(name.head(), &head);
    Ok(())
}

/// The newest shard as it is, or its child where it has taken enough.
pub(super) async fn roll_full(tx: &Tx, name: &StreamName, head: Head, at: i64) -> Result<Head> {
    let full = head.bytes >= SHARD_BYTES || (head.bytes > 0 && at >= outlived(&head));
    if full { roll(tx, name, &head, at).await } else { Ok(head) }
}

/// When the newest shard has taken records for long enough; milliseconds since the epoch.
pub(super) fn outlived(head: &Head) -> i64 {
    i64::try_from(head.shard).unwrap_or(i64::MAX).saturating_add(SHARD_MILLIS)
}

/// Closes the newest shard and opens its child.
async fn roll(tx: &Tx, name: &StreamName, head: &Head, at: i64) -> Result<Head> {
    end(tx, name, head, at).await?;
    let opened = u64::try_from(at).unwrap_or(0).max(head.shard + 1);
    let child = ShardRecord { parent: Some(head.shard), first: head.next, closed: None };
    let head = Head { shard: opened, next: head.next, bytes: 0, at };
    tx.put_record(name.shard(opened), &child);
    tx.put_record(name.head(), &head);
    Ok(head)
}

/// Closes the newest shard.
pub(super) async fn end(tx: &Tx, name: &StreamName, head: &Head, at: i64) -> Result<()> {
    let key = name.shard(head.shard);
    let shard: Option<ShardRecord> = tx.get_record(&key).await?;
    if let Some(mut shard) = shard {
        let last = head.next.saturating_sub(1).max(shard.first);
        shard.closed = Some(Closed { last, at });
        tx.put_record(key, &shard);
    }
    Ok(())
}
