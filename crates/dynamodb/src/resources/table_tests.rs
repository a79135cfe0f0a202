use serde_json::json;

use super::*;
use crate::testing::Testing;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn first() -> Map<String, Value> {
    object(json!({
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "a", "AttributeType": "S"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-a",
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
        "Tags": [{"Key": "team", "Value": "one"}, {"Key": "old", "Value": "x"}],
        "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": "true"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": "true"},
        "ResourcePolicy": {"PolicyDocument": {"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*",
        }]}},
    }))
}

fn second() -> Map<String, Value> {
    object(json!({
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "b", "AttributeType": "N"},
        ],
        "ProvisionedThroughput": {"ReadCapacityUnits": "3", "WriteCapacityUnits": 2},
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-b",
            "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        }],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "DeletionProtectionEnabled": true,
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": "7",
        },
        "Tags": [{"Key": "team", "Value": "two"}],
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_changed_and_removed() {
    let testing = Testing::new().await;
    let cx = &testing.cx;
    let resource = cx.cloud().registry().resource("AWS::DynamoDB::Table").unwrap();
    let of_stack = [("stack".to_owned(), "s".to_owned())];
    let (first, second) = (first(), second());
    let desired = |properties| Desired { name: "stack-table-x", properties, tags: &of_stack };
    let attempt = cx.attempting("table");
    let made = resource.create(&attempt, desired(&first)).await.unwrap();
    assert_eq!(made.physical_id, "stack-table-x");
    let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/stack-table-x";
    assert_eq!(made.attributes, object(json!({ "Arn": arn })));
    let policy = || async {
        let input = GetResourcePolicyInput { resource_arn: arn.to_owned() };
        let answer = cx.call::<GetResourcePolicy>(input).await;
        answer.map(|answer| answer.policy.unwrap_or_default()).map_err(|error| error.code)
    };
    assert!(policy().await.unwrap().contains("dynamodb:GetItem"));
    let recovery = || async {
        let input = DescribeContinuousBackupsInput { table_name: "stack-table-x".into() };
        let answer = cx.call::<DescribeContinuousBackups>(input).await.unwrap();
        let found = answer.continuous_backups_description.unwrap();
        found.point_in_time_recovery_description.unwrap().recovery_period_in_days
    };
    assert_eq!(recovery().await, Some(35));
    // Again, as after a crash.
    let again = resource.create(&attempt, desired(&first)).await.unwrap();
    assert_eq!(again.attributes, made.attributes);

    let changed =
        || Changed { physical_id: &made.physical_id, before: &first, after: desired(&second) };
    for _ in 0..2 {
        let updated = resource.update(cx, changed()).await.unwrap();
        let stream = updated.attributes.get("StreamArn").and_then(Value::as_str).unwrap();
        assert!(stream.starts_with(&format!("{arn}/stream/")), "{stream}");
        let table = ready(cx, "stack-table-x").await.unwrap();
        let [index] = table.global_secondary_indexes.as_deref().unwrap() else { panic!() };
        assert_eq!(index.index_name.as_deref(), Some("by-b"));
        assert_eq!(table.attribute_definitions.unwrap().len(), 2);
        assert_eq!(table.provisioned_throughput.unwrap().read_capacity_units, Some(3));
        assert_eq!(table.deletion_protection_enabled, Some(true));
        assert_eq!(recovery().await, Some(7));
        assert_eq!(policy().await.unwrap_err(), "PolicyNotFoundException");
        let tags = tags_of(cx, arn).await.unwrap();
        let tags: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        assert_eq!(tags, [("stack", "s"), ("team", "two")]);
        let input = DescribeTimeToLiveInput { table_name: "stack-table-x".into() };
        let ttl = cx.call::<DescribeTimeToLive>(input).await.unwrap().time_to_live_description;
        assert_eq!(ttl.unwrap().time_to_live_status, Some(TimeToLiveStatus::Disabled));
    }

    let refused = resource.delete(cx, &made.physical_id).await.unwrap_err();
    assert!(refused.message.contains("protected against deletion"), "{refused}");
    let third = Changed { physical_id: &made.physical_id, before: &second, after: desired(&first) };
    resource.update(cx, third).await.unwrap();
    resource.delete(cx, &made.physical_id).await.unwrap();
    resource.delete(cx, &made.physical_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_name_is_not_taken_from_another() {
    let testing = Testing::new().await;
    let mut properties = first();
    properties.insert("TableName".into(), json!("chosen"));
    let desired = Desired { name: "unused", properties: &properties, tags: &[] };
    let (one, two) = (testing.cx.attempting("one"), testing.cx.attempting("two"));
    assert_eq!(Table.create(&one, desired).await.unwrap().physical_id, "chosen");
    Table.create(&one, desired).await.unwrap();
    let refused = Table.create(&two, desired).await.unwrap_err();
    assert_eq!(refused.message, "Table already exists: chosen");
}

#[test]
fn what_is_not_here_is_refused_by_name() {
    let read = |value| Properties::read(&object(value)).map(drop).unwrap_err().message;
    let unknown = read(json!({ "Tabel": 1 }));
    assert!(unknown.contains("unknown field `Tabel`"), "{unknown}");
    let missing = read(json!({ "KinesisStreamSpecification": {} }));
    assert!(missing.contains("AWS::DynamoDB::Table.KinesisStreamSpecification"), "{missing}");
    for property in ["KeySchema", "TableName", "LocalSecondaryIndexes"] {
        assert!(Table.replaces(property));
    }
    assert!(!Table.replaces("GlobalSecondaryIndexes"));
}
