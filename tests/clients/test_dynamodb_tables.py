"""Tables: created, described, listed, deleted, and refused in AWS's words."""

import re

import pytest

from conftest import create_table, refused

P = "One or more parameter values were invalid: "


def test_a_created_table_is_described(dynamodb, name):
    created = create_table(dynamodb, name, range_key="sk:N")
    assert created["TableStatus"] in ("CREATING", "ACTIVE")
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["TableName"] == name
    assert described["TableStatus"] == "ACTIVE"
    assert described["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {d["AttributeName"]: d["AttributeType"] for d in described["AttributeDefinitions"]} == {
        "pk": "S",
        "sk": "N",
    }
    arn = rf"arn:aws:dynamodb:us-east-1:\d{{12}}:table/{re.escape(name)}"
    assert re.fullmatch(arn, described["TableArn"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", described["TableId"])
    assert described["TableId"] == created["TableId"]
    assert described["CreationDateTime"] == created["CreationDateTime"]
    assert described["ItemCount"] == 0
    assert described["DeletionProtectionEnabled"] is False
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0


def test_provisioned_throughput_is_kept(dynamodb, name):
    throughput = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 2}
    create_table(dynamodb, name, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    assert described["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    assert "BillingModeSummary" not in described


def test_a_table_is_found_by_its_arn(dynamodb, table):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert dynamodb.describe_table(TableName=arn)["Table"]["TableName"] == table


def test_tables_are_listed_in_pages(fresh_cloud):
    client = fresh_cloud.client("dynamodb")
    names = [f"table-{n:02}" for n in range(7)]
    for table in reversed(names):
        create_table(client, table)
    first = client.list_tables(Limit=3)
    assert first == first | {"TableNames": names[:3], "LastEvaluatedTableName": names[2]}
    pages = client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3})
    assert [table for page in pages for table in page["TableNames"]] == names
    assert client.list_tables(ExclusiveStartTableName="table-05")["TableNames"] == ["table-06"]


def test_a_deleted_table_is_gone(dynamodb, table):
    gone = dynamodb.delete_table(TableName=table)["TableDescription"]
    assert gone["TableStatus"] == "DELETING"
    wait = {"Delay": 1, "MaxAttempts": 20}
    dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=wait)
    message = f"Requested resource not found: Table: {table} not found"
    with refused("ResourceNotFoundException", message):
        dynamodb.describe_table(TableName=table)
    with refused("ResourceNotFoundException", message):
        dynamodb.delete_table(TableName=table)
    with refused("ResourceNotFoundException", "Requested resource not found"):
        dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}})


def test_items_do_not_survive_their_table(dynamodb, table):
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})
    dynamodb.delete_table(TableName=table)
    wait = {"Delay": 1, "MaxAttempts": 20}
    dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=wait)
    create_table(dynamodb, table)
    assert dynamodb.scan(TableName=table)["Items"] == []


def test_a_name_is_taken_once(dynamodb, table):
    with refused("ResourceInUseException", f"Table already exists: {table}"):
        create_table(dynamodb, table)


def test_deletion_protection_protects(dynamodb, name):
    create_table(dynamodb, name, DeletionProtectionEnabled=True)
    with refused(
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. "
        "Disable deletion protection first.",
    ):
        dynamodb.delete_table(TableName=name)


KEY = [{"AttributeName": "pk", "KeyType": "HASH"}]
DEFINITION = [{"AttributeName": "pk", "AttributeType": "S"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"TableName": None},
            "The parameter 'TableName' is required but was not present in the request",
            id="no name",
        ),
        pytest.param(
            {"TableName": "ab"},
            "TableName must be at least 3 characters long and at most 255 characters long",
            id="short name",
        ),
        pytest.param(
            {"BillingMode": "PROVISIONED"},
            P + "ReadCapacityUnits and WriteCapacityUnits must both be specified when "
            "BillingMode is PROVISIONED",
            id="no throughput",
        ),
        pytest.param(
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            P + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
            "BillingMode is PAY_PER_REQUEST",
            id="throughput on demand",
        ),
        pytest.param(
            {"KeySchema": [{"AttributeName": "pk", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            id="no hash key",
        ),
        pytest.param(
            {
                "AttributeDefinitions": [
                    *DEFINITION,
                    {"AttributeName": "spare", "AttributeType": "S"},
                ]
            },
            P + "Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in AttributeDefinitions",
            id="spare definition",
        ),
    ],
)
def test_a_faulty_table_is_refused(raw_dynamodb, name, change, message):
    request = {
        "TableName": name,
        "KeySchema": KEY,
        "AttributeDefinitions": DEFINITION,
        "BillingMode": "PAY_PER_REQUEST",
        **change,
    }
    request = {key: value for key, value in request.items() if value is not None}
    with refused("ValidationException", message):
        raw_dynamodb.create_table(**request)
