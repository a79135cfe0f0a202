//! What policies are told of requests on items.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::ops::{
    CreateTableInput, PutItem, PutItemInput, Query, QueryInput, Scan, ScanInput,
    TransactWriteItems, TransactWriteItemsInput, UpdateItem, UpdateItemInput,
};
use cumulet_api_dynamodb::types::{
    GlobalSecondaryIndex, Projection, ProjectionType, Put, ReturnValue, TransactWriteItem,
};
use cumulet_service::{Access, Handle, Principal};
use cumulet_shape::Operation;

use crate::DynamoDb;
use crate::testing::{Testing, attributes, definitions, key_schema};

async fn testing() -> Testing {
    let testing = Testing::new().await;
    let global = GlobalSecondaryIndex {
        index_name: "by-owner".into(),
        key_schema: key_schema("owner", None),
        projection: Projection {
            projection_type: Some(ProjectionType::All),
            non_key_attributes: None,
        },
        ..Default::default()
    };
    let more = CreateTableInput {
        attribute_definitions: Some(definitions(&[("owner", "S")])),
        global_secondary_indexes: Some(vec![global]),
        ..Default::default()
    };
    testing.table("things", more).await;
    testing
}

/// The leaves that a role needs.
async fn needed<O: Operation>(testing: &Testing, input: O::Input) -> Vec<Access>
where
    DynamoDb: Handle<O>,
{
    let role = Principal::Role {
        account: "123456789012".into(),
        name: "r".into(),
        path: "/".into(),
        id: "AROAEXAMPLE".into(),
        session: Box::default(),
    };
    let cx = testing.cx.acting_as(role);
    Handle::<O>::access(testing.service.as_ref(), &cx, &input).await.unwrap()
}

fn check(access: &Access, action: &str, resource: &str, context: &[(&str, &[&str])]) {
    let arn = format!("arn:aws:dynamodb:eu-central-1:123456789012:{resource}");
    assert_eq!((access.action.0, access.resource.as_str()), (action, arn.as_str()));
    let found: BTreeMap<_, _> = access.context.iter().cloned().collect();
    let expected = context.iter().map(|(key, values)| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        (format!("dynamodb:{key}"), values)
    });
    assert_eq!(found, expected.collect::<BTreeMap<String, Vec<String>>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_name_their_keys_and_attributes() {
    let testing = testing().await;
    let update = UpdateItemInput {
        table_name: "things".into(),
        key: attributes(&[("pk", "a"), ("sk", "1")]),
        update_expression: Some("SET #n.deep = :v REMOVE y".into()),
        condition_expression: Some("attribute_exists(z)".into()),
        expression_attribute_names: Some(BTreeMap::from([("#n".into(), "name".into())])),
        expression_attribute_values: Some(attributes(&[(":v", "1")])),
        return_values: Some(ReturnValue::UpdatedNew),
        ..Default::default()
    };
    let [access] = &needed::<UpdateItem>(&testing, update).await[..] else { panic!() };
    let context: [(&str, &[&str]); 3] = [
        ("LeadingKeys", &["a"]),
        ("Attributes", &["name", "pk", "sk", "y", "z"]),
        ("ReturnValues", &["UPDATED_NEW"]),
    ];
    check(access, "dynamodb:UpdateItem", "table/things", &context);

    let put = |pk: &str| TransactWriteItem {
        put: Some(Put {
            table_name: "things".into(),
            item: attributes(&[("pk", pk), ("sk", "1")]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let transact_items = vec![put("a"), put("b")];
    let input = TransactWriteItemsInput { transact_items, ..Default::default() };
    let accesses = needed::<TransactWriteItems>(&testing, input).await;
    for (access, leading) in accesses.iter().zip(["a", "b"]) {
        let context: [(&str, &[&str]); 3] = [
            ("LeadingKeys", &[leading]),
            ("Attributes", &["pk", "sk"]),
            ("EnclosingOperation", &["TransactWriteItems"]),
        ];
        check(access, "dynamodb:PutItem", "table/things", &context);
    }
    assert_eq!(accesses.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_name_what_they_select() {
    let testing = testing().await;
    let query = QueryInput {
        table_name: "things".into(),
        index_name: Some("by-owner".into()),
        key_condition_expression: Some("#o = :me".into()),
        filter_expression: Some("size(f) > :me".into()),
        projection_expression: Some("p".into()),
        expression_attribute_names: Some(BTreeMap::from([("#o".into(), "owner".into())])),
        expression_attribute_values: Some(attributes(&[(":me", "me")])),
        ..Default::default()
    };
    let [access] = &needed::<Query>(&testing, query).await[..] else { panic!() };
    let context: [(&str, &[&str]); 3] = [
        ("LeadingKeys", &["me"]),
        ("Attributes", &["f", "owner", "p"]),
        ("Select", &["SPECIFIC_ATTRIBUTES"]),
    ];
    check(access, "dynamodb:Query", "table/things/index/by-owner", &context);

    let scan = ScanInput { table_name: "things".into(), ..Default::default() };
    let [access] = &needed::<Scan>(&testing, scan).await[..] else { panic!() };
    let context: [(&str, &[&str]); 1] = [("Select", &["ALL_ATTRIBUTES"])];
    check(access, "dynamodb:Scan", "table/things", &context);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_account_is_named_as_its_own() {
    let testing = testing().await;
    let arn = "arn:aws:dynamodb:eu-west-1:210987654321:table/theirs";
    let item = attributes(&[("pk", "a")]);
    let put = PutItemInput { table_name: arn.into(), item, ..Default::default() };
    let [access] = &needed::<PutItem>(&testing, put).await[..] else { panic!() };
    assert_eq!((access.resource.as_str(), access.owner.as_str()), (arn, "210987654321"));
}
