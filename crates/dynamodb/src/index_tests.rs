//! Every index equals its table, whatever is written, while indexes are made and after a restart of
//! the work.

use std::collections::BTreeMap;

use bolero::TypeGenerator;
use cumulet_api_dynamodb::ops::{
    BatchWriteItem, BatchWriteItemInput, CreateTableInput, DeleteItem, DeleteItemInput,
    DescribeTable, DescribeTableInput, PutItem, PutItemInput, Query, QueryInput,
    TransactWriteItems, TransactWriteItemsInput, UpdateItem, UpdateItemInput, UpdateTable,
    UpdateTableInput,
};
use cumulet_api_dynamodb::types::{
    CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, IndexStatus, LocalSecondaryIndex, Projection, ProjectionType, Put,
    PutRequest, TableStatus, TransactWriteItem, WriteRequest,
};
use cumulet_attribute::Item;
use cumulet_store::{Direction, Read as _};

use crate::tables::TableName;
use crate::testing::{Testing, attributes, definitions, item, key_schema};
use crate::write::{decode, entry, position_of};

/// One write, as a test draws it: few keys, so that writes meet.
#[derive(Debug, Clone, TypeGenerator)]
enum Drawn {
    Put { key: u8, owner: Option<u8>, at: Option<u8>, x: u8 },
    Own { key: u8, owner: u8 },
    Disown { key: u8 },
    Mark { key: u8, x: u8 },
    Delete { key: u8 },
    Batch { keys: (u8, u8), owner: u8 },
    Transact { keys: (u8, u8), owner: u8 },
}

fn key(key: u8) -> (String, String) {
    (format!("p{}", key % 3), (key % 4).to_string())
}

fn drawn_item(at: u8, owner: Option<u8>, when: Option<u8>, x: u8) -> Item {
    let (pk, sk) = key(at);
    let (owner, when) = (owner.map(|o| format!("o{}", o % 3)), when.map(|w| w.to_string()));
    let x = format!("x{}", x % 4);
    let mut pairs = vec![("pk", pk.as_str()), ("sk", sk.as_str()), ("x", x.as_str())];
    pairs.extend(owner.as_deref().map(|owner| ("owner", owner)));
    pairs.extend(when.as_deref().map(|when| ("at", when)));
    item(&pairs)
}

async fn update(testing: &Testing, at: u8, expression: &str, name: &str, value: Option<String>) {
    let (pk, sk) = key(at);
    let input = UpdateItemInput {
        table_name: "drawn".to_owned(),
        key: attributes(&[("pk", &pk), ("sk", &sk)]),
        update_expression: Some(expression.to_owned()),
        expression_attribute_names: Some(BTreeMap::from([("#n".to_owned(), name.to_owned())])),
        expression_attribute_values: value.map(|value| attributes(&[(":v", &value)])),
        ..UpdateItemInput::default()
    };
    testing.call::<UpdateItem>(input).await.unwrap();
}

async fn run(testing: &Testing, drawn: &Drawn) {
    let table_name = || "drawn".to_owned();
    match drawn {
        Drawn::Put { key, owner, at, x } => {
            let item = drawn_item(*key, *owner, *at, *x).into();
            let input = PutItemInput { table_name: table_name(), item, ..Default::default() };
            testing.call::<PutItem>(input).await.unwrap();
        }
        Drawn::Own { key, owner } => {
            let owner = Some(format!("o{}", owner % 3));
            update(testing, *key, "SET #n = :v", "owner", owner).await;
        }
        Drawn::Disown { key } => update(testing, *key, "REMOVE #n", "owner", None).await,
        Drawn::Mark { key, x } => {
            let x = Some(format!("x{}", x % 4));
            update(testing, *key, "SET #n = :v", "x", x).await;
        }
        Drawn::Delete { key } => {
            let (pk, sk) = self::key(*key);
            let key = attributes(&[("pk", &pk), ("sk", &sk)]);
            let input = DeleteItemInput { table_name: table_name(), key, ..Default::default() };
            testing.call::<DeleteItem>(input).await.unwrap();
        }
        Drawn::Batch { keys, owner } => {
            let put = |key: u8| WriteRequest {
                put_request: Some(PutRequest {
                    item: drawn_item(key, Some(*owner), Some(key), 0).into(),
                }),
                delete_request: None,
            };
            let puts = distinct(*keys).into_iter().map(put).collect();
            let request_items = BTreeMap::from([(table_name(), puts)]);
            let input = BatchWriteItemInput { request_items, ..Default::default() };
            testing.call::<BatchWriteItem>(input).await.unwrap();
        }
        Drawn::Transact { keys, owner } => {
            let put = |key: u8| TransactWriteItem {
                put: Some(Put {
                    table_name: table_name(),
                    item: drawn_item(key, Some(*owner), None, 1).into(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let transact_items = distinct(*keys).into_iter().map(put).collect();
            let input = TransactWriteItemsInput { transact_items, ..Default::default() };
            testing.call::<TransactWriteItems>(input).await.unwrap();
        }
    }
}

fn distinct((one, two): (u8, u8)) -> Vec<u8> {
    if key(one) == key(two) { vec![one] } else { vec![one, two] }
}

fn projection(kind: ProjectionType) -> Projection {
    Projection { projection_type: Some(kind), non_key_attributes: None }
}

async fn drawn_table(testing: &Testing) -> TableName {
    let global = |name: &str, range, kind| GlobalSecondaryIndex {
        index_name: name.to_owned(),
        key_schema: key_schema("owner", range),
        projection: projection(kind),
        ..Default::default()
    };
    let more = CreateTableInput {
        attribute_definitions: Some(definitions(&[("owner", "S"), ("at", "N"), ("x", "S")])),
        global_secondary_indexes: Some(vec![
            global("all", Some("at"), ProjectionType::All),
            global("keys", None, ProjectionType::KeysOnly),
        ]),
        local_secondary_indexes: Some(vec![LocalSecondaryIndex {
            index_name: "local".to_owned(),
            key_schema: key_schema("pk", Some("x")),
            projection: projection(ProjectionType::KeysOnly),
        }]),
        ..Default::default()
    };
    testing.table("drawn", more).await
}

/// What lies in each index is what its table's items give.
async fn check(testing: &Testing, name: &TableName) {
    let table = testing.service.named(name).await.unwrap().unwrap();
    let snapshot = testing.cx.store().snapshot();
    for index in &table.indexes {
        let mut expected = BTreeMap::new();
        let mut scan = snapshot.scan(table.keys.within(&[]), Direction::Forward);
        while let Some((_, stored)) = scan.next().await.unwrap() {
            let item = decode(stored).unwrap();
            let position = position_of(&table, &item).unwrap();
            expected.extend(entry(index, &position, &item).unwrap());
        }
        let mut found = BTreeMap::new();
        let mut scan = snapshot.scan(index.keys.within(&[]), Direction::Forward);
        while let Some((key, stored)) = scan.next().await.unwrap() {
            found.insert(key.to_vec(), decode(stored).unwrap());
        }
        assert_eq!(found, expected, "{}", index.record.name);
    }
}

#[test]
fn every_index_equals_its_table() {
    bolero::check!().with_type::<Vec<Drawn>>().with_iterations(40).for_each(|writes| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let testing = Testing::new().await;
            let name = drawn_table(&testing).await;
            for drawn in writes.iter().take(30) {
                run(&testing, drawn).await;
            }
            check(&testing, &name).await;
        });
    });
}

fn create_index(name: &str) -> UpdateTableInput {
    let create = CreateGlobalSecondaryIndexAction {
        index_name: name.to_owned(),
        key_schema: key_schema("late", None),
        projection: projection(ProjectionType::All),
        ..Default::default()
    };
    UpdateTableInput {
        table_name: "drawn".to_owned(),
        attribute_definitions: Some(definitions(&[("late", "N")])),
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            create: Some(create),
            ..Default::default()
        }]),
        ..Default::default()
    }
}

async fn active(testing: &Testing) -> bool {
    let input = DescribeTableInput { table_name: "drawn".to_owned() };
    let table = testing.call::<DescribeTable>(input).await.unwrap().table.unwrap();
    table.table_status == Some(TableStatus::Active)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_while_items_are_written() {
    let testing = Testing::new().await;
    let name = drawn_table(&testing).await;
    let put = async |number: u32, late: &str| {
        let item = attributes(&[("pk", "a"), ("sk", &number.to_string()), ("late", late)]);
        let input = PutItemInput { table_name: "drawn".into(), item, ..Default::default() };
        testing.call::<PutItem>(input).await
    };
    for number in 0..300 {
        // Every tenth has a key that the index cannot have.
        let late = if number % 10 == 0 { "never".to_owned() } else { (number % 7).to_string() };
        put(number, &late).await.unwrap();
    }
    let answer = testing.call::<UpdateTable>(create_index("late")).await.unwrap();
    let described = answer.table_description.unwrap();
    assert_eq!(described.table_status, Some(TableStatus::Updating));
    let indexes = described.global_secondary_indexes.unwrap();
    let late = indexes.iter().find(|i| i.index_name.as_deref() == Some("late")).unwrap();
    assert_eq!((late.index_status, late.backfilling), (Some(IndexStatus::Creating), Some(true)));
    for number in 250..400 {
        put(number, "6").await.unwrap();
    }
    testing.until(|| active(&testing)).await;
    check(&testing, &name).await;
    let refused = put(1, "never").await.unwrap_err().message;
    assert!(refused.contains("Type mismatch for Index Key late"), "{refused}");
    let query = QueryInput {
        table_name: "drawn".into(),
        index_name: Some("late".into()),
        key_condition_expression: Some("late = :six".into()),
        expression_attribute_values: Some(attributes(&[(":six", "6")])),
        ..Default::default()
    };
    let sixes = (0..250).filter(|n| n % 10 != 0 && n % 7 == 6).count() + 150;
    let answer = testing.call::<Query>(query.clone()).await.unwrap();
    assert_eq!(answer.count, Some(i32::try_from(sixes).unwrap()));

    // An old item that the index cannot hold can still be changed elsewhere and removed.
    let old = attributes(&[("pk", "a"), ("sk", "0")]);
    let touch = UpdateItemInput {
        table_name: "drawn".into(),
        key: old.clone(),
        update_expression: Some("SET seen = :six".into()),
        expression_attribute_values: Some(attributes(&[(":six", "6")])),
        ..Default::default()
    };
    testing.call::<UpdateItem>(touch).await.unwrap();
    let delete = DeleteItemInput { table_name: "drawn".into(), key: old, ..Default::default() };
    testing.call::<DeleteItem>(delete).await.unwrap();
    check(&testing, &name).await;

    let delete = UpdateTableInput {
        table_name: "drawn".into(),
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            delete: Some(DeleteGlobalSecondaryIndexAction { index_name: "late".into() }),
            ..Default::default()
        }]),
        ..Default::default()
    };
    testing.call::<UpdateTable>(delete).await.unwrap();
    testing.until(|| active(&testing)).await;
    let refused = testing.refused::<Query>(query).await;
    assert_eq!(refused, "The table does not have the specified index: late");
    put(1, "anything").await.unwrap();
    let keys = crate::store::entries(
        testing.cx.account(),
        testing.cx.region(),
        &testing.service.named(&name).await.unwrap().unwrap().record.id,
        "late",
    );
    let snapshot = testing.cx.store().snapshot();
    let page = snapshot.range(&keys.within(&[]), Direction::Forward, 1).await.unwrap();
    assert_eq!(page.items, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_index_at_a_time() {
    let testing = Testing::new().await;
    drawn_table(&testing).await;
    let mut two = create_index("one");
    let more = create_index("two").global_secondary_index_updates.unwrap();
    two.global_secondary_index_updates.as_mut().unwrap().extend(more);
    let refused = testing.refused::<UpdateTable>(two).await;
    assert!(refused.starts_with("Subscriber limit exceeded: Only 1 online index"), "{refused}");
    let same = testing.refused::<UpdateTable>(create_index("keys")).await;
    assert_eq!(same, "Attempting to create an index which already exists: keys");
}
