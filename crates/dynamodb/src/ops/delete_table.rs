//! DeleteTable: removes a table, its items and its indexes.
//!
//! Promises: after the answer the table is gone, durably, and its name is free; the space of its
//! items is given back in the background, also after a crash. Its stream can be read for 24 hours.
//! Backups that are being made of it are made all the same. If point-in-time recovery is on, a
//! system backup of the table as it was at last stays for 35 days.
//! Refuses: a table that is not there, is protected, is being restored, or gets or loses an index.

use std::time::Duration;

use cumulet_api_dynamodb::ops::{DeleteTable, DeleteTableInput, DeleteTableOutput};
use cumulet_api_dynamodb::types::TableStatus;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx};

use crate::DynamoDb;
use crate::backups::{self, BackupName, BackupRecord, Kind, State};
use crate::describe;
use crate::error::Error;
use crate::model::{IndexState, TableRecord};
use crate::purge::{self, Purged};
use crate::streams;
use crate::tables::TableName;

/// How long a system backup is kept.
const KEPT: Duration = Duration::from_secs(35 * 86_400);

impl Handle<DeleteTable> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DeleteTableInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:DeleteTable", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: DeleteTableInput) -> Result<DeleteTableOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.known(&name).await?.ok_or_else(|| Error::NoTable(name.name.clone()))?;
        let (key, now) = (name.key(), cx.now());
        cx.store()
            .transact(|tx| {
                let (key, name) = (&key, &name);
                async move {
                    let record: Option<TableRecord> = tx.get_record(key.as_bytes()).await?;
                    let record = record.ok_or_else(|| Error::NoTable(name.name.clone()))?;
                    if record.deletion_protection {
                        return Err(Error::DeletionProtected.into());
                    }
                    if record.indexes.iter().any(|index| index.state != IndexState::Active) {
                        return Err(Error::TableUpdating(name.name.clone()).into());
                    }
                    if record.restoring.is_some() {
                        return Err(Error::TableCreating(name.name.clone()).into());
                    }
                    tx.delete(key.clone());
                    if let Some(stream) = &record.stream {
                        streams::close(&tx, &name.stream(stream.label), now).await?;
                    }
                    let purged = match record.recovery {
                        Some(_) => {
                            keep(&tx, name, record.clone(), now).await?;
                            Purged::AllButItems
                        }
                        None => Purged::All,
                    };
                    let place = (&name.account, &name.region);
                    let (id, copies) = (&record.id, &record.copies);
                    purge::enqueue(&tx, place, id, purged, copies, now).await?;
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let description = describe::table(&table, TableStatus::Deleting, &[]);
        Ok(DeleteTableOutput { table_description: Some(description) })
    }
}

/// Leaves the items to a system backup. (Its name and the end of its ARN: AWS's.)
async fn keep(tx: &Tx, name: &TableName, table: TableRecord, now: Timestamp) -> Result<()> {
    // Another table may have gone within the same millisecond.
    let mut created = now.millis();
    let mut backup = BackupName::new(name, created, "00000000");
    while tx.get(&backup.key()).await?.is_some() {
        created += 1;
        backup = BackupName::new(name, created, "00000000");
    }
    let record = BackupRecord {
        name: format!("{}$DeletedTableBackup", name.name),
        table,
        created,
        kind: Kind::System { expires: Timestamp::from_millis(created).after(KEPT).millis() },
        state: State::Creating { version: tx.version().get(), after: None },
        items: 0,
        bytes: 0,
        restores: None,
    };
    tx.put_record(backup.key(), &record);
    cumulet_work::enqueue(tx, backups::job(&backup, now)).await?;
    Ok(())
}
