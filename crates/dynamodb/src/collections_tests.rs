use cumulet_api_dynamodb::ops::{
    CreateTableInput, DeleteItem, DeleteItemInput, PutItem, PutItemInput, PutItemOutput,
    TransactWriteItems, TransactWriteItemsInput,
};
use cumulet_api_dynamodb::types::{
    LocalSecondaryIndex, Projection, ProjectionType, Put, StreamSpecification, StreamViewType,
    TransactWriteItem,
};
use cumulet_base::Limits;
use cumulet_service::Result;
use cumulet_store::Read as _;

use super::*;
use crate::model::TableRecord;
use crate::tables::TableName;
use crate::testing::{Testing, attributes, definitions, item, key_schema};

fn local() -> CreateTableInput {
    let index = LocalSecondaryIndex {
        index_name: "by-y".into(),
        key_schema: key_schema("pk", Some("y")),
        projection: Projection {
            projection_type: Some(ProjectionType::KeysOnly),
            non_key_attributes: None,
        },
    };
    CreateTableInput {
        attribute_definitions: Some(definitions(&[("y", "N")])),
        local_secondary_indexes: Some(vec![index]),
        ..Default::default()
    }
}

async fn put(testing: &Testing, pairs: &[(&str, &str)]) -> Result<PutItemOutput> {
    let input = PutItemInput {
        table_name: "things".into(),
        item: attributes(pairs),
        return_item_collection_metrics: Some(ReturnItemCollectionMetrics::Size),
        ..Default::default()
    };
    testing.call::<PutItem>(input).await
}

async fn delete(testing: &Testing, sk: &str) {
    let key = attributes(&[("pk", "a"), ("sk", sk)]);
    let input = DeleteItemInput { table_name: "things".into(), key, ..Default::default() };
    testing.call::<DeleteItem>(input).await.unwrap();
}

/// What is noted of the collection of `a`, and what lies in it.
async fn sizes(testing: &Testing, name: &TableName) -> (Option<u64>, u64) {
    let table = testing.service.named(name).await.unwrap().unwrap();
    let snapshot = testing.cx.store().snapshot();
    let partition = partition_of(&table, &item(&[("pk", "a")]));
    let record: Option<CollectionRecord> =
        snapshot.get_record(&table.collections.at(&partition)).await.unwrap();
    (record.map(|record| record.bytes), measure(&snapshot, &table, &partition).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_has_a_limit() {
    let limits = Limits { item_collection: 150, ..Limits::default() };
    let testing = Testing::with(limits).await;
    let name = testing.table("things", local()).await;
    assert_eq!(sizes(&testing, &name).await, (None, 0));
    let long = "x".repeat(60);
    let found = put(&testing, &[("pk", "a"), ("sk", "1"), ("v", &long)]).await.unwrap();
    let metrics = found.item_collection_metrics.unwrap();
    assert_eq!(metrics.size_estimate_range_gb, Some(vec![0.0, 1.0]));
    assert_eq!(sizes(&testing, &name).await, (Some(68), 68));
    // The entry counts too.
    put(&testing, &[("pk", "a"), ("sk", "2"), ("y", "1")]).await.unwrap();
    let (noted, there) = sizes(&testing, &name).await;
    assert_eq!((noted, there), (Some(88), 88));
    let refused = put(&testing, &[("pk", "a"), ("sk", "3"), ("v", &long)]).await.unwrap_err();
    assert_eq!(refused.code, "ItemCollectionSizeLimitExceededException");
    assert_eq!(refused.message, "Collection size exceeded.");
    assert_eq!(sizes(&testing, &name).await, (noted, there));
    // Another collection has room.
    put(&testing, &[("pk", "b"), ("sk", "3"), ("v", &long)]).await.unwrap();
    let puts = [("c", "1"), ("a", "3")].map(|(pk, sk)| TransactWriteItem {
        put: Some(Put {
            table_name: "things".into(),
            item: attributes(&[("pk", pk), ("sk", sk), ("v", &long)]),
            ..Default::default()
        }),
        ..Default::default()
    });
    let input = TransactWriteItemsInput { transact_items: puts.into(), ..Default::default() };
    let refused = testing.refused::<TransactWriteItems>(input).await;
    assert!(refused.ends_with("[None, ItemCollectionSizeLimitExceeded]"), "{refused}");
    // What is too large may shrink.
    put(&testing, &[("pk", "a"), ("sk", "1"), ("v", "x")]).await.unwrap();
    put(&testing, &[("pk", "a"), ("sk", "3"), ("v", "x")]).await.unwrap();
    for sk in ["1", "2", "3"] {
        delete(&testing, sk).await;
    }
    assert_eq!(sizes(&testing, &name).await, (None, 0));
    let verified = crate::verify(testing.cx.store()).await.unwrap();
    assert_eq!(verified.told, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_an_earlier_build_is_measured_when_it_is_written() {
    let testing = Testing::new().await;
    let name = testing.table("things", local()).await;
    for sk in ["1", "2"] {
        put(&testing, &[("pk", "a"), ("sk", sk), ("y", "7"), ("v", "x")]).await.unwrap();
    }
    let table = testing.service.named(&name).await.unwrap().unwrap();
    let partition = partition_of(&table, &item(&[("pk", "a")]));
    testing
        .cx
        .store()
        .transact(|tx| {
            let (name, table, partition) = (&name, &table, &partition);
            async move {
                let mut record: TableRecord = tx.get_record(&name.key()).await?.unwrap();
                record.counts_collections = false;
                tx.put_record(name.key(), &record);
                tx.delete(table.collections.at(partition));
                Ok::<_, StoreError>(())
            }
        })
        .await
        .unwrap();
    let (noted, there) = sizes(&testing, &name).await;
    assert_eq!((noted, there > 0), (None, true));
    put(&testing, &[("pk", "a"), ("sk", "3"), ("v", "x")]).await.unwrap();
    let (noted, now) = sizes(&testing, &name).await;
    assert_eq!(noted, Some(now));
    assert!(now > there);
}

/// 4 MB of items, with all that is written beside them: both images of a stream, old images, and an
/// index with whole items.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_transaction_fits() {
    let testing = Testing::new().await;
    let more = CreateTableInput {
        stream_specification: Some(StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some(StreamViewType::NewAndOldImages),
        }),
        local_secondary_indexes: Some(vec![LocalSecondaryIndex {
            projection: Projection {
                projection_type: Some(ProjectionType::All),
                non_key_attributes: None,
            },
            ..local().local_secondary_indexes.unwrap()[0].clone()
        }]),
        ..local()
    };
    testing.table("things", more).await;
    crate::history::tests::recover(&testing, "things", true, None).await;
    for letter in ["x", "y"] {
        let long = letter.repeat(409_000);
        let put = |n: usize| TransactWriteItem {
            put: Some(Put {
                table_name: "things".into(),
                item: attributes(&[
                    ("pk", "a"),
                    ("sk", &n.to_string()),
                    ("y", &n.to_string()),
                    ("v", &long),
                ]),
                ..Default::default()
            }),
            ..Default::default()
        };
        let transact_items = (0..10).map(put).collect();
        let input = TransactWriteItemsInput { transact_items, ..Default::default() };
        testing.call::<TransactWriteItems>(input).await.unwrap();
    }
    let verified = crate::verify(testing.cx.store()).await.unwrap();
    assert_eq!(verified.told, Vec::<String>::new());
    assert_eq!((verified.items, verified.changes), (10, 20));
}
