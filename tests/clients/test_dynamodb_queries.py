"""Query and Scan: order, conditions, filters and pages."""

import pytest
from boto3.dynamodb.conditions import Attr, Key

from conftest import create_table, refused

NUMBERS = [-10, -1.5, 0, 2, 10, 100]


@pytest.fixture
def filled(dynamodb, ranged):
    for number in reversed(NUMBERS):
        for partition in ("a", "b"):
            item = {
                "pk": {"S": partition},
                "sk": {"N": str(number)},
                "even": {"BOOL": number % 2 == 0},
            }
            dynamodb.put_item(TableName=ranged, Item=item)
    return ranged


def query(client, table, condition="pk = :pk", values=(), **more):
    values = {":pk": {"S": "a"}, **dict(values)}
    return client.query(
        TableName=table,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **more,
    )


def numbers(answer):
    return [float(item["sk"]["N"]) for item in answer["Items"]]


def test_numbers_sort_by_value(dynamodb, filled):
    answer = query(dynamodb, filled)
    assert numbers(answer) == NUMBERS
    assert answer["Count"] == answer["ScannedCount"] == len(NUMBERS)
    assert numbers(query(dynamodb, filled, ScanIndexForward=False)) == NUMBERS[::-1]


def test_strings_sort_by_their_bytes(dynamodb, name):
    create_table(dynamodb, name, range_key="sk:S")
    words = ["B", "a", "a ", "aa", "b", "é", "ﬀ", "🌥"]
    for word in reversed(words):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": word}})
    found = [item["sk"]["S"] for item in query(dynamodb, name)["Items"]]
    assert found == words == sorted(words, key=str.encode)


def test_binary_sorts_unsigned(dynamodb, name):
    create_table(dynamodb, name, range_key="sk:B")
    keys = [b"\x00", b"\x00\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\x00"]
    for key in reversed(keys):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"B": key}})
    assert [item["sk"]["B"] for item in query(dynamodb, name)["Items"]] == keys


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sk = :x", [2]),
        ("sk < :x", [-10, -1.5, 0]),
        ("sk <= :x", [-10, -1.5, 0, 2]),
        ("sk > :x", [10, 100]),
        ("sk >= :x", [2, 10, 100]),
        (":x < sk", [10, 100]),
        ("sk BETWEEN :x AND :y", [2, 10]),
    ],
)
def test_key_conditions(dynamodb, filled, condition, expected):
    values = {":x": {"N": "2"}, ":y": {"N": "10"}}
    values = {name: value for name, value in values.items() if name in condition}
    assert numbers(query(dynamodb, filled, f"pk = :pk AND {condition}", values)) == expected


def test_begins_with(dynamodb, name):
    create_table(dynamodb, name, range_key="sk:S")
    for word in ("order#1", "order#2", "orders", "other", "order"):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": word}})
    answer = query(dynamodb, name, "pk = :pk AND begins_with(sk, :x)", {":x": {"S": "order#"}})
    assert [item["sk"]["S"] for item in answer["Items"]] == ["order#1", "order#2"]


def test_pages_of_a_query(dynamodb, filled):
    for forward in (True, False):
        found, start, pages = [], {}, 0
        while True:
            page = query(dynamodb, filled, Limit=4, ScanIndexForward=forward, **start)
            found += numbers(page)
            pages += 1
            if "LastEvaluatedKey" not in page:
                break
            last = page["LastEvaluatedKey"]
            assert last == {"pk": {"S": "a"}, "sk": page["Items"][-1]["sk"]}
            start = {"ExclusiveStartKey": last}
        assert found == (NUMBERS if forward else NUMBERS[::-1])
        assert pages == 2


def test_a_page_ends_at_one_megabyte(dynamodb, ranged):
    for number in range(5):
        item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "x": {"S": "x" * 300_000}}
        dynamodb.put_item(TableName=ranged, Item=item)
    first = query(dynamodb, ranged)
    # The item that reaches the megabyte is part of the page.
    assert numbers(first) == [0, 1, 2, 3]
    second = query(dynamodb, ranged, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert numbers(second) == [4] and "LastEvaluatedKey" not in second


def test_a_filter_comes_after_the_limit(dynamodb, filled):
    page = query(
        dynamodb,
        filled,
        values={":yes": {"BOOL": True}},
        FilterExpression="even = :yes",
        Limit=3,
    )
    assert numbers(page) == [-10, 0]
    assert (page["Count"], page["ScannedCount"]) == (2, 3)
    assert page["LastEvaluatedKey"]["sk"] == {"N": "0"}


def test_count_counts(dynamodb, filled):
    answer = query(dynamodb, filled, Select="COUNT")
    assert answer["Count"] == len(NUMBERS) and "Items" not in answer


def test_a_projection(dynamodb, filled):
    answer = query(dynamodb, filled, ProjectionExpression="sk", Limit=1)
    assert answer["Items"] == [{"sk": {"N": "-10"}}]


def test_the_resource_layer(cloud, filled):
    handle = cloud.resource("dynamodb").Table(filled)
    answer = handle.query(
        KeyConditionExpression=Key("pk").eq("b") & Key("sk").between(0, 10),
        FilterExpression=Attr("even").eq(True),
    )
    assert [int(item["sk"]) for item in answer["Items"]] == [0, 2, 10]


def test_a_scan_sees_everything_once(dynamodb, filled):
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=filled, PaginationConfig={"PageSize": 5}
    )
    found = [(item["pk"]["S"], float(item["sk"]["N"])) for page in pages for item in page["Items"]]
    assert sorted(found) == sorted((p, float(n)) for p in "ab" for n in NUMBERS)
    # Items of one partition stand together, in the order of their range keys.
    partitions = [p for p, _ in found]
    assert partitions in (sorted(partitions), sorted(partitions, reverse=True))
    assert [n for p, n in found if p == "a"] == NUMBERS


def test_segments_divide_a_scan(dynamodb, table):
    for number in range(40):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": f"item-{number}"}})
    segments = [
        {
            item["pk"]["S"]
            for item in dynamodb.scan(TableName=table, Segment=segment, TotalSegments=4)["Items"]
        }
        for segment in range(4)
    ]
    assert sum(map(len, segments)) == 40
    assert set().union(*segments) == {f"item-{number}" for number in range(40)}


def test_a_scan_with_a_filter(dynamodb, filled):
    answer = dynamodb.scan(
        TableName=filled,
        FilterExpression="sk > :x",
        ExpressionAttributeValues={":x": {"N": "2"}},
    )
    assert sorted(numbers(answer)) == [10, 10, 100, 100]
    assert answer["ScannedCount"] == 2 * len(NUMBERS)


P = "One or more parameter values were invalid: "


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in "
            "the request.",
        ),
        (
            {"KeyConditionExpression": "sk = :n"},
            "Query condition missed key schema element: pk",
        ),
        ({"KeyConditionExpression": "pk > :s"}, "Query key condition not supported"),
        (
            {"KeyConditionExpression": "pk = :s OR sk = :n"},
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            {"KeyConditionExpression": "pk = :n"},
            P + "Condition parameter type does not match schema type",
        ),
        (
            {"KeyConditionExpression": "pk = :s", "FilterExpression": "sk = :n"},
            "Filter Expression can only contain non-primary key attributes: "
            "Primary key attribute: sk",
        ),
        (
            {"KeyConditionExpression": "pk = :s", "IndexName": "none"},
            "The table does not have the specified index: none",
        ),
        (
            {"KeyConditionExpression": "pk = :s", "Select": "ALL_PROJECTED_ATTRIBUTES"},
            P + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            {
                "KeyConditionExpression": "pk = :s",
                "ExclusiveStartKey": {"pk": {"S": "other"}, "sk": {"N": "1"}},
            },
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
    ],
)
def test_a_faulty_query_is_refused(raw_dynamodb, ranged, request_, message):
    expressions = " ".join(str(value) for value in request_.values())
    values = {":s": {"S": "a"}, ":n": {"N": "1"}}
    values = {name: value for name, value in values.items() if name in expressions}
    if values:
        request_ = {**request_, "ExpressionAttributeValues": values}
    with refused("ValidationException", message):
        raw_dynamodb.query(TableName=ranged, **request_)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"Segment": 1},
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present",
        ),
        (
            {"Segment": 1, "TotalSegments": 1},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 1 is not less than TotalSegments: 1",
        ),
    ],
)
def test_a_faulty_scan_is_refused(raw_dynamodb, table, request_, message):
    with refused("ValidationException", message):
        raw_dynamodb.scan(TableName=table, **request_)
