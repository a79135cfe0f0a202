"""Tables in use are changed: indexes, capacity, time to live, tags."""

import re
import time

from conftest import create_table, refused

WAIT = {"Delay": 1, "MaxAttempts": 20}


def wait_for_index(client, table, index):
    for _ in range(200):
        described = client.describe_table(TableName=table)["Table"]
        found = {i["IndexName"]: i for i in described.get("GlobalSecondaryIndexes", [])}
        if described["TableStatus"] == "ACTIVE":
            return found.get(index)
        time.sleep(0.05)
    raise AssertionError(described)


def test_an_index_comes_and_goes(dynamodb, table):
    for number in range(30):
        item = {"pk": {"S": str(number)}, "group": {"N": str(number % 3)}}
        dynamodb.put_item(TableName=table, Item=item)
    create = {
        "IndexName": "groups",
        "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    answer = dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "group", "AttributeType": "N"}],
        GlobalSecondaryIndexUpdates=[{"Create": create}],
    )
    assert answer["TableDescription"]["TableStatus"] == "UPDATING"
    index = wait_for_index(dynamodb, table, "groups")
    assert index["IndexStatus"] == "ACTIVE" and "Backfilling" not in index
    query = {
        "TableName": table,
        "IndexName": "groups",
        "KeyConditionExpression": "#g = :g",
        "ExpressionAttributeNames": {"#g": "group"},
        "ExpressionAttributeValues": {":g": {"N": "1"}},
    }
    assert dynamodb.query(**query)["Count"] == 10
    delete = [{"Delete": {"IndexName": "groups"}}]
    dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=delete)
    assert wait_for_index(dynamodb, table, "groups") is None
    with refused("ValidationException", "The table does not have the specified index: groups"):
        dynamodb.query(**query)
    definitions = dynamodb.describe_table(TableName=table)["Table"]["AttributeDefinitions"]
    assert [one["AttributeName"] for one in definitions] == ["pk"]


def test_capacity_changes(dynamodb, name):
    units = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    create_table(dynamodb, name, BillingMode="PROVISIONED", ProvisionedThroughput=units)
    with refused("ValidationException") as refusal:
        dynamodb.update_table(TableName=name, ProvisionedThroughput=units)
    assert refusal.response["Error"]["Message"].startswith(
        "The provisioned throughput for the table will not change."
    )
    dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    dynamodb.update_table(
        TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput=units
    )
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 3


def test_deletion_protection_is_taken_off(dynamodb, name):
    create_table(dynamodb, name, DeletionProtectionEnabled=True)
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)


def test_time_to_live(dynamodb, table):
    def described():
        return dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]

    assert described() == {"TimeToLiveStatus": "DISABLED"}
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "ends": {"N": "1"}})
    dynamodb.put_item(
        TableName=table, Item={"pk": {"S": "b"}, "ends": {"N": str(int(time.time()) - 5)}}
    )
    specification = {"Enabled": True, "AttributeName": "ends"}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    assert described() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    with refused("ValidationException", "TimeToLive is already enabled"):
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    for _ in range(100):
        items = dynamodb.scan(TableName=table)["Items"]
        if len(items) == 1:
            break
        time.sleep(0.05)
    # Over five years past is no time at all.
    assert [item["pk"]["S"] for item in items] == ["a"]


def test_tags(dynamodb, table):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]

    def tags():
        found = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    assert tags() == {}
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    dynamodb.tag_resource(
        ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    )
    assert tags() == {"a": "2", "b": ""}
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["a", "c"])
    assert tags() == {"b": ""}
    missing = arn + "-none"
    message = f"Requested resource not found: ResourcArn: {missing} not found"
    with refused("ResourceNotFoundException", message):
        dynamodb.list_tags_of_resource(ResourceArn=missing)


def test_what_every_account_is_told(cloud, dynamodb, table):
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000
    [endpoint] = dynamodb.describe_endpoints()["Endpoints"]
    assert cloud.endpoint.endswith(endpoint["Address"])
    backups = dynamodb.describe_continuous_backups(TableName=table)
    assert backups["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] == "ENABLED"
    with refused("TableNotFoundException", f"Table not found: {table}-none"):
        dynamodb.describe_continuous_backups(TableName=table + "-none")


def test_request_ids(dynamodb, table):
    answer = dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}})
    assert re.fullmatch("[0-9A-Z]{52}", answer["ResponseMetadata"]["RequestId"])


def test_a_faulty_value_of_an_expression_is_named(raw_dynamodb, table):
    with refused(
        "ValidationException",
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a "
        "numeric value: x for key :b",
    ):
        raw_dynamodb.put_item(
            TableName=table,
            Item={"pk": {"S": "a"}},
            ConditionExpression="a = :a OR b = :b",
            ExpressionAttributeValues={":a": {"N": "1"}, ":b": {"N": "x"}},
        )
