"""DynamoDB Streams, by boto3's own client for them."""

import json
import time

import pytest
from boto3.dynamodb.types import TypeDeserializer

from conftest import REGION, create_table, refused, running_cloud

VIEWS = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
WAIT = {"Delay": 1, "MaxAttempts": 120}


def stream(view):
    return {"StreamEnabled": True, "StreamViewType": view}


@pytest.fixture(scope="module")
def streams(cloud):
    return cloud.client("dynamodbstreams")


def latest(dynamodb, table):
    return dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]


def records(streams, arn):
    """Everything in the stream, parents before their children, and whether it goes on."""
    found, open_shards = [], []
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    for shard in described["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            found += page["Records"]
            iterator = page.get("NextShardIterator")
            if iterator and not page["Records"]:
                open_shards.append(shard["ShardId"])
                break
    return found, bool(open_shards)


def told(record):
    read = TypeDeserializer().deserialize
    images = [record["dynamodb"].get(name) for name in ("Keys", "OldImage", "NewImage")]
    plain = [image and {name: read(value) for name, value in image.items()} for image in images]
    return [record["eventName"], *plain]


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_written_in_every_way_is_told(cloud, dynamodb, streams, name, view):
    create_table(dynamodb, name, range_key="sk:N", StreamSpecification=stream(view))
    table = cloud.resource("dynamodb").Table(name)
    key = {"pk": "a", "sk": 1}
    table.put_item(Item={**key, "x": 2})
    table.put_item(Item={**key, "x": 2})
    table.update_item(
        Key=key, UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": "new"}
    )
    table.update_item(
        Key=key, UpdateExpression="SET y = :y", ExpressionAttributeValues={":y": "new"}
    )
    with table.batch_writer() as batch:
        batch.put_item(Item={**key, "z": {1, 2}})
    write = {"Delete": {"TableName": name, "Key": {"pk": {"S": "a"}, "sk": {"N": "1"}}}}
    dynamodb.transact_write_items(TransactItems=[write])
    table.delete_item(Key=key)
    table.update_item(Key=key, UpdateExpression="REMOVE nothing")
    where = "WHERE pk = 'a' AND sk = 1"
    dynamodb.execute_statement(Statement=f'UPDATE "{name}" SET w = true {where}')
    dynamodb.execute_transaction(
        TransactStatements=[{"Statement": f'DELETE FROM "{name}" {where}'}]
    )
    images = [
        None,
        {**key, "x": 2},
        {**key, "x": 2, "y": "new"},
        {**key, "z": {1, 2}},
        None,
        key,
        {**key, "w": True},
        None,
    ]
    events = ["INSERT", "MODIFY", "MODIFY", "REMOVE", "INSERT", "MODIFY", "REMOVE"]
    expected = [
        [
            event,
            key,
            old if "OLD" in view else None,
            new if "NEW" in view else None,
        ]
        for event, old, new in zip(events, images, images[1:])
    ]
    found, goes_on = records(streams, latest(dynamodb, name))
    assert [told(record) for record in found] == expected
    assert goes_on
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in found]
    assert numbers == list(range(numbers[0], numbers[0] + len(events)))
    for record in found:
        assert record["awsRegion"] == REGION
        assert record["eventSource"] == "aws:dynamodb"
        assert record["dynamodb"]["StreamViewType"] == view
        assert abs(record["dynamodb"]["ApproximateCreationDateTime"].timestamp() - time.time()) < 60
        assert "userIdentity" not in record
    assert len({record["eventID"] for record in found}) == len(events)


def test_a_stream_goes_on_where_it_was_and_ends_when_it_is_off(dynamodb, streams, table):
    assert "LatestStreamArn" not in dynamodb.describe_table(TableName=table)["Table"]
    enable = {"TableName": table, "StreamSpecification": stream("KEYS_ONLY")}
    description = dynamodb.update_table(**enable)["TableDescription"]
    assert description["StreamSpecification"] == stream("KEYS_ONLY")
    arn = description["LatestStreamArn"]
    assert arn.endswith(f":table/{table}/stream/{description['LatestStreamLabel']}")
    with refused("ValidationException", f"Table already has an enabled stream: TableName: {table}"):
        dynamodb.update_table(**enable)
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "ENABLED"
    assert described["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    [shard] = described["Shards"]
    assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    at = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    iterator = streams.get_shard_iterator(**at, ShardIteratorType="LATEST")["ShardIterator"]
    for number in range(3):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": f"{number}"}})
        page = streams.get_records(ShardIterator=iterator)
        keys = [record["dynamodb"]["Keys"] for record in page["Records"]]
        assert keys == [{"pk": {"S": f"{number}"}}]
        iterator = page["NextShardIterator"]
    number = page["Records"][0]["dynamodb"]["SequenceNumber"]
    for kind, left in [("AT_SEQUENCE_NUMBER", 1), ("AFTER_SEQUENCE_NUMBER", 0)]:
        there = streams.get_shard_iterator(**at, ShardIteratorType=kind, SequenceNumber=number)
        assert len(streams.get_records(ShardIterator=there["ShardIterator"])["Records"]) == left
    disable = {"TableName": table, "StreamSpecification": {"StreamEnabled": False}}
    description = dynamodb.update_table(**disable)["TableDescription"]
    assert "StreamSpecification" not in description
    assert description["LatestStreamArn"] == arn
    with refused("ValidationException", f"Table has no stream to disable: TableName: {table}"):
        dynamodb.update_table(**disable)
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "untold"}})
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert described["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"] == number
    assert "NextShardIterator" not in streams.get_records(ShardIterator=iterator)
    assert len(records(streams, arn)[0]) == 3
    again = dynamodb.update_table(**enable)["TableDescription"]["LatestStreamArn"]
    listed = streams.list_streams(TableName=table)["Streams"]
    assert [one["StreamArn"] for one in listed] == [arn, again]
    dynamodb.delete_table(TableName=table)
    assert streams.describe_stream(StreamArn=again)["StreamDescription"]["StreamStatus"] == "DISABLED"


def test_refusals(dynamodb, streams, name):
    create_table(dynamodb, name, StreamSpecification=stream("NEW_IMAGE"))
    arn = latest(dynamodb, name)
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    at = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    gone = arn.replace(name, "gone")
    message = f"Requested resource not found: Stream: {gone} not found"
    with refused("ResourceNotFoundException", message):
        streams.describe_stream(StreamArn=gone)
    with refused("ResourceNotFoundException", message):
        streams.get_shard_iterator(**{**at, "StreamArn": gone}, ShardIteratorType="LATEST")
    message = "Requested resource not found: Shard does not exist"
    with refused("ResourceNotFoundException", message):
        streams.get_shard_iterator(StreamArn=arn, ShardId="x" * 40, ShardIteratorType="LATEST")
    with refused("ValidationException"):
        streams.describe_stream(StreamArn="x" * 40)
    with refused("ValidationException"):
        streams.get_shard_iterator(**at, ShardIteratorType="AT_SEQUENCE_NUMBER")
    with refused("ValidationException"):
        streams.get_shard_iterator(**at, ShardIteratorType="LATEST", SequenceNumber="1" * 21)
    with refused("ValidationException"):
        streams.get_shard_iterator(**at, ShardIteratorType="SOON")
    with refused("ValidationException", "Invalid ShardIterator"):
        streams.get_records(ShardIterator="x" * 40)
    with refused("ValidationException"):
        dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": True})
    described = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId="z" * 40)
    assert described["StreamDescription"]["Shards"] == []


def test_a_reader_needs_leave_for_the_stream(cloud, dynamodb, streams, name):
    create_table(dynamodb, name, StreamSpecification=stream("NEW_IMAGE"))
    arn = latest(dynamodb, name)
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    reader = cloud.client(
        "dynamodbstreams",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["dynamodb:DescribeStream", "dynamodb:GetShardIterator"],
                "Resource": arn.split("/stream/")[0] + "/stream/*",
            },
            {
                "Effect": "Allow",
                "Action": "dynamodb:ListStreams",
                "Resource": "arn:aws:dynamodb:*:*:table/*/stream/*",
            },
        ],
    }
    iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(allow))
    [shard] = reader.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    assert arn in [one["StreamArn"] for one in reader.list_streams()["Streams"]]
    iterator = reader.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
    )["ShardIterator"]
    with refused("AccessDeniedException"):
        reader.get_records(ShardIterator=iterator)
    with refused("AccessDeniedException"):
        reader.describe_stream(StreamArn=arn.replace(name, "other"))


TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
            },
        },
    },
    "Outputs": {
        "Arn": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}},
        "Name": {"Value": {"Ref": "Table"}},
    },
}


def test_a_stack_makes_a_stream_and_changes_it(cloud, dynamodb, streams):
    stacks = cloud.client("cloudformation")

    def outputs():
        found = stacks.describe_stacks(StackName="streamed")["Stacks"][0]["Outputs"]
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    capabilities = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]}
    stacks.create_stack(
        StackName="streamed", TemplateBody=json.dumps(TEMPLATE), **capabilities
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="streamed", WaiterConfig=WAIT)
    first = outputs()
    dynamodb.put_item(TableName=first["Name"], Item={"pk": {"S": "a"}})
    [record] = records(streams, first["Arn"])[0]
    assert record["dynamodb"]["NewImage"] == {"pk": {"S": "a"}}
    changed = json.loads(json.dumps(TEMPLATE))
    table = changed["Resources"]["Table"]["Properties"]
    table["StreamSpecification"] = {"StreamViewType": "KEYS_ONLY"}
    stacks.update_stack(StackName="streamed", TemplateBody=json.dumps(changed), **capabilities)
    stacks.get_waiter("stack_update_complete").wait(StackName="streamed", WaiterConfig=WAIT)
    second = outputs()
    assert second["Name"] == first["Name"] and second["Arn"] != first["Arn"]
    described = streams.describe_stream(StreamArn=second["Arn"])["StreamDescription"]
    assert described["StreamViewType"] == "KEYS_ONLY"
    assert len(records(streams, first["Arn"])[0]) == 1


def test_time_to_live_is_seen_as_the_services_own_doing():
    # A cloud of its own: the first walk through a table begins when its setting is made.
    with running_cloud() as cloud:
        dynamodb, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
        create_table(dynamodb, "ends", StreamSpecification=stream("OLD_IMAGE"))
        over = {"pk": {"S": "a"}, "at": {"N": str(int(time.time()) - 10)}}
        dynamodb.put_item(TableName="ends", Item=over)
        setting = {"Enabled": True, "AttributeName": "at"}
        dynamodb.update_time_to_live(TableName="ends", TimeToLiveSpecification=setting)
        deadline = time.monotonic() + 60
        while True:
            found, _ = records(streams, latest(dynamodb, "ends"))
            if len(found) == 2:
                break
            assert time.monotonic() < deadline, "the item is still there"
            time.sleep(0.1)
        assert told(found[1])[0] == "REMOVE"
        assert found[1]["dynamodb"]["OldImage"] == over
        identity = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
        assert found[1]["userIdentity"] == identity
