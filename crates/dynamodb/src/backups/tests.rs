//! Backups of a table that changes, goes, and comes again.

use std::time::Duration;

use cumulet_api_dynamodb::ops::{
    CreateBackup, CreateBackupInput, CreateTableInput, DeleteBackup, DeleteBackupInput,
    DeleteTable, DeleteTableInput, DescribeBackup, DescribeBackupInput, DescribeTable,
    DescribeTableInput, ListBackups, ListBackupsInput, RestoreTableFromBackup,
    RestoreTableFromBackupInput,
};
use cumulet_api_dynamodb::types::{
    BackupDescription, BackupStatus, BackupType, BackupTypeFilter, TableStatus,
};
use cumulet_base::Timestamp;
use cumulet_store::{Direction, Read as _};

use super::{BackupName, BackupRecord, State, copy};
use crate::history::tests::{delete, items, put, recover};
use crate::store;
use crate::tables::TableName;
use crate::testing::{Testing, item};

async fn back_up(testing: &Testing, table: &str) -> String {
    let input = CreateBackupInput { table_name: table.into(), backup_name: "kept".into() };
    let details = testing.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
    assert_eq!(details.backup_status, BackupStatus::Creating);
    details.backup_arn
}

async fn describe(testing: &Testing, arn: &str) -> BackupDescription {
    let input = DescribeBackupInput { backup_arn: arn.to_owned() };
    testing.call::<DescribeBackup>(input).await.unwrap().backup_description.unwrap()
}

async fn available(testing: &Testing, arn: &str) -> BackupDescription {
    let status = async || describe(testing, arn).await.backup_details.unwrap().backup_status;
    testing.until(async || status().await == BackupStatus::Available).await;
    describe(testing, arn).await
}

fn restore(arn: &str, to: &str) -> RestoreTableFromBackupInput {
    RestoreTableFromBackupInput {
        target_table_name: to.into(),
        backup_arn: arn.into(),
        ..Default::default()
    }
}

async fn fill(testing: &Testing, count: u32) {
    for n in 0..count {
        put(testing, "things", &[("pk", "a"), ("sk", &n.to_string()), ("v", "old")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_the_table_as_it_was() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    fill(&testing, 10).await;
    let arn = back_up(&testing, "things").await;
    // Whatever of the copy is made already.
    put(&testing, "things", &[("pk", "a"), ("sk", "1"), ("v", "new")]).await;
    put(&testing, "things", &[("pk", "a"), ("sk", "99"), ("v", "new")]).await;
    delete(&testing, "things", "2").await;
    let description = available(&testing, &arn).await;
    let source = description.source_table_details.unwrap();
    assert_eq!((source.item_count, source.table_name.as_str()), (Some(10), "things"));
    assert!(source.table_size_bytes.unwrap() > 10);
    // It outlives its table.
    let input = DeleteTableInput { table_name: "things".into() };
    testing.call::<DeleteTable>(input).await.unwrap();
    testing.call::<RestoreTableFromBackup>(restore(&arn, "again")).await.unwrap();
    let again = TableName { name: "again".into(), ..name };
    let found = items(&testing, &again).await;
    let expected = |n: u32| item(&[("pk", "a"), ("sk", &n.to_string()), ("v", "old")]);
    assert_eq!(found, (0..10).map(expected).collect::<Vec<_>>());
    assert_eq!(crate::verify(testing.cx.store()).await.unwrap().told, Vec::<String>::new());
}

/// Each step of the copy by itself, with writes between them before and behind where it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_it_is_copied_is_not_in_it() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    fill(&testing, 20).await;
    let arn = back_up(&testing, "things").await;
    let backup = BackupName::parse(&arn).unwrap();
    available(&testing, &arn).await;
    // Once more, from the middle, as after a crash; what is there already is written again.
    let table = testing.service.named(&name).await.unwrap().unwrap();
    let middle = table.schema.position(&item(&[("pk", "a"), ("sk", "9")])).unwrap();
    let store = testing.cx.store();
    let version = store
        .transact(|tx| {
            let (backup, middle) = (&backup, &middle);
            async move {
                let mut record: BackupRecord = tx.get_record(&backup.key()).await?.unwrap();
                let version = tx.version().get();
                record.state = State::Creating { version, after: Some(middle.clone()) };
                (record.items, record.bytes) = (10, 0);
                tx.put_record(backup.key(), &record);
                Ok::<_, cumulet_store::StoreError>(version)
            }
        })
        .await
        .unwrap();
    assert!(version > 0);
    assert_eq!(copy::work(store, &backup, testing.cx.now()).await.unwrap(), None);
    let details = describe(&testing, &arn).await.source_table_details.unwrap();
    assert_eq!(details.item_count, Some(20));
    let keys = store::backup_items(&backup.account, &backup.region, &backup.id);
    let kept = store.snapshot().range(&keys.within(&[]), Direction::Forward, 100).await.unwrap();
    assert_eq!(kept.items.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_listed_in_the_order_of_time() {
    let testing = Testing::new().await;
    testing.table("things", CreateTableInput::default()).await;
    testing.table("others", CreateTableInput::default()).await;
    let (mut arns, start) = (Vec::new(), testing.cx.now());
    for table in ["things", "others", "things", "things"] {
        testing.clock.advance(Duration::from_millis(1));
        arns.push(back_up(&testing, table).await);
    }
    let list = async |input: ListBackupsInput| {
        let answer = testing.call::<ListBackups>(input).await.unwrap();
        let found = answer.backup_summaries.unwrap();
        let found: Vec<_> = found.into_iter().map(|one| one.backup_arn.unwrap()).collect();
        (found, answer.last_evaluated_backup_arn)
    };
    let all = ListBackupsInput::default;
    assert_eq!(list(all()).await, (arns.clone(), None));
    let things = || ListBackupsInput { table_name: Some("things".into()), ..all() };
    let of_things = vec![arns[0].clone(), arns[2].clone(), arns[3].clone()];
    assert_eq!(list(things()).await, (of_things.clone(), None));
    let first = list(ListBackupsInput { limit: Some(2), ..things() }).await;
    assert_eq!(first, (of_things[..2].to_vec(), Some(of_things[1].clone())));
    let next = ListBackupsInput {
        limit: Some(1),
        exclusive_start_backup_arn: Some(of_things[1].clone()),
        ..things()
    };
    assert_eq!(list(next).await, (of_things[2..].to_vec(), None));
    let at = |n| Some(Timestamp::from_millis(start.millis() + n));
    let bounds = |from, to| ListBackupsInput {
        time_range_lower_bound: at(from),
        time_range_upper_bound: at(to),
        ..all()
    };
    assert_eq!(list(bounds(2, 4)).await.0, arns[1..3].to_vec());
    assert_eq!(
        testing.refused::<ListBackups>(bounds(4, 2)).await,
        "Time range lower bound must be less than or equal to upper bound"
    );
    let system = ListBackupsInput { backup_type: Some(BackupTypeFilter::System), ..all() };
    assert_eq!(list(system).await.0, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_cannot_be_deleted() {
    let testing = Testing::new().await;
    testing.table("things", CreateTableInput::default()).await;
    fill(&testing, 3).await;
    let arn = back_up(&testing, "things").await;
    available(&testing, &arn).await;
    let backup = BackupName::parse(&arn).unwrap();
    let using = async |table: Option<String>| {
        let (key, table) = (backup.key(), &table);
        let change = |tx: cumulet_store::Tx| {
            let key = key.clone();
            async move {
                let mut record: BackupRecord = tx.get_record(&key).await?.unwrap();
                record.restores = table.clone();
                tx.put_record(key, &record);
                Ok::<_, cumulet_store::StoreError>(())
            }
        };
        testing.cx.store().transact(change).await.unwrap();
    };
    using(Some("another".into())).await;
    let delete = || DeleteBackupInput { backup_arn: arn.clone() };
    let text = format!("Backup is being used to restore table: {arn}");
    assert_eq!(testing.refused::<DeleteBackup>(delete()).await, text);
    let text = format!("Backup is being used to restore another table: {arn}");
    assert_eq!(testing.refused::<RestoreTableFromBackup>(restore(&arn, "new")).await, text);
    using(None).await;
    let text = "Table already exists: things";
    assert_eq!(testing.refused::<RestoreTableFromBackup>(restore(&arn, "things")).await, text);
    let gone = testing.call::<DeleteBackup>(delete()).await.unwrap().backup_description.unwrap();
    assert_eq!(gone.backup_details.unwrap().backup_status, BackupStatus::Deleted);
    let text = format!("Backup not found: {arn}");
    assert_eq!(testing.refused::<DeleteBackup>(delete()).await, text);
    let left = store::backup_items(&backup.account, &backup.region, &backup.id).within(&[]);
    let is_empty = async || {
        let page = testing.cx.store().snapshot().range(&left, Direction::Forward, 1).await;
        page.unwrap().items.is_empty()
    };
    testing.until(is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_table_with_recovery_leaves_a_system_backup() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    fill(&testing, 3).await;
    recover(&testing, "things", true, None).await;
    put(&testing, "things", &[("pk", "a"), ("sk", "1"), ("v", "last")]).await;
    let input = DeleteTableInput { table_name: "things".into() };
    testing.call::<DeleteTable>(input).await.unwrap();
    let all =
        ListBackupsInput { backup_type: Some(BackupTypeFilter::System), ..Default::default() };
    let list = async || testing.call::<ListBackups>(all.clone()).await.unwrap().backup_summaries;
    let [backup] = &list().await.unwrap()[..] else { panic!("one backup") };
    assert_eq!(backup.backup_name.as_deref(), Some("things$DeletedTableBackup"));
    assert_eq!(backup.backup_type, Some(BackupType::System));
    let arn = backup.backup_arn.clone().unwrap();
    assert!(arn.ends_with("-00000000"), "{arn}");
    let days = backup.backup_expiry_date_time.unwrap().since(testing.cx.now());
    assert_eq!(days, Duration::from_secs(35 * 86_400));
    let source = available(&testing, &arn).await.source_table_details.unwrap();
    assert_eq!(source.item_count, Some(3));
    let refused = testing.refused::<DeleteBackup>(DeleteBackupInput { backup_arn: arn.clone() });
    assert!(refused.await.contains("not allowed to delete the system backup"));
    // A table of that name may come, and go, meanwhile.
    testing.table("things", CreateTableInput::default()).await;
    testing.call::<RestoreTableFromBackup>(restore(&arn, "again")).await.unwrap();
    let again = TableName { name: "again".into(), ..name };
    let found = items(&testing, &again).await;
    assert_eq!(found[1], item(&[("pk", "a"), ("sk", "1"), ("v", "last")]));
    assert_eq!(found.len(), 3);
    assert_eq!(crate::verify(testing.cx.store()).await.unwrap().told, Vec::<String>::new());
    // Its time comes.
    testing.clock.advance(Duration::from_secs(36 * 86_400));
    testing.until(async || list().await.unwrap().is_empty()).await;
    let id = source.table_id;
    let left = store::items(testing.cx.account(), testing.cx.region(), &id).within(&[]);
    let is_empty = async || {
        let page = testing.cx.store().snapshot().range(&left, Direction::Forward, 1).await;
        page.unwrap().items.is_empty()
    };
    testing.until(is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_of_a_table_that_is_deleted_at_once() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    fill(&testing, 30).await;
    let arn = back_up(&testing, "things").await;
    let input = DeleteTableInput { table_name: "things".into() };
    testing.call::<DeleteTable>(input).await.unwrap();
    let source = available(&testing, &arn).await.source_table_details.unwrap();
    assert_eq!(source.item_count, Some(30));
    testing.call::<RestoreTableFromBackup>(restore(&arn, "things")).await.unwrap();
    assert_eq!(items(&testing, &name).await.len(), 30);
    let input = DescribeTableInput { table_name: "things".into() };
    let table = testing.call::<DescribeTable>(input).await.unwrap().table.unwrap();
    assert_eq!(table.table_status, Some(TableStatus::Active));
    assert!(table.restore_summary.is_none());
}
