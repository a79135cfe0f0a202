"""PynamoDB, an object mapper that people use, over a table with an index and a stream."""

import pytest
from pynamodb.attributes import (
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
    VersionAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import STREAM_NEW_AND_OLD_IMAGE
from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.indexes import (
    AllProjection,
    GlobalSecondaryIndex,
    KeysOnlyProjection,
    LocalSecondaryIndex,
)
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from conftest import REGION


class Address(MapAttribute):
    street = UnicodeAttribute()
    number = NumberAttribute(null=True)


class ByState(GlobalSecondaryIndex):
    class Meta:
        index_name = "by-state"
        projection = AllProjection()

    state = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(range_key=True)


class ByTotal(LocalSecondaryIndex):
    class Meta:
        index_name = "by-total"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(range_key=True)


@pytest.fixture(scope="module")
def order(cloud):
    """A model whose table is in the cloud."""

    class Order(Model):
        class Meta:
            table_name = "pynamodb-orders"
            host = cloud.endpoint
            region = REGION
            aws_access_key_id = cloud.access_key
            aws_secret_access_key = cloud.secret_key
            billing_mode = "PAY_PER_REQUEST"
            stream_view_type = STREAM_NEW_AND_OLD_IMAGE
            max_retry_attempts = 0

        customer = UnicodeAttribute(hash_key=True)
        number = NumberAttribute(range_key=True)
        state = UnicodeAttribute(default="open")
        total = NumberAttribute(default=0)
        lines = ListAttribute(default=list)
        tags = UnicodeSetAttribute(null=True)
        address = Address(null=True)
        extra = JSONAttribute(null=True)
        at = UTCDateTimeAttribute(null=True)
        ends = TTLAttribute(null=True)
        version = VersionAttribute()
        by_state = ByState()
        by_total = ByTotal()

    Order.create_table(wait=True)
    return Order


def test_an_object_comes_back_as_it_was_saved(order):
    made = order(
        "ada",
        1,
        total=19.5,
        lines=["a", 2, {"deep": [None, True]}],
        tags={"x", "y"},
        address=Address(street="Lane", number=7),
        extra={"k": [1, 2]},
    )
    made.save()
    found = order.get("ada", 1, consistent_read=True)
    assert found.attribute_values.keys() == made.attribute_values.keys()
    assert (found.total, found.tags, found.extra) == (19.5, {"x", "y"}, {"k": [1, 2]})
    assert found.lines == made.lines
    assert (found.address.street, found.address.number) == ("Lane", 7)
    assert found.version == 1
    with pytest.raises(order.DoesNotExist):
        order.get("ada", 99)


def test_versions_keep_writers_apart(order):
    order("bob", 1).save()
    mine, theirs = order.get("bob", 1), order.get("bob", 1)
    mine.update(actions=[order.total.set(5), order.tags.add({"t"})])
    assert (mine.total, mine.version) == (5, 2)
    theirs.total = 6
    with pytest.raises(PutError) as refused:
        theirs.save()
    assert refused.value.cause_response_code == "ConditionalCheckFailedException"
    with pytest.raises(UpdateError):
        theirs.update(actions=[order.total.set(7)])
    with pytest.raises(DeleteError):
        theirs.delete()
    mine.update(actions=[order.tags.remove(), order.total.set(order.total + 2)])
    assert (mine.total, mine.tags) == (7, None)
    mine.delete()
    with pytest.raises(order.DoesNotExist):
        mine.refresh()


def test_batches_queries_and_scans(order):
    with order.batch_write() as batch:
        for number in range(40):
            state = "open" if number % 3 else "done"
            batch.save(order("carl", number, state=state, total=number * 10))
    numbers = [one.number for one in order.query("carl", order.number.between(5, 14))]
    assert numbers == list(range(5, 15))
    backwards = order.query("carl", scan_index_forward=False, page_size=7)
    assert [one.number for one in backwards] == list(range(39, -1, -1))
    filtered = order.query("carl", filter_condition=(order.state == "done") & (order.total > 100))
    assert [one.number for one in filtered] == list(range(12, 40, 3))
    limited = order.query("carl", limit=3)
    assert [one.number for one in limited] == [0, 1, 2]
    assert limited.last_evaluated_key["number"] == {"N": "2"}
    done = order.by_state.query("done", order.total >= 300)
    assert [one.number for one in done] == [30, 33, 36, 39]
    local = order.by_total.query("carl", order.total < 30)
    assert [one.number for one in local] == [0, 1, 2]
    assert order.count("carl", order.number >= 10) == 30
    assert order.by_state.count("done") == 14
    keys = [("carl", number) for number in (1, 2, 99)]
    assert sorted(one.number for one in order.batch_get(keys)) == [1, 2]
    # A scan in parts finds each item in exactly one of them.
    mine = order.customer == "carl"
    parts = [
        [one.number for one in order.scan(mine, segment=segment, total_segments=4)]
        for segment in range(4)
    ]
    assert sorted(sum(parts, [])) == list(range(40))


def test_transactions(cloud, order):
    order("dora", 1, total=100).save()
    connection = Connection(
        REGION,
        cloud.endpoint,
        aws_access_key_id=cloud.access_key,
        aws_secret_access_key=cloud.secret_key,
    )
    with TransactWrite(connection=connection, client_request_token="moved") as transaction:
        transaction.save(order("dora", 2, total=40))
        first = order.get("dora", 1)
        transaction.update(first, actions=[order.total.add(-40)], condition=order.total >= 40)
    with TransactGet(connection=connection) as transaction:
        futures = [transaction.get(order, "dora", number) for number in (1, 2)]
    assert [future.get().total for future in futures] == [60, 40]
    with pytest.raises(TransactWriteError) as refused:
        with TransactWrite(connection=connection) as transaction:
            transaction.condition_check(order, "dora", 1, condition=order.total > 1000)
            transaction.save(order("dora", 3))
    assert [reason and reason.code for reason in refused.value.cancellation_reasons] == [
        "ConditionalCheckFailed",
        None,
    ]
    with pytest.raises(order.DoesNotExist):
        order.get("dora", 3)


def test_the_stream_has_told_of_it_all(cloud, order):
    order("eve", 1).save()
    arn = order.describe_table()["LatestStreamArn"]
    streams = cloud.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    at = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**at)["ShardIterator"]
    told = streams.get_records(ShardIterator=iterator)["Records"]
    images = [record["dynamodb"]["NewImage"] for record in told if record["eventName"] == "INSERT"]
    [image] = [image for image in images if image["customer"]["S"] == "eve"]
    found = order("x", 0)
    found.deserialize(image)
    assert (found.customer, found.number, found.version) == ("eve", 1, 1)
