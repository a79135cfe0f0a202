"""A disk that forgets or tears what was not synced, and one that is full, under a whole cloud.

`faults/unsynced.c` is preloaded into the process: kill -9 is then a power cut."""

import itertools
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from conftest import STREAM, Cloud, create_table

SOURCE = pathlib.Path(__file__).resolve().parent / "faults" / "unsynced.c"
ROUNDS = 12


@pytest.fixture(scope="module")
def layer(tmp_path_factory):
    """The file layer, built with the C compiler that the binary's own build needs as well."""
    built = tmp_path_factory.mktemp("faults") / "unsynced.so"
    subprocess.run(
        ["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o", built, SOURCE], check=True
    )
    return built


@pytest.fixture
def cloud_on(layer):
    """Starts a cloud on such a disk, with the layer's settings."""
    with tempfile.TemporaryDirectory(prefix="cumulet-test-") as folder:
        folder = os.path.realpath(folder)
        clouds = []

        def start(**settings):
            root = os.path.join(folder, "data")
            clouds.append(Cloud(folder, LD_PRELOAD=str(layer), UNSYNCED_ROOT=root, **settings))
            return clouds[-1]

        yield start
        for cloud in clouds:
            cloud.kill()


class Load:
    """Writers of items and objects, and what they were answered."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.numbers = itertools.count(1)
        self.items, self.objects = set(), {}
        dynamodb = cloud.client("dynamodb")
        create_table(dynamodb, "kept", indexes=INDEXES, StreamSpecification=STREAM)
        cloud.client("s3").create_bucket(Bucket="kept")

    def put_item(self, client, number):
        item = {"pk": {"S": f"item-{number}"}, "x": {"S": f"x-{number % 7}"}}
        client.put_item(TableName="kept", Item=item)
        self.items.add(item["pk"]["S"])

    def put_object(self, client, number):
        body = random.Random(number).randbytes(number * 7919 % 200_000)
        client.put_object(Bucket="kept", Key=f"object-{number}", Body=body)
        self.objects[f"object-{number}"] = body

    def answered(self):
        return len(self.items) + len(self.objects)

    def until_killed(self, seconds):
        """Writes for so long after the first answers, then kills the process."""

        def write(service, put):
            client = self.cloud.client(service)
            try:
                while True:
                    put(client, next(self.numbers))
            except (BotoCoreError, ClientError):
                pass

        work = [("dynamodb", self.put_item)] * 4 + [("s3", self.put_object)] * 2
        writers = [threading.Thread(target=write, args=one) for one in work]
        before = self.answered()
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 60
        while self.answered() < before + 10:
            assert time.monotonic() < deadline, "ten writes took more than a minute"
            time.sleep(0.005)
        time.sleep(seconds)
        self.cloud.kill()
        for writer in writers:
            writer.join()

    def check(self):
        """Everything that was answered is there, whole, and the index is its table."""
        client = self.cloud.client("dynamodb")

        def keys(**what):
            pages = client.get_paginator("scan").paginate(TableName="kept", **what)
            return {item["pk"]["S"] for page in pages for item in page["Items"]}

        found = keys(ConsistentRead=True)
        assert self.items <= found, f"lost {sorted(self.items - found)}"
        assert keys(IndexName="by-x") == found
        s3 = self.cloud.client("s3")
        for key, body in self.objects.items():
            assert s3.get_object(Bucket="kept", Key=key)["Body"].read() == body, key


INDEXES = [("by-x", "x:S", None, {"ProjectionType": "KEYS_ONLY"})]


def test_the_checker_finds_what_a_lying_disk_loses(cloud_on):
    load = Load(cloud_on(UNSYNCED_LIE="1"))
    load.until_killed(0.2)
    with pytest.raises((AssertionError, ClientError, RuntimeError)):
        load.cloud.restart()
        load.check()


def test_power_cuts_lose_nothing_that_was_answered(cloud_on):
    load = Load(cloud_on(UNSYNCED_TEAR="3"))
    moments = random.Random(4566)
    for _ in range(ROUNDS):
        load.until_killed(moments.uniform(0, 0.3))
        load.cloud.verify()
        load.cloud.restart()
        load.check()


def soon(work):
    """Does it as soon as it is not refused: the store is opened anew after a failed write."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return work()
        except ClientError:
            assert time.monotonic() < deadline, "refused for half a minute"
            time.sleep(0.05)


def test_a_full_disk_refuses_writes_and_loses_nothing(cloud_on, tmp_path):
    full = tmp_path / "full"
    load = Load(cloud_on(UNSYNCED_FULL=str(full)))
    dynamodb, s3 = load.cloud.client("dynamodb"), load.cloud.client("s3")
    for number in range(1, 6):
        load.put_item(dynamodb, number)
        load.put_object(s3, number)
    for _ in range(3):
        full.touch()
        for client, put in [(dynamodb, load.put_item), (s3, load.put_object)]:
            with pytest.raises(ClientError) as refusal:
                put(client, 99)
            answer = refusal.value.response
            assert answer["ResponseMetadata"]["HTTPStatusCode"] in (500, 503), answer
        load.check()
        full.unlink()
        for client, put in [(dynamodb, load.put_item), (s3, load.put_object)]:
            soon(lambda: put(client, next(load.numbers) + 5))
    full.touch()
    assert load.cloud.process.poll() is None
    load.cloud.kill()
    full.unlink()
    load.cloud.verify()
    load.cloud.restart()
    load.check()
