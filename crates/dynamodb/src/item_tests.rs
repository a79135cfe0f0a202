//! What reaches beyond one operation: tokens of transactions, time to live, cancelled transactions.

use std::time::Duration;

use cumulet_api_dynamodb::errors::TransactionCanceledException;
use cumulet_api_dynamodb::ops::{
    CreateTableInput, GetItem, GetItemInput, PutItem, PutItemInput, Query, QueryInput,
    TransactWriteItems, TransactWriteItemsInput, UpdateTimeToLive, UpdateTimeToLiveInput,
};
use cumulet_api_dynamodb::types::{
    ConditionCheck, LocalSecondaryIndex, Projection, ProjectionType, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValuesOnConditionCheckFailure, Select,
    TimeToLiveSpecification, TransactWriteItem, Update,
};
use cumulet_attribute::Attributes;

use crate::testing::{Testing, attributes, definitions, key_schema};

fn key() -> Attributes {
    attributes(&[("pk", "a"), ("sk", "1")])
}

async fn put(testing: &Testing, pairs: &[(&str, &str)]) {
    let item = attributes(pairs);
    let input = PutItemInput { table_name: "things".into(), item, ..Default::default() };
    testing.call::<PutItem>(input).await.unwrap();
}

async fn get(testing: &Testing) -> Option<Attributes> {
    let input = GetItemInput { table_name: "things".into(), key: key(), ..Default::default() };
    testing.call::<GetItem>(input).await.unwrap().item
}

fn count_up(token: &str, by: &str) -> TransactWriteItemsInput {
    let update = Update {
        table_name: "things".into(),
        key: key(),
        update_expression: "ADD n :by".into(),
        expression_attribute_values: Some(attributes(&[(":by", by)])),
        ..Default::default()
    };
    TransactWriteItemsInput {
        transact_items: vec![TransactWriteItem { update: Some(update), ..Default::default() }],
        client_request_token: Some(token.into()),
        return_consumed_capacity: Some(ReturnConsumedCapacity::Total),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_a_transaction_happen_once_in_ten_minutes() {
    let testing = Testing::new().await;
    testing.table("things", CreateTableInput::default()).await;
    let run = async |by: &str| testing.call::<TransactWriteItems>(count_up("token", by)).await;
    let first = run("1").await.unwrap().consumed_capacity.unwrap();
    assert_eq!((first[0].write_capacity_units, first[0].read_capacity_units), (Some(2.0), None));
    let again = run("1").await.unwrap().consumed_capacity.unwrap();
    assert_eq!((again[0].write_capacity_units, again[0].read_capacity_units), (None, Some(2.0)));
    assert_eq!(get(&testing).await, Some(attributes(&[("pk", "a"), ("sk", "1"), ("n", "1")])));
    let other = run("2").await.unwrap_err();
    assert_eq!(other.code, "IdempotentParameterMismatchException");
    testing.clock.advance(Duration::from_secs(601));
    run("2").await.unwrap();
    assert_eq!(get(&testing).await, Some(attributes(&[("pk", "a"), ("sk", "1"), ("n", "3")])));
    // Every token is forgotten in the end.
    testing.clock.advance(Duration::from_secs(700));
    let left = async || {
        let prefix = cumulet_store::Key::of_service("dynamodb-token").prefix();
        let snapshot = testing.cx.store().snapshot();
        use cumulet_store::Read as _;
        snapshot.range(&prefix, cumulet_store::Direction::Forward, 9).await.unwrap().items.len()
    };
    testing.until(|| async { left().await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_transaction_says_why_and_changes_nothing() {
    let testing = Testing::new().await;
    testing.table("things", CreateTableInput::default()).await;
    put(&testing, &[("pk", "a"), ("sk", "1"), ("n", "x")]).await;
    let mut input = count_up("t", "1");
    let other = || attributes(&[("pk", "b"), ("sk", "1")]);
    let mut update = input.transact_items[0].update.clone().unwrap();
    update.key = other();
    input.transact_items.push(TransactWriteItem { update: Some(update), ..Default::default() });
    let check = ConditionCheck {
        table_name: "things".into(),
        key: attributes(&[("pk", "c"), ("sk", "1")]),
        condition_expression: "attribute_exists(pk)".into(),
        return_values_on_condition_check_failure: Some(ReturnValuesOnConditionCheckFailure::AllOld),
        ..Default::default()
    };
    input
        .transact_items
        .push(TransactWriteItem { condition_check: Some(check), ..Default::default() });
    let error = testing.call::<TransactWriteItems>(input.clone()).await.unwrap_err();
    assert_eq!(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons \
         [ValidationError, None, ConditionalCheckFailed]"
    );
    let detail = error.detail.unwrap().into_any().downcast::<TransactionCanceledException>();
    let reasons = detail.unwrap().cancellation_reasons.unwrap();
    let reason = |at: usize| (reasons[at].code.as_deref(), reasons[at].message.as_deref());
    let operand = "An operand in the update expression has an incorrect data type";
    assert_eq!(reason(0), (Some("ValidationError"), Some(operand)));
    assert_eq!(reason(1), (Some("None"), None));
    let failed = "The conditional request failed";
    assert_eq!(reason(2), (Some("ConditionalCheckFailed"), Some(failed)));
    let get = GetItemInput { table_name: "things".into(), key: other(), ..Default::default() };
    assert_eq!(testing.call::<GetItem>(get).await.unwrap().item, None);
    // One item twice.
    let twice = input.transact_items[0].clone();
    input.transact_items = vec![twice.clone(), twice];
    let message = testing.refused::<TransactWriteItems>(input).await;
    assert_eq!(message, "Transaction request cannot include multiple operations on one item");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_end_at_their_time() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    let now = testing.cx.now().secs();
    let ends = [
        ("past", now - 10),
        ("now", now),
        ("future", now + 10),
        ("long ago", now - 6 * 366 * 86_400),
    ];
    for (pk, ends) in ends {
        put(&testing, &[("pk", pk), ("sk", "1"), ("ends", &ends.to_string())]).await;
    }
    put(&testing, &[("pk", "text"), ("sk", "1"), ("ends", "never")]).await;
    put(&testing, &[("pk", "none"), ("sk", "1")]).await;
    let enable = |enabled, attribute: &str| UpdateTimeToLiveInput {
        table_name: "things".into(),
        time_to_live_specification: TimeToLiveSpecification {
            enabled,
            attribute_name: attribute.into(),
        },
    };
    let refused = testing.refused::<UpdateTimeToLive>(enable(false, "ends")).await;
    assert_eq!(refused, "TimeToLive is already disabled");
    testing.call::<UpdateTimeToLive>(enable(true, "ends")).await.unwrap();
    let refused = testing.refused::<UpdateTimeToLive>(enable(true, "other")).await;
    assert!(refused.starts_with("TimeToLive is active on a different AttributeName"), "{refused}");
    let left = async || {
        let table = testing.service.named(&name).await.unwrap().unwrap();
        testing.service.counts.of(&testing.cx, &table).await.unwrap()[0].items
    };
    testing.until(|| async { left().await == 4 }).await;
    // The next walk.
    testing.clock.advance(Duration::from_secs(120));
    testing.until(|| async { left().await == 3 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_index_fetches_what_it_does_not_hold() {
    let testing = Testing::new().await;
    let more = CreateTableInput {
        attribute_definitions: Some(definitions(&[("x", "S")])),
        local_secondary_indexes: Some(vec![LocalSecondaryIndex {
            index_name: "local".to_owned(),
            key_schema: key_schema("pk", Some("x")),
            projection: Projection {
                projection_type: Some(ProjectionType::KeysOnly),
                non_key_attributes: None,
            },
        }]),
        ..Default::default()
    };
    testing.table("things", more).await;
    let first = [("pk", "a"), ("sk", "1"), ("x", "two"), ("y", "y1")];
    let second = [("pk", "a"), ("sk", "2"), ("x", "one"), ("y", "y2")];
    let mut input = PutItemInput {
        table_name: "things".into(),
        item: attributes(&first),
        return_item_collection_metrics: Some(ReturnItemCollectionMetrics::Size),
        ..Default::default()
    };
    let answer = testing.call::<PutItem>(input.clone()).await.unwrap();
    let metrics = answer.item_collection_metrics.unwrap();
    assert_eq!(metrics.size_estimate_range_gb, Some(vec![0.0, 1.0]));
    assert!(metrics.item_collection_key.unwrap().contains_key("pk"));
    input.item = attributes(&second);
    testing.call::<PutItem>(input).await.unwrap();
    let mut query = QueryInput {
        table_name: "things".into(),
        index_name: Some("local".into()),
        key_condition_expression: Some("pk = :a".into()),
        expression_attribute_values: Some(attributes(&[(":a", "a")])),
        consistent_read: Some(true),
        return_consumed_capacity: Some(ReturnConsumedCapacity::Indexes),
        ..Default::default()
    };
    let keys = |pairs: &[(&str, &str)]| Some(vec![attributes(&pairs[..3])]);
    let mut limited = query.clone();
    limited.limit = Some(1);
    assert_eq!(testing.call::<Query>(limited).await.unwrap().items, keys(&second));
    query.select = Some(Select::AllAttributes);
    let answer = testing.call::<Query>(query.clone()).await.unwrap();
    assert_eq!(answer.items, Some(vec![attributes(&second), attributes(&first)]));
    let capacity = answer.consumed_capacity.unwrap();
    assert_eq!(capacity.capacity_units, Some(3.0));
    assert_eq!(capacity.table.unwrap().capacity_units, Some(2.0));
    query.select = None;
    query.projection_expression = Some("y".into());
    let answer = testing.call::<Query>(query).await.unwrap();
    assert_eq!(answer.items, Some(vec![attributes(&[("y", "y2")]), attributes(&[("y", "y1")])]));
}
