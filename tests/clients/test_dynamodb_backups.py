"""Backups and point-in-time recovery, by boto3; killed midway, and while others write."""

import datetime
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from conftest import create_table, refused

SECONDS = 60


def wait(done, seconds=SECONDS):
    """What `done` gives once that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come about")


def back_up(client, table):
    return client.create_backup(TableName=table, BackupName="kept")["BackupDetails"]["BackupArn"]


def available(client, arn):
    def done():
        found = client.describe_backup(BackupArn=arn)["BackupDescription"]
        return found["BackupDetails"]["BackupStatus"] == "AVAILABLE" and found

    return wait(done)


def active(client, table):
    def done():
        found = client.describe_table(TableName=table)["Table"]
        return found["TableStatus"] == "ACTIVE" and found

    return wait(done)


def everything(client, table):
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["pk"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}


def fill(client, table, count, value):
    for start in range(0, count, 25):
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": str(n)}, "v": {"S": value}}}}
            for n in range(start, min(start + 25, count))
        ]
        client.batch_write_item(RequestItems={table: puts})


def recover(client, table, on=True):
    client.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
    )


def test_a_backup_outlives_its_table(dynamodb, table):
    fill(dynamodb, table, 60, "old")
    arn = back_up(dynamodb, table)
    fill(dynamodb, table, 30, "new")
    source = available(dynamodb, arn)["SourceTableDetails"]
    assert source["ItemCount"] == 60 and source["TableName"] == table
    dynamodb.delete_table(TableName=table)
    assert [one["BackupArn"] for one in backups(dynamodb, TableName=table)] == [arn]
    restored = f"{table}-again"
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1}
    answer = dynamodb.restore_table_from_backup(
        TargetTableName=restored,
        BackupArn=arn,
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride=units,
    )["TableDescription"]
    assert answer["TableStatus"] == "CREATING"
    assert answer["RestoreSummary"]["SourceBackupArn"] == arn
    described = active(dynamodb, restored)
    assert "RestoreSummary" not in described
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 2
    assert everything(dynamodb, restored) == {str(n): "old" for n in range(60)}
    dynamodb.delete_backup(BackupArn=arn)
    with refused("BackupNotFoundException", f"Backup not found: {arn}"):
        dynamodb.describe_backup(BackupArn=arn)


def backups(client, **filters):
    pages = client.get_paginator("list_backups").paginate(
        **filters, PaginationConfig={"PageSize": 2}
    )
    return [one for page in pages for one in page["BackupSummaries"]]


def test_backups_are_listed_page_by_page(dynamodb, table):
    arns = [back_up(dynamodb, table) for _ in range(5)]
    for arn in arns:
        available(dynamodb, arn)
    found = backups(dynamodb, TableName=table)
    assert [one["BackupArn"] for one in found] == sorted(arns)
    since = found[3]["BackupCreationDateTime"]
    later = backups(dynamodb, TableName=table, TimeRangeLowerBound=since)
    # boto3 sends whole seconds.
    assert later[-1] == found[-1] and len(later) >= 2
    assert backups(dynamodb, TableName=table, BackupType="SYSTEM") == []


def test_a_table_is_restored_to_a_second(dynamodb, table):
    fill(dynamodb, table, 10, "before")
    recover(dynamodb, table)
    described = dynamodb.describe_continuous_backups(TableName=table)
    recovery = described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert recovery["RecoveryPeriodInDays"] == 35
    earliest = recovery["EarliestRestorableDateTime"]
    # The next whole second after the writes that are to be there, and before those that are not.
    second = max(int(time.time()) + 1, int(earliest.timestamp()))
    while time.time() < second + 0.1:
        time.sleep(0.05)
    fill(dynamodb, table, 5, "after")
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "9"}})
    then, now = f"{table}-then", f"{table}-now"
    moment = datetime.datetime.fromtimestamp(second, datetime.UTC)
    restore = dynamodb.restore_table_to_point_in_time
    restore(SourceTableName=table, TargetTableName=then, RestoreDateTime=moment)
    restore(SourceTableName=table, TargetTableName=now, UseLatestRestorableTime=True)
    active(dynamodb, then)
    active(dynamodb, now)
    assert everything(dynamodb, then) == {str(n): "before" for n in range(10)}
    changed = {str(n): "after" if n < 5 else "before" for n in range(9)}
    assert everything(dynamodb, now) == changed == everything(dynamodb, table)
    for wrong in (earliest - datetime.timedelta(hours=1), moment + datetime.timedelta(hours=1)):
        with refused("InvalidRestoreTimeException"):
            restore(SourceTableName=table, TargetTableName=f"{table}-x", RestoreDateTime=wrong)
    recover(dynamodb, table, on=False)
    with refused("PointInTimeRecoveryUnavailableException"):
        restore(SourceTableName=table, TargetTableName=f"{table}-x", RestoreDateTime=moment)


def test_a_template_switches_recovery_on(cloud, dynamodb, name):
    body = """{"Transform": "AWS::Serverless-2016-10-31", "Resources": {
        "Plain": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST", "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 9}}},
        "Simple": {"Type": "AWS::Serverless::SimpleTable", "Properties": {
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}}}}}"""
    stacks = cloud.client("cloudformation")
    stack = name.replace("_", "-").replace(".", "-")
    stacks.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    stacks.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": SECONDS}
    )
    for resource, days in (("Plain", 9), ("Simple", 35)):
        found = stacks.describe_stack_resource(StackName=stack, LogicalResourceId=resource)
        table = found["StackResourceDetail"]["PhysicalResourceId"]
        described = dynamodb.describe_continuous_backups(TableName=table)
        recovery = described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert recovery["RecoveryPeriodInDays"] == days, resource


class Writers:
    """Threads that keep the two halves of each pair of items the same, by transactions."""

    PAIRS = 40

    def __init__(self, cloud, table):
        self._cloud, self._table, self._stopped = cloud, table, threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(2)]
        for thread in self._threads:
            thread.start()

    def _write(self, number):
        client, count = self._cloud.client("dynamodb"), 0
        while not self._stopped.is_set():
            count += 1
            pair = (count * 7 + number) % self.PAIRS
            puts = [
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": {
                            "pk": {"S": f"{pair}-{half}"},
                            "v": {"S": f"{number} {count}"},
                        },
                    }
                }
                for half in ("left", "right")
            ]
            try:
                client.transact_write_items(TransactItems=puts)
            except (ClientError, BotoCoreError):
                # Killed: what was not answered is there whole or not at all.
                client = self._cloud.client("dynamodb")
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def check_pairs(items):
    for pair in range(Writers.PAIRS):
        assert items.get(f"{pair}-left") == items.get(f"{pair}-right"), pair


@pytest.mark.parametrize("what", ["backup", "moment"])
def test_killed_midway_while_others_write(fresh_cloud, what):
    """Copies that are killed on their way go on, have what was there when they were asked for, and
    no transaction in part."""
    client = fresh_cloud.client("dynamodb")
    create_table(client, "things")
    fill(client, "things", 4000, "x" * 200)
    recover(client, "things")
    with Writers(fresh_cloud, "things"):
        wait(lambda: "0-left" in everything(client, "things"))
        if what == "backup":
            arn = back_up(client, "things")
            fresh_cloud.kill()
            fresh_cloud.restart()
            client = fresh_cloud.client("dynamodb")
            details = available(client, arn)["SourceTableDetails"]
            assert details["ItemCount"] >= 4000
            client.restore_table_from_backup(TargetTableName="copy", BackupArn=arn)
        else:
            client.restore_table_to_point_in_time(
                SourceTableName="things", TargetTableName="copy", UseLatestRestorableTime=True
            )
        fresh_cloud.kill()
        fresh_cloud.restart()
        client = fresh_cloud.client("dynamodb")
        active(client, "copy")
    copy = everything(client, "copy")
    assert sum(1 for key in copy if "-" not in key) == 4000
    check_pairs(copy)
    check_pairs(everything(client, "things"))
    client.delete_table(TableName="things")
    fresh_cloud.terminate()
    assert "all agree" in fresh_cloud.verify()
