//! What agrees passes; every kind of damage, planted one at a time, is found.

use cumulet_api_dynamodb::ops::{
    CreateTableInput, DeleteItem, DeleteItemInput, DeleteTable, DeleteTableInput, PutItem,
    PutItemInput,
};
use cumulet_api_dynamodb::types::{
    GlobalSecondaryIndex, Projection, ProjectionType, StreamSpecification, StreamViewType,
};
use cumulet_store::{Direction, Key, Read as _, StoreError};

use super::{Verified, verify};
use crate::streams::{Change, Head, ShardRecord, StreamInfo, StreamName};
use crate::tables::Table;
use crate::testing::{Testing, attributes, definitions, item, key_schema};

/// A cloud whose table `things` has an index `by-x`, a stream and three items.
struct Filled {
    testing: Testing,
    table: std::sync::Arc<Table>,
    stream: StreamName,
}

impl Filled {
    async fn new() -> Self {
        let testing = Testing::new().await;
        let projection = Projection {
            projection_type: Some(ProjectionType::KeysOnly),
            non_key_attributes: None,
        };
        let index = GlobalSecondaryIndex {
            index_name: "by-x".into(),
            key_schema: key_schema("x", None),
            projection,
            ..Default::default()
        };
        let more = CreateTableInput {
            attribute_definitions: Some(definitions(&[("x", "S")])),
            global_secondary_indexes: Some(vec![index]),
            stream_specification: Some(StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(StreamViewType::NewAndOldImages),
            }),
            ..Default::default()
        };
        let name = testing.table("things", more).await;
        let table = testing.service.named(&name).await.unwrap().unwrap();
        let stream = table.stream.as_ref().unwrap().name.clone();
        let filled = Self { testing, table, stream };
        for n in ["1", "2", "3"] {
            filled.put(&[("pk", "a"), ("sk", n), ("x", "one")]).await;
            filled.put(&[("pk", "a"), ("sk", n), ("x", "two")]).await;
        }
        filled
    }

    async fn put(&self, pairs: &[(&str, &str)]) {
        let item = attributes(pairs);
        let input = PutItemInput { table_name: "things".into(), item, ..Default::default() };
        self.testing.call::<PutItem>(input).await.unwrap();
    }

    /// Writes past the service.
    async fn plant(&self, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        let key = key.into();
        let plant = |tx: cumulet_store::Tx| {
            match &value {
                Some(value) => tx.put(key.clone(), value.clone()),
                None => tx.delete(key.clone()),
            }
            async { Ok::<_, StoreError>(()) }
        };
        self.testing.cx.store().transact(plant).await.unwrap();
    }

    async fn verify(&self) -> Verified {
        verify(self.testing.cx.store()).await.unwrap()
    }

    /// The only fault there is.
    async fn fault(&self) -> String {
        let verified = self.verify().await;
        assert_eq!(verified.faults, 1, "{verified:#?}");
        verified.told[0].clone()
    }

    async fn entry(&self) -> (Vec<u8>, Vec<u8>) {
        let range = self.table.indexes[0].keys.within(&[]);
        let snapshot = self.testing.cx.store().snapshot();
        let page = snapshot.range(&range, Direction::Forward, 1).await.unwrap();
        (page.items[0].0.to_vec(), page.items[0].1.to_vec())
    }

    fn item_key(&self, sk: &str) -> Vec<u8> {
        let position = self.table.schema.position(&item(&[("pk", "a"), ("sk", sk)]));
        self.table.keys.at(&position.unwrap())
    }

    async fn change_head(&self, change: impl Fn(&mut Head) + Send + Sync) {
        let key = self.stream.head();
        let done = self.testing.cx.store().transact(|tx| {
            let (key, change) = (&key, &change);
            async move {
                let mut head: Head = tx.get_record(key).await?.unwrap();
                change(&mut head);
                tx.put_record(key.clone(), &head);
                Ok::<_, StoreError>(())
            }
        });
        done.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_agrees() {
    let filled = Filled::new().await;
    let expected =
        Verified { tables: 1, items: 3, entries: 3, streams: 1, changes: 6, ..Verified::default() };
    assert_eq!(filled.verify().await, expected);
    let input = DeleteTableInput { table_name: "things".into() };
    filled.testing.call::<DeleteTable>(input).await.unwrap();
    let verified = filled.verify().await;
    assert_eq!((verified.faults, verified.tables, verified.changes), (0, 0, 6), "{verified:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_entry_is_found() {
    let filled = Filled::new().await;
    filled.plant(filled.entry().await.0, None).await;
    let fault = filled.fault().await;
    assert!(fault.contains("table things: index by-x: an item has no entry"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_entry_is_found() {
    let filled = Filled::new().await;
    let orphan = item(&[("pk", "a"), ("sk", "9"), ("x", "one")]);
    let index = &filled.table.indexes[0];
    let position = filled.table.schema.position(&orphan).unwrap();
    let (key, entry) = crate::write::entry(index, &position, &orphan).unwrap().unwrap();
    filled.plant(key, Some(entry.into_bytes().to_vec())).await;
    assert!(filled.fault().await.contains("an entry has no item"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_its_item_has_left_is_found() {
    let filled = Filled::new().await;
    let old = item(&[("pk", "a"), ("sk", "1"), ("x", "one")]);
    let index = &filled.table.indexes[0];
    let position = filled.table.schema.position(&old).unwrap();
    let (key, entry) = crate::write::entry(index, &position, &old).unwrap().unwrap();
    filled.plant(key, Some(entry.into_bytes().to_vec())).await;
    assert!(filled.fault().await.contains("an entry is not where its item has it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_says_something_else_is_found() {
    let filled = Filled::new().await;
    let (key, _) = filled.entry().await;
    let other = item(&[("pk", "a"), ("sk", "1"), ("x", "two"), ("y", "more")]);
    filled.plant(key, Some(other.into_bytes().to_vec())).await;
    assert!(filled.fault().await.contains("an entry is not what its item says"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_misplaced_items_are_found() {
    let filled = Filled::new().await;
    let key = filled.item_key("1");
    filled.plant(key.clone(), Some(b"no item".to_vec())).await;
    let told = filled.verify().await.told;
    assert!(told.iter().any(|fault| fault.contains("an item cannot be read")), "{told:#?}");
    let other = item(&[("pk", "a"), ("sk", "2"), ("x", "two")]).into_bytes().to_vec();
    filled.plant(key, Some(other)).await;
    let told = filled.verify().await.told;
    let fault = "an item lies where its key does not belong";
    assert!(told.iter().any(|told| told.contains(fault)), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_its_stream_knows_otherwise_is_found() {
    let filled = Filled::new().await;
    let other = item(&[("pk", "a"), ("sk", "1"), ("x", "two"), ("y", "more")]);
    filled.plant(filled.item_key("1"), Some(other.into_bytes().to_vec())).await;
    assert!(filled.fault().await.contains("the item is not what record 100000000000000000002"));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_counts_of_a_stream_are_found() {
    let filled = Filled::new().await;
    filled.change_head(|head| head.next += 1).await;
    let fault = filled.fault().await;
    assert!(fault.contains("its records end before 100000000000000000007, its count"), "{fault}");
    filled.change_head(|head| head.next -= 1).await;
    filled.change_head(|head| head.bytes += 1).await;
    let fault = filled.fault().await;
    assert!(fault.contains("its newest shard has"), "{fault}");
    filled.change_head(|head| head.bytes -= 1).await;
    filled.change_head(|head| head.shard += 1).await;
    let fault = filled.fault().await;
    assert!(fault.contains("is closed") || fault.contains("is open"), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_a_stream_and_its_lost_parts_are_found() {
    let filled = Filled::new().await;
    let stream = &filled.stream;
    let stored = async |key: &Key| filled.testing.cx.store().snapshot().get(key).await.unwrap();
    for (key, words) in [
        (stream.change(3), "after its records before 100000000000000000003 comes"),
        (stream.change(6), "its records end before 100000000000000000006"),
        (stream.head(), "it has lost where its next record goes"),
        (stream.shard(u64::try_from(stream.label).unwrap()), "its newest shard is not there"),
    ] {
        let before = stored(&key).await.unwrap();
        filled.plant(key.as_bytes(), None).await;
        assert!(filled.fault().await.contains(words), "{words}");
        filled.plant(key.as_bytes(), Some(before.to_vec())).await;
    }
    filled.plant(stream.change(2).as_bytes(), Some(vec![1, 2, 3])).await;
    assert!(filled.verify().await.told[0].contains("record 100000000000000000002 cannot be read"));
    let info: StreamInfo =
        filled.testing.cx.store().snapshot().get_record(&stream.info()).await.unwrap().unwrap();
    assert_eq!(info.first, 1);
    filled.plant(stream.info().as_bytes(), None).await;
    let told = filled.verify().await.told;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.iter().all(|told| told.contains("of a stream that is not there")), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_that_do_not_follow_each_other_are_found() {
    let filled = Filled::new().await;
    filled.testing.clock.advance(std::time::Duration::from_secs(5 * 3600));
    filled.put(&[("pk", "a"), ("sk", "4"), ("x", "one")]).await;
    assert_eq!(filled.verify().await.faults, 0);
    let snapshot = filled.testing.cx.store().snapshot();
    let range = filled.stream.shards().prefix();
    let page = snapshot.range_records::<ShardRecord>(&range, Direction::Backward, 1).await.unwrap();
    let (key, mut shard) = page.items.into_iter().next().unwrap();
    shard.first += 1;
    filled
        .testing
        .cx
        .store()
        .transact(|tx| {
            tx.put_record(key.clone(), &shard);
            async { Ok::<_, StoreError>(()) }
        })
        .await
        .unwrap();
    assert!(filled.fault().await.contains("does not go on where its parent ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_nobody_is_found() {
    let filled = Filled::new().await;
    let (account, region) = (filled.testing.cx.account(), filled.testing.cx.region());
    let key = crate::store::items(account, region, "no-such-table").at(b"\xff\x00position");
    let stray = item(&[("pk", "a"), ("sk", "1")]).into_bytes().to_vec();
    filled.plant(key, Some(stray.clone())).await;
    let fault = filled.fault().await;
    assert!(fault.contains("item of a table that is not there"), "{fault}");
    let id = &filled.table.record.id;
    let key = crate::store::entries(account, region, id, "by-nothing").at(b"\xff\x00position");
    filled.plant(key, Some(stray.clone())).await;
    let fault = &filled.verify().await.told[0];
    assert!(fault.contains("by-nothing: an entry of an index that is not there"), "{fault}");
    let key = Key::new("dynamodb", account, region).text("riddle").text("x");
    filled.plant(key.as_bytes(), Some(stray)).await;
    let told = filled.verify().await.told;
    assert!(told.iter().any(|told| told.contains("a key that nobody knows")), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_at_the_very_end_of_the_order_are_found() {
    use cumulet_attribute::ValueRef;
    let filled = Filled::new().await;
    for n in ["1", "2", "3"] {
        let key = attributes(&[("pk", "a"), ("sk", n)]);
        let input = DeleteItemInput { table_name: "things".into(), key, ..Default::default() };
        filled.testing.call::<DeleteItem>(input).await.unwrap();
    }
    // Its hash begins with 0xFF, which follows the table's id, or the index's name, in the key.
    let last = |text: &String| {
        crate::key::partition_position(ValueRef::S(text)).unwrap().first() == Some(&0xff)
    };
    let text = (0..100_000).map(|n| format!("p{n}")).find(last).unwrap();
    filled.put(&[("pk", &text), ("sk", "1"), ("x", &text)]).await;
    let verified = filled.verify().await;
    assert_eq!((verified.items, verified.entries, verified.faults), (1, 1, 0), "{verified:#?}");
}

#[test]
fn a_change_is_whole_with_the_images_of_its_kind() {
    use crate::streams::{Event, View};
    let image = || Some(item(&[("pk", "a"), ("sk", "1")]));
    let whole = |event, old, new, view| {
        let key = item(&[("pk", "a"), ("sk", "1")]);
        let change = Change { event, expired: false, at: 0, key, old, new };
        super::stream::is_whole(&change, view)
    };
    assert!(whole(Event::Insert, None, image(), View::NewAndOldImages));
    assert!(whole(Event::Modify, image(), image(), View::NewAndOldImages));
    assert!(whole(Event::Remove, image(), None, View::NewAndOldImages));
    assert!(whole(Event::Modify, None, None, View::KeysOnly));
    assert!(!whole(Event::Insert, image(), image(), View::NewAndOldImages));
    assert!(!whole(Event::Remove, image(), image(), View::NewAndOldImages));
    assert!(!whole(Event::Modify, None, image(), View::NewAndOldImages));
    assert!(!whole(Event::Modify, image(), image(), View::NewImage));
}
