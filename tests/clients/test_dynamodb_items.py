"""Items: every type of value goes in and comes out, and conditions decide."""

import decimal

import pytest
from boto3.dynamodb.conditions import Attr
from boto3.dynamodb.types import Binary

from conftest import refused

P = "One or more parameter values were invalid: "
EVERY_TYPE = {
    "pk": {"S": "all"},
    "s": {"S": "Grüße 🌥"},
    "empty": {"S": ""},
    "n": {"N": "-12.5"},
    "b": {"B": b"\x00\xff"},
    "t": {"BOOL": True},
    "nil": {"NULL": True},
    "l": {"L": [{"S": "a"}, {"N": "1"}, {"L": []}]},
    "m": {"M": {"a.b": {"M": {"c": {"BOOL": False}}}}},
}


def key(value):
    return {"pk": {"S": value}}


def test_every_type_comes_back_as_it_went_in(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=EVERY_TYPE)
    assert dynamodb.get_item(TableName=table, Key=key("all"))["Item"] == EVERY_TYPE


def test_sets_come_back_whole(dynamodb, table):
    sets = {"ss": {"SS": ["b", "a"]}, "ns": {"NS": ["10", "9", "1.50"]}, "bs": {"BS": [b"2", b"1"]}}
    dynamodb.put_item(TableName=table, Item={**key("a"), **sets})
    item = dynamodb.get_item(TableName=table, Key=key("a"))["Item"]
    assert set(item["ss"]["SS"]) == {"a", "b"}
    assert set(item["ns"]["NS"]) == {"1.5", "9", "10"}
    assert set(item["bs"]["BS"]) == {b"1", b"2"}


def test_the_resource_layer_sees_python_values(cloud, table):
    handle = cloud.resource("dynamodb").Table(table)
    item = {
        "pk": "a",
        "price": decimal.Decimal("19.99"),
        "tags": {"x", "y"},
        "nested": {"list": [1, None, True, b"raw"]},
    }
    handle.put_item(Item=item)
    got = handle.get_item(Key={"pk": "a"})["Item"]
    assert got == {**item, "nested": {"list": [1, None, True, Binary(b"raw")]}}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.0", "1"),
        ("1e2", "100"),
        ("-0", "0"),
        ("0.000", "0"),
        ("00012.3400", "12.34"),
        ("1E-5", "0.00001"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ],
)
def test_numbers_are_canonical(dynamodb, table, sent, kept):
    dynamodb.put_item(TableName=table, Item={**key("a"), "n": {"N": sent}})
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["n"] == {"N": kept}


def test_a_missing_item_is_no_error(dynamodb, table):
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key("none"))
    assert "Attributes" not in dynamodb.delete_item(
        TableName=table, Key=key("none"), ReturnValues="ALL_OLD"
    )


def test_put_replaces_the_whole_item_and_returns_the_old_one(dynamodb, table):
    first = {**key("a"), "x": {"N": "1"}}
    put = {"TableName": table, "ReturnValues": "ALL_OLD"}
    assert "Attributes" not in dynamodb.put_item(Item=first, **put)
    assert dynamodb.put_item(Item=key("a"), **put)["Attributes"] == first
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"] == key("a")


def test_delete_returns_what_was_there(dynamodb, table):
    item = {**key("a"), "x": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    deleted = dynamodb.delete_item(TableName=table, Key=key("a"), ReturnValues="ALL_OLD")
    assert deleted["Attributes"] == item
    assert "Item" not in dynamodb.get_item(TableName=table, Key=key("a"))


def test_a_projection_gives_only_what_it_names(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=EVERY_TYPE)
    got = dynamodb.get_item(
        TableName=table,
        Key=key("all"),
        ProjectionExpression="s, l[1], m.#dotted.c, absent",
        ExpressionAttributeNames={"#dotted": "a.b"},
    )["Item"]
    assert got == {
        "s": EVERY_TYPE["s"],
        "l": {"L": [{"N": "1"}]},
        "m": {"M": {"a.b": {"M": {"c": {"BOOL": False}}}}},
    }


def test_capacity_is_counted(dynamodb, table):
    counted = {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}
    big = {**key("a"), "x": {"S": "x" * 5000}}
    put = dynamodb.put_item(Item=big, **counted)["ConsumedCapacity"]
    assert put == {"TableName": table, "CapacityUnits": 5.0}
    get = dynamodb.get_item(Key=key("a"), **counted)["ConsumedCapacity"]
    assert get == {"TableName": table, "CapacityUnits": 1.0}
    get = dynamodb.get_item(Key=key("a"), ConsistentRead=True, **counted)["ConsumedCapacity"]
    assert get["CapacityUnits"] == 2.0


# Conditions


def test_a_condition_decides(dynamodb, table):
    create = {"TableName": table, "ConditionExpression": "attribute_not_exists(pk)"}
    dynamodb.put_item(Item={**key("a"), "v": {"N": "1"}}, **create)
    with refused("ConditionalCheckFailedException", "The conditional request failed"):
        dynamodb.put_item(Item={**key("a"), "v": {"N": "2"}}, **create)
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"]["v"] == {"N": "1"}


def test_a_failed_condition_shows_the_item_where_asked(dynamodb, table):
    item = {**key("a"), "v": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    with refused("ConditionalCheckFailedException") as refusal:
        dynamodb.delete_item(
            TableName=table,
            Key=key("a"),
            ConditionExpression="v > :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refusal.response["Item"] == item


CONDITIONED = {
    **key("a"),
    "n": {"N": "5"},
    "s": {"S": "hello"},
    "set": {"SS": ["x", "y"]},
    "list": {"L": [{"N": "1"}]},
    "map": {"M": {"in": {"S": "deep"}}},
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("n = :five", True),
        ("n <> :five", False),
        ("absent <> :five", True),
        ("absent = :five", False),
        ("s < :five", False),
        ("n BETWEEN :five AND :five", True),
        ("n IN (:hello, :five)", True),
        ("NOT n = :five", False),
        ("n = :hello OR n = :five AND s = :hello", True),
        ("(n = :five OR s = :five) AND s = :five", False),
        ("begins_with(s, :he)", True),
        ("contains(s, :ell)", True),
        ("contains(#set, :x)", True),
        ("contains(#list, :one)", True),
        ("attribute_type(#map, :m)", True),
        ("attribute_exists(#map.#in)", True),
        ("attribute_exists(#list[1])", False),
        ("size(s) = :five", True),
        ("size(#set) < :one", False),
        ("#map.#in = :deep", True),
        (":five = n", True),
    ],
)
def test_conditions(dynamodb, table, condition, holds):
    values = {
        ":five": {"N": "5.0"},
        ":one": {"N": "1"},
        ":hello": {"S": "hello"},
        ":he": {"S": "he"},
        ":ell": {"S": "ell"},
        ":x": {"S": "x"},
        ":m": {"S": "M"},
        ":deep": {"S": "deep"},
    }
    names = {"#set": "set", "#list": "list", "#map": "map", "#in": "in"}
    used = {name: path for name, path in names.items() if name in condition}
    words = condition.replace("(", " ").replace(")", " ").replace(",", " ").split()
    given = {name: value for name, value in values.items() if name in words}
    dynamodb.put_item(TableName=table, Item=CONDITIONED)
    request = {"TableName": table, "Item": CONDITIONED, "ConditionExpression": condition}
    if used:
        request["ExpressionAttributeNames"] = used
    if given:
        request["ExpressionAttributeValues"] = given
    if holds:
        dynamodb.put_item(**request)
    else:
        with refused("ConditionalCheckFailedException", "The conditional request failed"):
            dynamodb.put_item(**request)


def test_conditions_of_the_resource_layer(cloud, table):
    handle = cloud.resource("dynamodb").Table(table)
    handle.put_item(Item={"pk": "a", "v": 1})
    handle.put_item(Item={"pk": "a", "v": 2}, ConditionExpression=Attr("v").lt(2))
    with refused("ConditionalCheckFailedException"):
        handle.put_item(Item={"pk": "a", "v": 3}, ConditionExpression=Attr("v").not_exists())


# Refusals


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"x": {"S": "a"}}, P + "Missing the key pk in the item"),
        ({"pk": {"N": "1"}}, P + "Type mismatch for key pk expected: S actual: N"),
        (
            {"pk": {"S": ""}},
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk",
        ),
        (
            {**key("a"), "x": {}},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            {**key("a"), "x": {"S": "a", "N": "1"}},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes",
        ),
        ({**key("a"), "x": {"SS": []}}, P + "An string set  may not be empty"),
        (
            {**key("a"), "x": {"SS": ["a", "a"]}},
            P + "Input collection [a, a] contains duplicates.",
        ),
        ({**key("a"), "x": {"NS": ["1", "1.0"]}}, "Input collection contains duplicates"),
        (
            {**key("a"), "x": {"N": "b"}},
            "The parameter cannot be converted to a numeric value: b",
        ),
        (
            {**key("a"), "x": {"N": "1" * 39}},
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            {**key("a"), "x": {"N": "1e126"}},
            "Number overflow. Attempting to store a number with magnitude larger than supported "
            "range",
        ),
        (
            {**key("a"), "x": {"N": "1e-131"}},
            "Number underflow. Attempting to store a number with magnitude smaller than supported "
            "range",
        ),
        (
            {**key("a"), "x": {"NULL": False}},
            P + "Null attribute value types must have the value of true",
        ),
        (
            {**key("a"), "x": {"S": "x" * 409_600}},
            "Item size has exceeded the maximum allowed size",
        ),
    ],
)
def test_a_faulty_item_is_refused(raw_dynamodb, table, item, message):
    with refused("ValidationException", message):
        raw_dynamodb.put_item(TableName=table, Item=item)
    assert raw_dynamodb.scan(TableName=table)["Count"] == 0


def test_the_largest_item_fits(dynamodb, table):
    item = {**key("a"), "x": {"S": "x" * (409_600 - len("pk") - len("a") - len("x"))}}
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key=key("a"))["Item"] == item


@pytest.mark.parametrize(
    "wrong", [{"other": {"S": "a"}}, {"pk": {"N": "1"}}, {"pk": {"S": "a"}, "sk": {"N": "1"}}]
)
def test_a_key_of_another_schema_is_refused(dynamodb, table, wrong):
    with refused("ValidationException", "The provided key element does not match the schema"):
        dynamodb.get_item(TableName=table, Key=wrong)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"ConditionExpression": ""},
            "Invalid ConditionExpression: The expression can not be empty;",
        ),
        (
            {"ConditionExpression": "abOrt = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
            "Invalid ConditionExpression: Attribute name is a reserved keyword; "
            "reserved keyword: abOrt",
        ),
        (
            {"ConditionExpression": "attribute_exists(#a)"},
            "Invalid ConditionExpression: An expression attribute name used in the document path "
            "is not defined; attribute name: #a",
        ),
        (
            {"ConditionExpression": "a = :v"},
            "Invalid ConditionExpression: An expression attribute value used in expression is not "
            "defined; attribute value: :v",
        ),
        (
            {"ConditionExpression": "f(a)"},
            "Invalid ConditionExpression: Invalid function name; function: f",
        ),
        (
            {
                "ConditionExpression": "attribute_exists(a)",
                "ExpressionAttributeNames": {"#a": "a"},
            },
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
        ),
        (
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {
                "ConditionExpression": "attribute_exists(a)",
                "Expected": {"a": {"Exists": False}},
            },
            "Can not use both expression and non-expression parameters in the same request: "
            "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            {"ReturnValues": "ALL_NEW"},
            "ReturnValues can only be ALL_OLD or NONE",
        ),
    ],
)
def test_a_faulty_request_is_refused(raw_dynamodb, table, request_, message):
    with refused("ValidationException", message):
        raw_dynamodb.put_item(TableName=table, Item=key("a"), **request_)


def test_several_faults_are_told_at_once(raw_dynamodb, table):
    message = (
        "2 validation errors detected: Value 'hi' at 'returnConsumedCapacity' failed to satisfy "
        "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; "
        "Value null at 'key' failed to satisfy constraint: Member must not be null"
    )
    with refused("ValidationException", message):
        raw_dynamodb.get_item(TableName=table, ReturnConsumedCapacity="hi")


def test_a_table_that_is_not_there(dynamodb, name):
    with refused("ResourceNotFoundException", "Requested resource not found"):
        dynamodb.put_item(TableName=name, Item=key("a"))
