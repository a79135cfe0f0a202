//! Backups: each has the items that it counts, and all of them can be read.

use cumulet_store::{Direction, Read as _, Snapshot, StoreError};

use super::table::read;
use super::{Ids, Verified};
use crate::backups::{BackupName, BackupRecord, Kind, State};
use crate::store;
use crate::tables::Table;

/// Looks at every backup; which there are.
pub(super) async fn verify(
    snapshot: &Snapshot,
    verified: &mut Verified,
) -> Result<Ids, StoreError> {
    let mut ids = Ids::default();
    let mut scan = snapshot.scan(store::all_backups().prefix(), Direction::Forward);
    while let Some((key, _)) = scan.next().await? {
        verified.backups += 1;
        let record = snapshot.get_record::<BackupRecord>(&key).await;
        let found = record.ok().flatten();
        let found = found.and_then(|record| Some((BackupName::of_key(&key, &record)?, record)));
        let Some((name, record)) = found else {
            let key = key.escape_ascii();
            verified.fault(format_args!("the backup at {key} cannot be read"));
            continue;
        };
        ids.backups.insert(name.id.clone());
        if record.kind != Kind::User {
            ids.tables.insert(record.table.id.clone());
        }
        if let Some(why) = wrong(snapshot, &name, &record).await? {
            verified.fault(format_args!("backup {name}: {why}"));
        }
    }
    Ok(ids)
}

/// What is wrong with a backup.
async fn wrong(
    snapshot: &Snapshot,
    name: &BackupName,
    record: &BackupRecord,
) -> Result<Option<String>, StoreError> {
    let keys = record.keys(&name.account, &name.region, &name.id);
    let stored = bytes::Bytes::new();
    let table = Table::new(&name.account, &name.region, record.table.clone(), &name.key(), stored);
    let Ok(mut table) = table else { return Ok(Some("its table's keys have no types".to_owned())) };
    table.keys = keys;
    let (mut items, mut bytes) = (0, 0);
    let mut scan = snapshot.scan(table.keys.within(&[]), Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        match read(&table, &key, stored) {
            Ok((item, _)) => {
                items += 1;
                bytes += item.size() as u64;
            }
            Err(why) => return Ok(Some(format!("{why} (key {})", key.escape_ascii()))),
        }
    }
    let counted = (record.items, record.bytes);
    // One that is being made has counted as far as it is.
    if record.state == State::Available && counted != (items, bytes) {
        return Ok(Some(format!(
            "it has {items} items of {bytes} bytes, its counts say {} of {}",
            record.items, record.bytes
        )));
    }
    Ok(None)
}
