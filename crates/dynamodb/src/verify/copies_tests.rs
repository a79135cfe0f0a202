//! Damage to backups, to what items were, and to the sizes of collections.

use cumulet_api_dynamodb::ops::{CreateBackup, CreateBackupInput, CreateTableInput};
use cumulet_api_dynamodb::types::{LocalSecondaryIndex, Projection, ProjectionType};
use cumulet_store::{Direction, Range, Read as _, StoreError};

use super::verify;
use crate::backups::{BackupName, BackupRecord, State};
use crate::history::tests::{put, recover};
use crate::store;
use crate::testing::{Testing, definitions, item, key_schema};

/// A cloud with a table that has all of these, and a backup of it.
struct Filled {
    testing: Testing,
    backup: BackupName,
    id: String,
}

impl Filled {
    async fn new() -> Self {
        let testing = Testing::new().await;
        let local = LocalSecondaryIndex {
            index_name: "by-y".into(),
            key_schema: key_schema("pk", Some("y")),
            projection: Projection {
                projection_type: Some(ProjectionType::All),
                non_key_attributes: None,
            },
        };
        let more = CreateTableInput {
            attribute_definitions: Some(definitions(&[("y", "N")])),
            local_secondary_indexes: Some(vec![local]),
            ..Default::default()
        };
        let name = testing.table("things", more).await;
        recover(&testing, "things", true, None).await;
        for value in ["1", "2"] {
            for sk in ["1", "2", "3"] {
                put(&testing, "things", &[("pk", "a"), ("sk", sk), ("y", value)]).await;
            }
        }
        let input = CreateBackupInput { table_name: "things".into(), backup_name: "kept".into() };
        let made = testing.call::<CreateBackup>(input).await.unwrap().backup_details.unwrap();
        let backup = BackupName::parse(&made.backup_arn).unwrap();
        let available = async || {
            let record: Option<BackupRecord> =
                testing.cx.store().snapshot().get_record(&backup.key()).await.unwrap();
            record.unwrap().state == State::Available
        };
        testing.until(available).await;
        let id = testing.service.named(&name).await.unwrap().unwrap().record.id.clone();
        Self { testing, backup, id }
    }

    async fn first(&self, range: &Range) -> (Vec<u8>, Vec<u8>) {
        let snapshot = self.testing.cx.store().snapshot();
        let page = snapshot.range(range, Direction::Forward, 1).await.unwrap();
        (page.items[0].0.to_vec(), page.items[0].1.to_vec())
    }

    /// The faults once something lies at a key, which is then as it was.
    async fn told(&self, key: &[u8], value: Option<Vec<u8>>) -> Vec<String> {
        let store = self.testing.cx.store();
        let before = store.snapshot().get(key).await.unwrap();
        let mut told = Vec::new();
        for value in [value.map(bytes::Bytes::from), before] {
            store
                .transact(|tx| {
                    match &value {
                        Some(value) => tx.put(key.to_vec(), value.clone()),
                        None => tx.delete(key.to_vec()),
                    }
                    async { Ok::<_, StoreError>(()) }
                })
                .await
                .unwrap();
            told.push(verify(store).await.unwrap().told);
        }
        assert_eq!(told.pop(), Some(Vec::new()));
        told.pop().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_and_counted_agrees() {
    let filled = Filled::new().await;
    let verified = verify(filled.testing.cx.store()).await.unwrap();
    assert_eq!((verified.told, verified.backups, verified.items), (Vec::new(), 1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_sizes_of_collections_are_found() {
    let filled = Filled::new().await;
    let cx = &filled.testing.cx;
    let collections = store::collections(cx.account(), cx.region(), &filled.id);
    let (key, _) = filled.first(&collections.within(&[])).await;
    let told = filled.told(&key, None).await;
    assert!(told[0].contains("a collection of"), "{told:#?}");
    let told = filled.told(&key, Some(b"\x00\x01{\"bytes\":7}".to_vec())).await;
    assert!(told[0].contains("is noted as having 7"), "{told:#?}");
    let stray = collections.at(b"nowhere");
    let told = filled.told(&stray, Some(b"\x00\x01{\"bytes\":7}".to_vec())).await;
    assert!(told[0].contains("the size of a collection without items"), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_images_are_found() {
    let filled = Filled::new().await;
    let cx = &filled.testing.cx;
    let images = store::images(cx.account(), cx.region(), &filled.id);
    let (key, _) = filled.first(&images.within(&[])).await;
    let other = item(&[("pk", "a"), ("sk", "9")]).into_bytes().to_vec();
    for damage in [b"no item".to_vec(), other.clone()] {
        let told = filled.told(&key, Some(damage)).await;
        assert!(told[0].contains("what an item was cannot be read"), "{told:#?}");
    }
    let stray = store::images(cx.account(), cx.region(), "no-such-table").at(b"\xff12345678");
    let told = filled.told(&stray, Some(other)).await;
    assert!(told[0].contains("image of a table that is not there"), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_backups_are_found() {
    let filled = Filled::new().await;
    let BackupName { account, region, id, .. } = &filled.backup;
    let items = store::backup_items(account, region, id);
    let (key, _) = filled.first(&items.within(&[])).await;
    let told = filled.told(&key, None).await;
    assert!(told[0].contains("it has 2 items of"), "{told:#?}");
    let told = filled.told(&key, Some(b"no item".to_vec())).await;
    assert!(told[0].contains("an item cannot be read"), "{told:#?}");
    let told = filled.told(&filled.backup.key(), Some(b"\x00\x01{}".to_vec())).await;
    assert!(told[0].contains("cannot be read"), "{told:#?}");
    // Its items are nobody's then.
    assert!(told[1].contains("backup of a backup that is not there"), "{told:#?}");
    let stray = store::restore(account, region, "no-such-table");
    let told = filled.told(&stray, Some(b"\x00\x01{}".to_vec())).await;
    assert!(told[0].contains("restore of a table that is not there"), "{told:#?}");
}
