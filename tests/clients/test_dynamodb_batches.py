"""BatchGetItem and BatchWriteItem."""

import pytest

from conftest import create_table, refused


def key(value):
    return {"pk": {"S": value}}


def put(item):
    return {"PutRequest": {"Item": item}}


def delete(value):
    return {"DeleteRequest": {"Key": key(value)}}


def write(client, table, *requests):
    return client.batch_write_item(RequestItems={table: list(requests)})


def test_a_batch_over_two_tables(dynamodb, table, name):
    other = name + "-other"
    create_table(dynamodb, other)
    answer = dynamodb.batch_write_item(
        RequestItems={
            table: [put({**key(str(n)), "n": {"N": str(n)}}) for n in range(20)],
            other: [put(key("x"))],
        }
    )
    assert answer["UnprocessedItems"] == {}
    answer = dynamodb.batch_get_item(
        RequestItems={
            table: {
                "Keys": [key(str(n)) for n in range(25)],
                "ProjectionExpression": "#n",
                "ExpressionAttributeNames": {"#n": "n"},
            },
            other: {"Keys": [key("x"), key("y")], "ConsistentRead": True},
        }
    )
    assert answer["UnprocessedKeys"] == {}
    assert sorted(int(item["n"]["N"]) for item in answer["Responses"][table]) == list(range(20))
    assert answer["Responses"][other] == [key("x")]


def test_a_batch_deletes_too(dynamodb, table):
    write(dynamodb, table, put(key("a")), put(key("b")))
    write(dynamodb, table, put(key("c")), delete("a"), delete("never there"))
    left = dynamodb.scan(TableName=table)["Items"]
    assert sorted(item["pk"]["S"] for item in left) == ["b", "c"]


def test_the_batch_writer_of_the_resource_layer(cloud, dynamodb, table):
    with cloud.resource("dynamodb").Table(table).batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"pk": str(number)})
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 60


def test_twenty_five_writes_at_most(raw_dynamodb, table):
    with refused("ValidationException") as refusal:
        write(raw_dynamodb, table, *[put(key(str(n))) for n in range(26)])
    assert refusal.response["Error"]["Message"].endswith(
        "failed to satisfy constraint: Map value must satisfy constraint: [Member must have "
        "length less than or equal to 25, Member must have length greater than or equal to 1]"
    )
    assert raw_dynamodb.scan(TableName=table)["Count"] == 0


def test_a_hundred_reads_at_most(raw_dynamodb, table, name):
    other = name + "-other"
    create_table(raw_dynamodb, other)
    with refused("ValidationException", "Too many items requested for the BatchGetItem call"):
        raw_dynamodb.batch_get_item(
            RequestItems={
                table: {"Keys": [key(str(n)) for n in range(51)]},
                other: {"Keys": [key(str(n)) for n in range(50)]},
            }
        )


@pytest.mark.parametrize("twice", [[put(key("a")), delete("a")], [put(key("a")), put(key("a"))]])
def test_one_item_is_written_once(dynamodb, table, twice):
    with refused("ValidationException", "Provided list of item keys contains duplicates"):
        write(dynamodb, table, *twice)


def test_one_item_is_read_once(dynamodb, table):
    with refused("ValidationException", "Provided list of item keys contains duplicates"):
        dynamodb.batch_get_item(RequestItems={table: {"Keys": [key("a"), key("a")]}})


def test_one_faulty_write_refuses_the_batch(dynamodb, table):
    with refused("ValidationException", "The provided key element does not match the schema"):
        write(dynamodb, table, put(key("a")), put({"other": {"S": "b"}}))
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_an_unknown_table_refuses_the_batch(dynamodb, table, name):
    with refused("ResourceNotFoundException", "Requested resource not found"):
        dynamodb.batch_write_item(
            RequestItems={table: [put(key("a"))], name + "-none": [put(key("a"))]}
        )
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_what_is_beyond_sixteen_megabytes_is_left_unprocessed(dynamodb, table):
    largest = "x" * (400 * 1024 - 20)
    keys = [{"pk": {"S": f"{number:02}"}} for number in range(45)]
    for at in range(0, len(keys), 10):
        puts = [{"PutRequest": {"Item": {**key, "v": {"S": largest}}}} for key in keys[at : at + 10]]
        assert dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"] == {}
    wanted = {table: {"Keys": keys, "ConsistentRead": True}}
    first = dynamodb.batch_get_item(RequestItems=wanted)
    left = first["UnprocessedKeys"]
    assert left[table]["ConsistentRead"] is True
    second = dynamodb.batch_get_item(RequestItems=left)
    assert second["UnprocessedKeys"] == {}
    got = [item["pk"] for answer in (first, second) for item in answer["Responses"][table]]
    assert sorted(one["S"] for one in got) == [key["pk"]["S"] for key in keys]
    assert len(second["Responses"][table]) == len(left[table]["Keys"]) > 0
