"""TransactWriteItems and TransactGetItems: all or none, in the order of the request."""

import threading

import pytest
from botocore.exceptions import ClientError

from conftest import create_table, refused


def key(value):
    return {"pk": {"S": value}}


def put(table, item, **more):
    return {"Put": {"TableName": table, "Item": item, **more}}


def add(table, value, by):
    return {
        "Update": {
            "TableName": table,
            "Key": key(value),
            "UpdateExpression": "ADD n :by",
            "ExpressionAttributeValues": {":by": {"N": str(by)}},
        }
    }


def test_a_transaction_over_two_tables(dynamodb, table, name):
    other = name + "-other"
    create_table(dynamodb, other)
    dynamodb.put_item(TableName=other, Item=key("gone"))
    answer = dynamodb.transact_write_items(
        TransactItems=[
            put(table, {**key("a"), "n": {"N": "1"}}),
            {"Delete": {"TableName": other, "Key": key("gone")}},
            add(other, "new", 5),
            {
                "ConditionCheck": {
                    "TableName": table,
                    "Key": key("absent"),
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    by_table = {used["TableName"]: used for used in answer["ConsumedCapacity"]}
    assert by_table[table]["WriteCapacityUnits"] == 4.0
    read = dynamodb.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": other, "Key": key("new"), "ProjectionExpression": "n"}},
            {"Get": {"TableName": other, "Key": key("gone")}},
            {"Get": {"TableName": table, "Key": key("a")}},
        ]
    )
    assert read["Responses"] == [
        {"Item": {"n": {"N": "5"}}},
        {},
        {"Item": {**key("a"), "n": {"N": "1"}}},
    ]


def test_one_failed_condition_cancels_all(dynamodb, table):
    old = {**key("b"), "n": {"N": "7"}}
    dynamodb.put_item(TableName=table, Item=old)
    with refused("TransactionCanceledException") as refusal:
        dynamodb.transact_write_items(
            TransactItems=[
                put(table, key("a")),
                put(
                    table,
                    key("b"),
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ),
            ]
        )
    assert refusal.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed]"
    )
    assert refusal.response["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Item": old,
            "Message": "The conditional request failed",
        },
    ]
    assert dynamodb.scan(TableName=table)["Items"] == [old]


def test_a_token_counts_once(dynamodb, table):
    for _ in range(2):
        dynamodb.transact_write_items(
            TransactItems=[add(table, "a", 1)], ClientRequestToken=f"{table}"[-36:]
        )
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["n"] == {"N": "1"}
    with refused("IdempotentParameterMismatchException"):
        dynamodb.transact_write_items(
            TransactItems=[add(table, "a", 2)], ClientRequestToken=f"{table}"[-36:]
        )


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (
            lambda table: [add(table, "a", 1), put(table, key("a"))],
            "Transaction request cannot include multiple operations on one item",
        ),
        (
            lambda table: [put(table, {"other": {"S": "a"}})],
            "One or more parameter values were invalid: Missing the key pk in the item",
        ),
        (
            lambda table: [{**put(table, key("a")), **add(table, "b", 1)}],
            "TransactItems can only contain one of Check, Put, Update or Delete",
        ),
    ],
)
def test_a_faulty_transaction_is_refused(dynamodb, table, actions, message):
    with refused("ValidationException", message):
        dynamodb.transact_write_items(TransactItems=actions(table))
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_transfers_lose_nothing(cloud, dynamodb, table):
    """Money moves between accounts from many threads; a reader always sees the same sum."""
    accounts = [str(n) for n in range(4)]
    for account in accounts:
        dynamodb.put_item(TableName=table, Item={**key(account), "n": {"N": "100"}})
    failures, done = [], threading.Event()

    def move(first):
        client = cloud.client("dynamodb")
        try:
            for step in range(15):
                one, two = accounts[first], accounts[(first + 1 + step % 3) % 4]
                client.transact_write_items(TransactItems=[add(table, one, -1), add(table, two, 1)])
        except ClientError as error:
            failures.append(error)

    def watch():
        client = cloud.client("dynamodb")
        gets = [{"Get": {"TableName": table, "Key": key(account)}} for account in accounts]
        while not done.is_set():
            read = client.transact_get_items(TransactItems=gets)["Responses"]
            total = sum(int(one["Item"]["n"]["N"]) for one in read)
            if total != 400:
                failures.append(total)

    movers = [threading.Thread(target=move, args=(n,)) for n in range(4)]
    watcher = threading.Thread(target=watch)
    for thread in [*movers, watcher]:
        thread.start()
    for thread in movers:
        thread.join()
    done.set()
    watcher.join()
    assert failures == []
