"""UpdateItem: its four sections, what it returns, what it refuses."""

import threading

import pytest

from conftest import refused

START = {
    "pk": {"S": "a"},
    "n": {"N": "5"},
    "s": {"S": "old"},
    "set": {"SS": ["x", "y"]},
    "list": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}]},
    "map": {"M": {"in": {"N": "1"}}},
}
KEY = {"pk": {"S": "a"}}
NAMES = {"#set": "set", "#list": "list", "#map": "map", "#in": "in"}
VALUES = {
    ":one": {"N": "1"},
    ":two": {"N": "2"},
    ":new": {"S": "new"},
    ":xz": {"SS": ["x", "z"]},
    ":xy": {"SS": ["x", "y"]},
    ":tail": {"L": [{"N": "9"}]},
}


def update(client, table, expression, **more):
    words = "".join(c if c.isalnum() or c in "#:_" else " " for c in expression).split()
    request = {"TableName": table, "Key": KEY, "UpdateExpression": expression, **more}
    names = {name: path for name, path in NAMES.items() if name in words}
    values = {name: value for name, value in VALUES.items() if name in words}
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return client.update_item(**request)


@pytest.mark.parametrize(
    ("expression", "change"),
    [
        ("SET s = :new", {"s": {"S": "new"}}),
        ("SET n = n + :one", {"n": {"N": "6"}}),
        ("SET n = :one - n", {"n": {"N": "-4"}}),
        ("SET spare = n, n = :one", {"spare": {"N": "5"}, "n": {"N": "1"}}),
        ("SET n = if_not_exists(n, :one)", {}),
        ("SET fresh = if_not_exists(fresh, :one) + :one", {"fresh": {"N": "2"}}),
        ("SET #map.#in = :new", {"map": {"M": {"in": {"S": "new"}}}}),
        ("SET #map.spare = :one", {"map": {"M": {"in": {"N": "1"}, "spare": {"N": "1"}}}}),
        ("SET #list[1] = :new", {"list": {"L": [{"N": "1"}, {"S": "new"}, {"N": "3"}]}}),
        (
            "SET #list[9] = :one, #list[7] = :two",
            {"list": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}, {"N": "2"}, {"N": "1"}]}},
        ),
        (
            "SET #list = list_append(#list, :tail)",
            {"list": {"L": [{"N": "1"}, {"N": "2"}, {"N": "3"}, {"N": "9"}]}},
        ),
        ("REMOVE s, absent", {"s": None}),
        ("REMOVE #list[0], #list[1]", {"list": {"L": [{"N": "3"}]}}),
        ("REMOVE #map.#in", {"map": {"M": {}}}),
        ("ADD n :two, fresh :one", {"n": {"N": "7"}, "fresh": {"N": "1"}}),
        ("ADD #set :xz", {"set": {"SS": ["x", "y", "z"]}}),
        ("DELETE #set :xz", {"set": {"SS": ["y"]}}),
        ("DELETE #set :xy", {"set": None}),
        (
            "set s = :new remove n add fresh :one",
            {"s": {"S": "new"}, "n": None, "fresh": {"N": "1"}},
        ),
    ],
)
def test_updates(dynamodb, table, expression, change):
    dynamodb.put_item(TableName=table, Item=START)
    new = update(dynamodb, table, expression, ReturnValues="ALL_NEW")["Attributes"]
    expected = {name: value for name, value in {**START, **change}.items() if value is not None}
    for item in (new, expected):
        if "set" in item:
            item["set"] = {"SS": sorted(item["set"]["SS"])}
    assert new == expected
    stored = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert {k: v for k, v in stored.items() if k != "set"} == {
        k: v for k, v in expected.items() if k != "set"
    }


@pytest.mark.parametrize(
    ("wanted", "returned"),
    [
        ("NONE", None),
        ("ALL_OLD", START),
        ("UPDATED_OLD", {"n": {"N": "5"}}),
        ("UPDATED_NEW", {"n": {"N": "6"}, "fresh": {"N": "1"}}),
        ("ALL_NEW", {**START, "n": {"N": "6"}, "fresh": {"N": "1"}}),
    ],
)
def test_what_is_returned(dynamodb, table, wanted, returned):
    dynamodb.put_item(TableName=table, Item=START)
    answer = update(dynamodb, table, "SET n = n + :one, fresh = :one", ReturnValues=wanted)
    got = answer.get("Attributes")
    for item in (got, returned):
        if item and "set" in item:
            item["set"]["SS"].sort()
    assert got == returned


def test_an_update_creates_what_is_not_there(dynamodb, table):
    assert "Attributes" not in update(dynamodb, table, "SET n = :one", ReturnValues="ALL_OLD")
    item = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert item == {**KEY, "n": {"N": "1"}}


def test_a_condition_on_an_update(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=START)
    with refused("ConditionalCheckFailedException", "The conditional request failed"):
        update(dynamodb, table, "SET n = :one", ConditionExpression="attribute_not_exists(n)")
    update(dynamodb, table, "SET n = :one", ConditionExpression="attribute_exists(n)")
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["n"] == {"N": "1"}


def test_counters_lose_nothing(cloud, dynamodb, table):
    """Eight threads on one hot key."""
    failures = []

    def count():
        client = cloud.client("dynamodb")
        try:
            for _ in range(25):
                update(client, table, "ADD n :one")
        except Exception as error:  # noqa: BLE001 (reported by the assertion below)
            failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["n"] == {"N": "200"}


PREFIX = "Invalid UpdateExpression: "


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", PREFIX + "The expression can not be empty;"),
        (
            "SET n = :one SET s = :new",
            PREFIX + 'The "SET" section can only be used once in an update expression;',
        ),
        (
            "SET #map = :one, #map.#in = :two",
            PREFIX + "Two document paths overlap with each other; must remove or rewrite one of "
            "these paths; path one: [map], path two: [map, in]",
        ),
        (
            "ADD n :new",
            PREFIX + "Incorrect operand type for operator or function; operator: ADD, "
            "operand type: STRING",
        ),
        ("SET pk = :new", None),
        (
            "SET n = absent",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        ("SET n = s + :one", "An operand in the update expression has an incorrect data type"),
        (
            "SET s.deep = :one",
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "SET absent.deep = :one",
            "The document path provided in the update expression is invalid for update",
        ),
    ],
)
def test_a_faulty_update_is_refused(raw_dynamodb, table, expression, message):
    raw_dynamodb.put_item(TableName=table, Item=START)
    if message is None:
        message = (
            "One or more parameter values were invalid: Cannot update attribute pk. "
            "This attribute is part of the key"
        )
    with refused("ValidationException", message):
        update(raw_dynamodb, table, expression)
    item = raw_dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert (item["n"], item["s"]) == (START["n"], START["s"])
