//! Switching a table's stream on and off.

use cumulet_base::Timestamp;
use cumulet_service::Result;
use cumulet_store::{Direction, Read as _, Tx};

use super::append::end;
use super::{Head, ShardRecord, StreamInfo, StreamName, trim};
use crate::model::{StreamRecord, TableRecord};
use crate::tables::TableName;

/// Brings the table's streams to what its record, which was changed, asks for. The new stream's
/// label, which is in the record, becomes one that no stream of a table of that name has had.
pub(crate) async fn switch(
    tx: &Tx,
    table: &TableName,
    before: Option<&StreamRecord>,
    record: &mut TableRecord,
    now: Timestamp,
) -> Result<()> {
    if before == record.stream.as_ref() {
        return Ok(());
    }
    if let Some(before) = before {
        close(tx, &table.stream(before.label), now).await?;
    }
    let Some(stream) = &mut record.stream else { return Ok(()) };
    let all = StreamName::all(&table.account, &table.region).text(&table.name).prefix();
    let latest = tx.range(&all, Direction::Backward, 1).await?;
    let latest = latest.items.first().and_then(|(key, _)| StreamName::of_key(key));
    stream.label = latest.map_or(stream.label, |latest| stream.label.max(latest.label + 1));
    let name = table.stream(stream.label);
    record.latest_stream = Some(stream.label);
    open(tx, &name, record, now).await?;
    Ok(())
}

/// Begins a stream of the table with that record, with one open shard.
pub(super) async fn open(
    tx: &Tx,
    name: &StreamName,
    table: &TableRecord,
    now: Timestamp,
) -> Result<Head> {
    let view = table.stream.as_ref().map(|stream| stream.view.clone()).unwrap_or_default();
    let info = StreamInfo { view, key: table.key.clone(), closed: None, first: 1 };
    let opened = u64::try_from(now.millis()).unwrap_or(0);
    let head = Head { shard: opened, next: 1, bytes: 0, at: now.millis() };
    let shard = ShardRecord { parent: None, first: head.next, closed: None };
    tx.put_record(name.info(), &info);
    tx.put_record(name.head(), &head);
    tx.put_record(name.shard(opened), &shard);
    cumulet_work::enqueue(tx, trim::job(name, now)).await?;
    Ok(head)
}

/// Ends a stream: it takes no more records, and is read for as long as they are kept.
pub(crate) async fn close(tx: &Tx, name: &StreamName, now: Timestamp) -> Result<()> {
    let info: Option<StreamInfo> = tx.get_record(&name.info()).await?;
    let head: Option<Head> = tx.get_record(&name.head()).await?;
    let (Some(mut info), Some(head)) = (info, head) else { return Ok(()) };
    let at = now.millis().max(head.at);
    info.closed = Some(at);
    tx.put_record(name.info(), &info);
    end(tx, name, &head, at).await
}
