//! The streams of a table: shards in a row, records without a gap, and the newest of them against
//! the items.

use std::collections::HashSet;

use cumulet_attribute::Item;
use cumulet_store::{Direction, Read as _, Snapshot, StoreError};

use super::table::whole;
use super::{Place, Verified};
use crate::store;
use crate::streams::{
    Change, Event, Head, ShardRecord, StreamInfo, StreamName, View, sequence, sequence_of,
};
use crate::tables::Table;

/// The newest records that are compared with the items.
const RECENT: usize = 100_000;

/// Looks at all of a `kind` that belongs to streams of the table of that name, which is `table` if
/// there is one now.
pub(super) async fn verify(
    snapshot: &Snapshot,
    kind: &str,
    (account, region, name): &Place,
    table: Option<&Table>,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut rest = Some(store::data(account, region).text(kind).text(name).prefix());
    // One step a stream.
    while let Some(range) = rest {
        let mut page = snapshot.range(&range, Direction::Forward, 1).await?;
        let Some((key, _)) = page.items.pop() else { break };
        let Some(stream) = StreamName::of_key(&key) else {
            verified.fault(format_args!("a stream's key without a label: {}", key.escape_ascii()));
            rest = page.rest;
            continue;
        };
        let prefix = stream.key(kind).prefix();
        if kind == "stream" {
            verified.streams += 1;
            let table = table.filter(|table| {
                table.stream.as_ref().is_some_and(|current| current.name == stream)
            });
            if let Err(why) = walk(snapshot, &stream, table, verified).await? {
                verified.fault(format_args!("stream {stream}: {why}"));
            }
        } else if snapshot.get(&stream.info()).await?.is_none() {
            verified.fault(format_args!("{kind} of a stream that is not there: {stream}"));
        }
        rest = page.rest.map(|rest| store::past(rest, prefix));
    }
    Ok(())
}

/// What is known of a stream before its records are read.
struct Bounds {
    info: StreamInfo,
    head: Head,
    view: View,
}

/// What is wrong with a stream as a whole; faults of single records go to `verified`.
async fn walk(
    snapshot: &Snapshot,
    stream: &StreamName,
    table: Option<&Table>,
    verified: &mut Verified,
) -> Result<Result<(), String>, StoreError> {
    let info: Option<StreamInfo> = snapshot.get_record(&stream.info()).await?;
    let head: Option<Head> = snapshot.get_record(&stream.head()).await?;
    let (Some(info), Some(head)) = (info, head) else {
        return Ok(Err("it has lost where its next record goes".to_owned()));
    };
    let Some(view) = View::parse(&info.view) else {
        return Ok(Err(format!("its view is {}", info.view)));
    };
    let bounds = Bounds { info, head, view };
    let newest = match shards(snapshot, stream, &bounds).await? {
        Ok(newest) => newest,
        Err(why) => return Ok(Err(why)),
    };
    let checked = records(snapshot, stream, &bounds, newest, verified).await?;
    if let (Ok(()), Some(table)) = (&checked, table) {
        compare(snapshot, stream, table, &bounds, verified).await?;
    }
    Ok(checked)
}

/// Whether each shard goes on where its parent ended: the first sequence number of the newest.
async fn shards(
    snapshot: &Snapshot,
    stream: &StreamName,
    Bounds { info, head, .. }: &Bounds,
) -> Result<Result<Option<u64>, String>, StoreError> {
    let mut before: Option<(u64, ShardRecord)> = None;
    let mut scan = snapshot.scan(stream.shards().prefix(), Direction::Forward);
    while let Some((key, shard)) = scan.next_record::<ShardRecord>().await? {
        let number = sequence_of(&key)?;
        let id = stream.shard_id(number);
        if let Some((parent, record)) = &before {
            let end = record.closed.as_ref().map(|closed| closed.last + 1);
            if shard.parent != Some(*parent) || end != Some(shard.first) {
                return Ok(Err(format!("shard {id} does not go on where its parent ended")));
            }
        }
        let open = number == head.shard && info.closed.is_none();
        if shard.closed.is_none() != open {
            let is = if open { "closed" } else { "open" };
            return Ok(Err(format!("shard {id} is {is}")));
        }
        before = Some((number, shard));
    }
    Ok(match before {
        Some((number, shard)) if number == head.shard => Ok(Some(shard.first)),
        // The shards of a stream that is off go before it does.
        None if info.closed.is_some() => Ok(None),
        _ => Err("its newest shard is not there".to_owned()),
    })
}

/// Whether the records follow each other without a gap, and are what the stream has.
async fn records(
    snapshot: &Snapshot,
    stream: &StreamName,
    Bounds { info, head, view }: &Bounds,
    newest: Option<u64>,
    verified: &mut Verified,
) -> Result<Result<(), String>, StoreError> {
    let (mut next, mut at, mut bytes) = (info.first, i64::MIN, 0);
    let mut scan = snapshot.scan(stream.changes().prefix(), Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        verified.changes += 1;
        let number = sequence_of(&key)?;
        if number != next {
            let (there, next) = (sequence(number), sequence(next));
            return Ok(Err(format!("after its records before {next} comes {there}")));
        }
        next = number + 1;
        if newest.is_some_and(|first| number >= first) {
            bytes += stored.len() as u64;
        }
        match Change::decode(stored).ok().filter(|change| is_whole(change, *view)) {
            Some(change) if change.at < at => {
                verified.fault(format_args!(
                    "stream {stream}: record {} is older than the one before it",
                    sequence(number)
                ));
            }
            Some(change) => at = change.at,
            None => verified
                .fault(format_args!("stream {stream}: record {} cannot be read", sequence(number))),
        }
    }
    if next != head.next {
        let (ends, head) = (sequence(next), sequence(head.next));
        return Ok(Err(format!("its records end before {ends}, its count says {head}")));
    }
    // What was trimmed is counted still.
    let trimmed = newest.is_none_or(|first| info.first > first);
    if !trimmed && bytes != head.bytes {
        let counted = head.bytes;
        return Ok(Err(format!("its newest shard has {bytes} bytes, its count says {counted}")));
    }
    Ok(Ok(()))
}

/// Whether a change has the images that its kind and the view give it, and all of them can be read.
pub(super) fn is_whole(change: &Change, view: View) -> bool {
    let old = view.has_old() && change.event != Event::Insert;
    let new = view.has_new() && change.event != Event::Remove;
    let images = [Some(&change.key), change.old.as_ref(), change.new.as_ref()];
    let readable = |item: &Item| item.check().is_ok();
    change.old.is_some() == old
        && change.new.is_some() == new
        && images.into_iter().flatten().all(readable)
}

/// Whether the newest record of each item tells what the item is.
async fn compare(
    snapshot: &Snapshot,
    stream: &StreamName,
    table: &Table,
    bounds: &Bounds,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let mut seen = HashSet::new();
    let mut scan = snapshot.scan(stream.changes().prefix(), Direction::Backward);
    for _ in 0..RECENT {
        let Some((key, stored)) = scan.next().await? else { break };
        let Ok(change) = Change::decode(stored) else { continue };
        let Some(position) = table.schema.position(&change.key) else { continue };
        if seen.contains(&position) {
            continue;
        }
        let item = snapshot.get(&table.keys.at(&position)).await?;
        let agrees = match (&item, change.event) {
            (None, event) => event == Event::Remove,
            (Some(_), Event::Remove) => false,
            (Some(stored), _) => !bounds.view.has_new() || whole(stored.clone()) == change.new,
        };
        if !agrees {
            let number = sequence(sequence_of(&key)?);
            verified.fault(format_args!(
                "stream {stream}: the item is not what record {number}, its newest, says"
            ));
        }
        seen.insert(position);
    }
    Ok(())
}
