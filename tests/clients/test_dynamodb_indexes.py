"""Global secondary indexes: what they hold follows every write."""

import pytest

from conftest import create_table, refused

ALL = {"ProjectionType": "ALL"}
KEYS = {"ProjectionType": "KEYS_ONLY"}
SOME = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}


@pytest.fixture
def indexed(dynamodb, name):
    create_table(
        dynamodb,
        name,
        indexes=[
            ("all", "owner:S", "at:N", ALL),
            ("keys", "owner:S", None, KEYS),
            ("some", "owner:S", None, SOME),
        ],
    )
    return name


def put(client, table, pk, owner=None, at=None, **more):
    item = {"pk": {"S": pk}, "x": {"S": f"x-{pk}"}, "y": {"S": f"y-{pk}"}, **more}
    if owner is not None:
        item["owner"] = {"S": owner}
    if at is not None:
        item["at"] = {"N": str(at)}
    client.put_item(TableName=table, Item=item)
    return item


def query(client, table, index="all", owner="o", **more):
    return client.query(
        TableName=table,
        IndexName=index,
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": owner}},
        **more,
    )


def names(answer):
    return [item["pk"]["S"] for item in answer["Items"]]


def test_an_index_sorts_by_its_own_range_key(dynamodb, indexed):
    for pk, at in (("a", 3), ("b", -1), ("c", 20)):
        put(dynamodb, indexed, pk, "o", at)
    put(dynamodb, indexed, "d", "someone else", 1)
    assert names(query(dynamodb, indexed)) == ["b", "a", "c"]
    assert names(query(dynamodb, indexed, ScanIndexForward=False)) == ["c", "a", "b"]


def test_an_index_holds_only_items_with_all_its_keys(dynamodb, indexed):
    put(dynamodb, indexed, "a", "o", 1)
    put(dynamodb, indexed, "b", "o")
    put(dynamodb, indexed, "c", None, 1)
    assert names(query(dynamodb, indexed)) == ["a"]
    assert sorted(names(query(dynamodb, indexed, "keys"))) == ["a", "b"]
    assert names(dynamodb.scan(TableName=indexed, IndexName="all")) == ["a"]


def test_projections(dynamodb, indexed):
    item = put(dynamodb, indexed, "a", "o", 1)
    assert query(dynamodb, indexed)["Items"] == [item]
    assert query(dynamodb, indexed, "keys")["Items"] == [{k: item[k] for k in ("pk", "owner")}]
    assert query(dynamodb, indexed, "some")["Items"] == [{k: item[k] for k in ("pk", "owner", "x")}]


def test_an_index_follows_updates_and_deletes(dynamodb, indexed):
    put(dynamodb, indexed, "a", "o", 1)
    put(dynamodb, indexed, "b", "o", 2)
    dynamodb.update_item(
        TableName=indexed,
        Key={"pk": {"S": "a"}},
        UpdateExpression="SET #o = :p, #at = :nine",
        ExpressionAttributeNames={"#o": "owner", "#at": "at"},
        ExpressionAttributeValues={":p": {"S": "p"}, ":nine": {"N": "9"}},
    )
    assert names(query(dynamodb, indexed)) == ["b"]
    assert names(query(dynamodb, indexed, owner="p")) == ["a"]
    dynamodb.delete_item(TableName=indexed, Key={"pk": {"S": "b"}})
    assert names(query(dynamodb, indexed)) == []
    dynamodb.update_item(
        TableName=indexed,
        Key={"pk": {"S": "a"}},
        UpdateExpression="REMOVE #o",
        ExpressionAttributeNames={"#o": "owner"},
    )
    assert names(query(dynamodb, indexed, owner="p")) == []


def test_pages_of_an_index(dynamodb, indexed):
    """Many items under one index key: the page's key tells them apart by the table's key."""
    for number in range(7):
        put(dynamodb, indexed, f"item-{number}", "o", 1)
    found, start = [], {}
    while True:
        page = query(dynamodb, indexed, Limit=3, **start)
        found += names(page)
        if "LastEvaluatedKey" not in page:
            break
        assert set(page["LastEvaluatedKey"]) == {"pk", "owner", "at"}
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == [f"item-{number}" for number in range(7)]


def test_indexes_are_described(dynamodb, indexed):
    described = dynamodb.describe_table(TableName=indexed)["Table"]["GlobalSecondaryIndexes"]
    by_name = {index["IndexName"]: index for index in described}
    assert set(by_name) == {"all", "keys", "some"}
    assert by_name["some"]["Projection"] == SOME
    for name, index in by_name.items():
        assert index["IndexStatus"] == "ACTIVE" and "Backfilling" not in index
        assert index["IndexArn"].endswith(f":table/{indexed}/index/{name}")
    assert [k["AttributeName"] for k in by_name["all"]["KeySchema"]] == ["owner", "at"]


def test_an_index_is_never_read_consistently(dynamodb, indexed):
    with refused(
        "ValidationException",
        "Consistent reads are not supported on global secondary indexes",
    ):
        query(dynamodb, indexed, ConsistentRead=True)


def test_an_index_gives_only_what_it_holds(dynamodb, indexed):
    with refused(
        "ValidationException",
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported "
        "for global secondary index keys because its projection type is not ALL",
    ):
        query(dynamodb, indexed, "keys", Select="ALL_ATTRIBUTES")


def test_an_index_key_of_another_type_is_refused(dynamodb, indexed):
    with refused(
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for Index Key at Expected: N "
        "Actual: S IndexName: all",
    ):
        dynamodb.put_item(
            TableName=indexed,
            Item={"pk": {"S": "a"}, "owner": {"S": "o"}, "at": {"S": "noon"}},
        )
    assert dynamodb.scan(TableName=indexed)["Count"] == 0


def test_two_indexes_of_one_name_are_refused(dynamodb, name):
    twice = [("idx", "a:S", None, ALL), ("idx", "b:S", None, ALL)]
    with refused(
        "ValidationException",
        "One or more parameter values were invalid: Duplicate index name: idx",
    ):
        create_table(dynamodb, name, indexes=twice)
