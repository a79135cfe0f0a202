"""What was answered stays: after a clean end, after kill -9, after kill -9 under load."""

import itertools
import random
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from conftest import STREAM, create_table, refused


def put(client, number):
    client.put_item(TableName="kept", Item={"pk": {"S": f"item-{number}"}})


def kept(client):
    pages = client.get_paginator("scan").paginate(TableName="kept", ConsistentRead=True)
    return {item["pk"]["S"] for page in pages for item in page["Items"]}


def test_everything_is_there_after_a_clean_end(fresh_cloud):
    create_table(fresh_cloud.client("dynamodb"), "kept")
    put(fresh_cloud.client("dynamodb"), 1)
    assert fresh_cloud.terminate() == 0
    fresh_cloud.restart()
    assert kept(fresh_cloud.client("dynamodb")) == {"item-1"}


def test_everything_is_there_after_kill_9(fresh_cloud):
    client = fresh_cloud.client("dynamodb")
    indexes = [("by-x", "x:S", None, {"ProjectionType": "ALL"})]
    create_table(client, "kept", indexes=indexes, StreamSpecification=STREAM)
    for number in range(20):
        put(client, number)
    client.delete_item(TableName="kept", Key={"pk": {"S": "item-7"}})
    fresh_cloud.kill()
    assert "1 tables, 19 items, 0 index entries, 1 streams, 21 stream records" in fresh_cloud.verify()
    fresh_cloud.restart()
    client = fresh_cloud.client("dynamodb")
    assert kept(client) == {f"item-{number}" for number in range(20)} - {"item-7"}
    with refused("ResourceInUseException", "Table already exists: kept"):
        create_table(client, "kept")


ROUNDS = 20
WRITERS = 8


def load(cloud, number_of, answered, stop):
    """Puts new items until the cloud is gone; notes what was answered."""

    def write(writer):
        client = cloud.client("dynamodb")
        while not stop.is_set():
            number = next(number_of)
            item = {"pk": {"S": f"item-{number}"}, "x": {"S": f"x-{number % 7}"}}
            try:
                client.put_item(TableName="kept", Item=item)
            except (BotoCoreError, ClientError):
                return
            answered.add(item["pk"]["S"])

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    return writers


def test_what_was_answered_under_load_is_there_after_kill_9(fresh_cloud):
    indexes = [("by-x", "x:S", None, {"ProjectionType": "KEYS_ONLY"})]
    client = fresh_cloud.client("dynamodb")
    create_table(client, "kept", indexes=indexes, StreamSpecification=STREAM)
    numbers, answered, unanswered = itertools.count(1), set(), 0
    moments = random.Random(4566)
    for round in range(ROUNDS):
        before, stop = len(answered), threading.Event()
        writers = load(fresh_cloud, numbers, answered, stop)
        deadline = time.monotonic() + 60
        while len(answered) < before + 10:
            assert time.monotonic() < deadline, "ten writes took more than a minute"
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.2))
        fresh_cloud.kill()
        stop.set()
        for writer in writers:
            writer.join()
        unanswered += WRITERS
        fresh_cloud.verify()
        fresh_cloud.restart()
        client = fresh_cloud.client("dynamodb")
        found = kept(client)
        assert answered <= found, f"round {round} lost {sorted(answered - found)}"
        # One write of each writer was under way and may or may not be there.
        assert len(found - answered) <= unanswered
        pages = client.get_paginator("scan").paginate(TableName="kept", IndexName="by-x")
        indexed = {item["pk"]["S"] for page in pages for item in page["Items"]}
        assert indexed == found, f"round {round}: the index is not its table"
