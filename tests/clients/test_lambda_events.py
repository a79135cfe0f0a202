"""Lambda's asynchronous side: queued events, their destinations, and DynamoDB streams as an event
source. The functions are real ones; each writes down what it got in a table of its own."""

import json
import pathlib
import time

import pytest

from conftest import REGION, STREAM, create_table, refused
from test_lambda import PYTHON, TRUST, create, package

DEADLINE = 60

# What a function of these tests does is in the records it gets: `bad` ones fail.
HANDLER = """
import json, os, time, urllib.parse, uuid
from signing import Signer, post, target

def note(what):
    signer = Signer(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    item = {"pk": {"S": str(uuid.uuid4())}, "at": {"N": str(time.time_ns())},
            "what": {"S": json.dumps(what)}}
    body = json.dumps({"TableName": os.environ["SEEN"], "Item": item}).encode()
    headers = {**target("PutItem"), "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"]}
    host = urllib.parse.urlsplit(endpoint).netloc
    status, _, answer = post(endpoint, signer.sign(host, headers, body), body)
    assert status == 200, answer

def is_bad(record):
    return "bad" in record["dynamodb"].get("NewImage", {})

def handler(event, context):
    note(event)
    if "Records" not in event:
        if event.get("bad"):
            raise ValueError("as asked for")
        return {"thanks for": event}
    time.sleep(float(os.environ.get("PAUSE", "0")))
    bad = [record["dynamodb"]["SequenceNumber"] for record in event["Records"] if is_bad(record)]
    if os.environ.get("REPORTS"):
        return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
    if bad:
        raise ValueError("as asked for")
"""


def code():
    signing = pathlib.Path(__file__).with_name("signing.py").read_text()
    return package(index__py=HANDLER, signing__py=signing)


def until(look, what):
    """What `look` finds, once it is something."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE} s"
        time.sleep(0.1)


class App:
    """A table with a stream, a function, and the table in which it says what it got."""

    def __init__(self, cloud, name):
        self.cloud, self.name = cloud, name
        self.connect()
        self.bucket = f"letters-{name}".replace("_", "-").lower()[-63:].strip("-")
        self.role = f"role-{name}"[-60:]
        create_table(self.dynamodb, f"{name}-seen")
        created = create_table(self.dynamodb, name, StreamSpecification=STREAM)
        self.stream = created["LatestStreamArn"]

    def connect(self):
        self.lambda_ = self.cloud.client("lambda")
        self.dynamodb = self.cloud.client("dynamodb")
        self.s3 = self.cloud.client("s3")
        self.iam = self.cloud.client("iam")

    def make(self, **variables):
        role = self.iam.create_role(
            RoleName=self.role, AssumeRolePolicyDocument=json.dumps(TRUST)
        )["Role"]["Arn"]
        self.allow("dynamodb:*", "s3:PutObject", "s3:ListBucket", "lambda:InvokeFunction")
        environment = {"SEEN": f"{self.name}-seen", **variables}
        create(
            self.lambda_,
            self.name,
            role,
            code(),
            Timeout=30,
            Environment={"Variables": environment},
        )
        return self

    def allow(self, *actions):
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        self.iam.put_role_policy(
            RoleName=self.role,
            PolicyName="may",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def letters(self):
        """Makes the bucket for records of failures; its ARN."""
        self.s3.create_bucket(Bucket=self.bucket)
        return f"arn:aws:s3:::{self.bucket}"

    def read_letters(self):
        found = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        read = lambda key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return [(item["Key"], json.loads(read(item["Key"]))) for item in found]

    def map(self, **settings):
        request = {"StartingPosition": "TRIM_HORIZON", **settings}
        return self.lambda_.create_event_source_mapping(
            EventSourceArn=self.stream, FunctionName=self.name, **request
        )

    def put(self, pk, **attributes):
        texts = {name: {"S": str(value)} for name, value in attributes.items()}
        self.dynamodb.put_item(TableName=self.name, Item={"pk": {"S": pk}, **texts})

    def seen(self):
        """The events that the function got, in the order in which it did."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=f"{self.name}-seen", ConsistentRead=True
        )
        items = [item for page in pages for item in page["Items"]]
        items.sort(key=lambda item: int(item["at"]["N"]))
        return [json.loads(item["what"]["S"]) for item in items]

    def batches(self):
        """The same as lists of keys."""
        key = lambda record: record["dynamodb"]["Keys"]["pk"]["S"]
        return [[key(record) for record in event["Records"]] for event in self.seen()]

    def result(self, uuid):
        return self.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]


@pytest.fixture
def app(cloud, name):
    return App(cloud, name)


def flat(batches):
    return [key for batch in batches for key in batch]


def first_ones(keys):
    return list(dict.fromkeys(keys))


def invoke_later(app, event):
    answer = app.lambda_.invoke(
        FunctionName=app.name, InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202


def test_records_of_events_reach_a_function_and_a_bucket(cloud, app):
    app.make()
    listener = App(cloud, f"{app.name[:40]}-{app.name[-4:]}-listener").make()
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:{listener.name}"
    config = {
        "OnSuccess": {"Destination": arn},
        "OnFailure": {"Destination": app.letters()},
    }
    put = app.lambda_.put_function_event_invoke_config(
        FunctionName=app.name, MaximumRetryAttempts=0, DestinationConfig=config
    )
    assert put["DestinationConfig"] == config
    invoke_later(app, {"n": 1})
    [record] = until(listener.seen, "a record of a success")
    request_id = record["requestContext"]["requestId"]
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:{REGION}:000000000000:function:{app.name}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"thanks for": {"n": 1}},
    }
    invoke_later(app, {"bad": True})
    [(key, record)] = until(app.read_letters, "a record of a failure")
    assert key.startswith(f"aws/lambda/async/{app.name}/2")
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestPayload"] == {"bad": True}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorMessage"] == "as asked for"
    # A destination that is an empty text is taken away, the other stays.
    updated = app.lambda_.update_function_event_invoke_config(
        FunctionName=app.name, DestinationConfig={"OnSuccess": {"Destination": ""}}
    )
    assert updated["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": config["OnFailure"]}
    assert updated["MaximumRetryAttempts"] == 0


def test_a_function_that_is_shut_gives_its_events_up(app):
    app.make()
    app.lambda_.put_function_event_invoke_config(
        FunctionName=app.name, DestinationConfig={"OnFailure": {"Destination": app.letters()}}
    )
    app.lambda_.put_function_concurrency(FunctionName=app.name, ReservedConcurrentExecutions=0)
    invoke_later(app, {"n": 1})
    [(_, record)] = until(app.read_letters, "a record of a failure")
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert record["requestPayload"] == {"n": 1}
    assert app.seen() == []


def test_destinations_that_cannot_be_are_refused(app):
    app.make()

    def put(arn, when="OnFailure"):
        app.lambda_.put_function_event_invoke_config(
            FunctionName=app.name, DestinationConfig={when: {"Destination": arn}}
        )

    queue = f"arn:aws:sqs:{REGION}:000000000000:q"
    with refused(
        "NotImplementedException",
        f"Cumulet does not implement sqs:SendMessage, which {queue} as a destination needs.",
        status=501,
    ):
        put(queue)
    with refused("NotImplementedException", status=501):
        put(f"arn:aws:events:{REGION}:000000000000:event-bus/b")
    gone = f"arn:aws:lambda:{REGION}:000000000000:function:nobody"
    with refused("InvalidParameterValueException", f"The destination ARN {gone} is invalid."):
        put(gone)
    with refused("InvalidParameterValueException"):
        put(f"arn:aws:lambda:{REGION}:000000000000:function:{app.name}")
    letters = app.letters()
    with refused("InvalidParameterValueException", f"The destination ARN {letters} is invalid."):
        put(letters, "OnSuccess")
    app.allow("dynamodb:PutItem")
    with refused(
        "InvalidParameterValueException",
        f"The function's execution role does not have permissions to call ListBucket on {letters}",
    ):
        put(letters)
    with refused(
        "NotImplementedException",
        f"Cumulet does not implement sqs:SendMessage, which {queue} as a dead-letter queue needs.",
        status=501,
    ):
        app.lambda_.update_function_configuration(
            FunctionName=app.name, DeadLetterConfig={"TargetArn": queue}
        )


def test_no_event_is_lost_in_a_kill(fresh_cloud):
    app = App(fresh_cloud, "queued").make()
    for n in range(40):
        invoke_later(app, {"n": n})
    fresh_cloud.kill()
    fresh_cloud.restart()
    app.connect()
    got = lambda: {event["n"] for event in app.seen()}
    until(lambda: got() == set(range(40)), "all events")


def test_a_mapping_from_its_making_to_its_end(app):
    app.make()
    made = app.map(BatchSize=10, StartingPosition="LATEST", Tags={"team": "a"})
    uuid, arn = made["UUID"], made["EventSourceMappingArn"]
    assert made["State"] == "Creating" and made["StateTransitionReason"] == "User action"
    assert arn == f"arn:aws:lambda:{REGION}:000000000000:event-source-mapping:{uuid}"
    found = app.lambda_.get_event_source_mapping(UUID=uuid)
    assert found["State"] == "Enabled"
    assert found["LastProcessingResult"] == "No records processed"
    assert found["FunctionArn"].endswith(f":function:{app.name}")
    shown = {
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "BisectBatchOnFunctionError": False,
        "FunctionResponseTypes": [],
        "StartingPosition": "LATEST",
        "DestinationConfig": {"OnFailure": {}},
        "EventSourceArn": app.stream,
    }
    assert {name: found[name] for name in shown} == shown
    with refused("ResourceConflictException", status=409) as refusal:
        app.map()
    assert uuid in refusal.response["Error"]["Message"]
    lists = app.lambda_.list_event_source_mappings
    assert [one["UUID"] for one in lists(FunctionName=app.name)["EventSourceMappings"]] == [uuid]
    assert [one["UUID"] for one in lists(EventSourceArn=app.stream)["EventSourceMappings"]] == [uuid]
    assert lists(FunctionName="nobody")["EventSourceMappings"] == []
    app.lambda_.tag_resource(Resource=arn, Tags={"b": "2"})
    app.lambda_.untag_resource(Resource=arn, TagKeys=["team"])
    assert app.lambda_.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    app.put("one")
    until(lambda: app.batches() == [["one"]], "the first record")
    until(lambda: app.result(uuid) == "OK", "its result")

    stopped = app.lambda_.update_event_source_mapping(UUID=uuid, Enabled=False, BatchSize=2)
    assert stopped["State"] == "Disabling" and stopped["BatchSize"] == 2
    assert app.lambda_.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    # Nothing of this is lost, nor does anything come again.
    for pk in ["two", "three", "four"]:
        app.put(pk)
    assert app.lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    until(lambda: len(app.batches()) >= 3, "what came meanwhile")
    assert app.batches() == [["one"], ["two", "three"], ["four"]]
    assert app.lambda_.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    with refused("ResourceNotFoundException", status=404):
        app.lambda_.get_event_source_mapping(UUID=uuid)
    with refused("ResourceNotFoundException", status=404):
        app.lambda_.delete_event_source_mapping(UUID=uuid)
    # Another takes its place, from the beginning.
    app.map(BatchSize=10)
    until(lambda: app.batches()[3:] == [["one", "two", "three", "four"]], "all of it again")


def test_mappings_that_cannot_be_are_refused(app):
    app.make()
    client = app.lambda_

    def create_from(arn, **settings):
        settings = {"FunctionName": app.name, "StartingPosition": "LATEST", **settings}
        client.create_event_source_mapping(EventSourceArn=arn, **settings)

    queue = f"arn:aws:sqs:{REGION}:000000000000:q"
    with refused("NotImplementedException", status=501) as refusal:
        create_from(queue)
    assert "sqs:ReceiveMessage" in refusal.response["Error"]["Message"]
    with refused("NotImplementedException", status=501) as refusal:
        create_from(app.stream, TumblingWindowInSeconds=30)
    assert "TumblingWindowInSeconds" in refusal.response["Error"]["Message"]
    gone = app.stream.replace(app.name, "nobodys")
    with refused("InvalidParameterValueException", f"Stream not found: {gone}"):
        create_from(gone)
    with refused("ResourceNotFoundException", status=404):
        create_from(app.stream, FunctionName="nobody")
    with refused("InvalidParameterValueException"):
        create_from(app.stream, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1)
    with refused("InvalidParameterValueException") as refusal:
        filters = {"Filters": [{"Pattern": json.dumps({"eventName": "INSERT"})}]}
        create_from(app.stream, FilterCriteria=filters)
    assert refusal.response["Error"]["Message"].startswith("Invalid filter pattern definition.")
    app.allow("dynamodb:DescribeStream", "dynamodb:ListStreams", "dynamodb:GetShardIterator")
    with refused(
        "InvalidParameterValueException",
        f"Cannot access stream {app.stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
    ):
        create_from(app.stream)
    assert client.list_event_source_mappings(FunctionName=app.name)["EventSourceMappings"] == []


def test_records_come_as_aws_shapes_them_and_filters_choose(app):
    app.make()
    patterns = [
        {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": [{"prefix": "or"}]}}}},
        {"dynamodb": {"OldImage": {"kind": {"S": [{"anything-but": ["order"]}]}}}},
    ]
    filters = {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}
    app.put("a", kind="order")
    app.put("b", kind="note")
    app.put("a", kind="order", more="x")
    app.put("b", kind="note", more="x")
    app.put("c", kind="ornament")
    uuid = app.map(FilterCriteria=filters)["UUID"]
    until(lambda: len(flat(app.batches())) >= 3, "what passes the filters")
    app.dynamodb.delete_item(TableName=app.name, Key={"pk": {"S": "b"}})
    until(lambda: len(flat(app.batches())) >= 4, "what passes the filters")
    records = [record for event in app.seen() for record in event["Records"]]
    told = [(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in records]
    assert told == [("INSERT", "a"), ("MODIFY", "b"), ("INSERT", "c"), ("REMOVE", "b")]
    modified = records[1]
    assert set(modified) == {
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "dynamodb",
        "eventSourceARN",
    }
    assert modified["eventSourceARN"] == app.stream
    assert (modified["eventSource"], modified["awsRegion"]) == ("aws:dynamodb", REGION)
    assert modified["dynamodb"]["OldImage"] == {"pk": {"S": "b"}, "kind": {"S": "note"}}
    assert modified["dynamodb"]["NewImage"]["more"] == {"S": "x"}
    assert modified["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert isinstance(modified["dynamodb"]["ApproximateCreationDateTime"], int)
    found = app.lambda_.get_event_source_mapping(UUID=uuid)
    assert found["FilterCriteria"] == filters


def test_a_batch_waits_for_its_window(app):
    app.make()
    app.map(BatchSize=4, MaximumBatchingWindowInSeconds=300)
    for n in range(8):
        app.put(f"k{n}")
    # Two full ones at once, though the window is far from over.
    until(lambda: len(app.batches()) >= 2, "two full batches")
    assert app.batches() == [["k0", "k1", "k2", "k3"], ["k4", "k5", "k6", "k7"]]


def test_a_poisoned_record_is_found_by_halving_and_told_of(app):
    app.make()
    letters = app.letters()
    for n in range(16):
        app.put(f"k{n}", **({"bad": True} if n == 11 else {}))
    uuid = app.map(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": letters}},
    )["UUID"]
    [(key, record)] = until(app.read_letters, "a record of the poisoned one")
    until(lambda: len(set(flat(app.batches()))) == 16, "all others")
    until(lambda: app.result(uuid) == "OK", "the end")
    batches = app.batches()
    # Halved down to the one alone, which has its retry; then on.
    assert batches[0] == [f"k{n}" for n in range(16)]
    assert batches.count(["k11"]) == 2
    done = [batch for batch in batches if "k11" not in batch]
    assert flat(done) == [f"k{n}" for n in range(16) if n != 11]
    info = record["DDBStreamBatchInfo"]
    assert key.startswith(f"aws/lambda/{uuid}/{info['shardId']}/2")
    context = record["requestContext"]
    assert context["condition"] == "RetryAttemptsExhausted"
    assert context["approximateInvokeCount"] == 2
    assert context["functionArn"].endswith(f":function:{app.name}")
    assert record["version"] == "1.0" and info["batchSize"] == 1
    assert info["streamArn"] == app.stream
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    [lost] = json.loads(record["payload"])["Records"]
    assert lost["dynamodb"]["Keys"] == {"pk": {"S": "k11"}}
    assert lost["dynamodb"]["SequenceNumber"] == info["startSequenceNumber"]


def test_a_batch_is_tried_again_and_then_given_up(app):
    app.make()
    for pk in ["one", "two"]:
        app.put(pk, bad=True)
    uuid = app.map(MaximumRetryAttempts=2)["UUID"]
    until(lambda: len(app.batches()) >= 3, "three tries")
    until(lambda: app.result(uuid) == "PROBLEM: Function call failed", "the failure")
    app.put("three")
    until(lambda: app.result(uuid) == "OK", "the end of it")
    assert app.batches() == [["one", "two"]] * 3 + [["three"]]


def test_functions_report_which_records_failed(app):
    app.make(REPORTS="yes")
    letters = app.letters()
    for n in range(10):
        app.put(f"k{n}", **({"bad": True} if n in (3, 7) else {}))
    app.map(
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": letters}},
    )
    until(lambda: len(app.read_letters()) == 2, "both failures")
    until(lambda: "k9" in flat(app.batches()[1:]), "the last record")
    # What is before the first failure does not come again.
    batches = app.batches()
    assert batches[:2] == [[f"k{n}" for n in range(10)], [f"k{n}" for n in range(3, 10)]]
    assert flat(batches).count("k0") == flat(batches).count("k2") == 1
    lost = [json.loads(record["payload"])["Records"] for _, record in app.read_letters()]
    keys = {record["dynamodb"]["Keys"]["pk"]["S"] for [record] in lost}
    assert keys == {"k3", "k7"}


def versions(app, keys, count):
    for version in range(count):
        for key in range(keys):
            app.put(f"k{key}", version=version)


def in_order(app):
    """The versions of each item that the function saw, each when it did for the first time."""
    seen = {}
    for event in app.seen():
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            seen.setdefault(image["pk"]["S"], []).append(int(image["version"]["S"]))
    return {key: first_ones(each) for key, each in seen.items()}


def test_lanes_keep_the_order_of_each_item(app):
    app.make(PAUSE="0.02")
    uuid = app.map(BatchSize=5, ParallelizationFactor=4)["UUID"]
    versions(app, 12, 5)
    wanted = {f"k{key}": list(range(5)) for key in range(12)}
    until(lambda: in_order(app) == wanted, "every version of every item")
    # Other items fall to each of fewer lanes; none is lost.
    app.lambda_.update_event_source_mapping(UUID=uuid, ParallelizationFactor=2)
    for key in range(12):
        app.put(f"k{key}", version=5)
    wanted = {key: each + [5] for key, each in wanted.items()}
    until(lambda: in_order(app) == wanted, "one more version of each item")


def test_streams_go_on_after_a_kill(fresh_cloud):
    app = App(fresh_cloud, "streamed").make(PAUSE="0.05")
    for n in range(200):
        app.put(f"k{n:03}")
    app.map(BatchSize=5)
    until(lambda: len(app.batches()) >= 10, "a good part")
    fresh_cloud.kill()
    fresh_cloud.restart()
    app.connect()
    wanted = [f"k{n:03}" for n in range(200)]
    until(lambda: len(set(flat(app.batches()))) == 200, "the rest")
    keys = flat(app.batches())
    # All of it, in order; what was not yet known to be done came again, and nothing from before.
    assert first_ones(keys) == wanted
    assert len(keys) - 200 <= 5, keys


def test_a_stack_maps_a_stream_and_configures_events(cloud, name):
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Things": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
                },
            },
            "Letters": {"Type": "AWS::S3::Bucket"},
            "Listener": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": PYTHON,
                    "Handler": "index.handler",
                    "InlineCode": "def handler(event, context):\n    raise ValueError('never')\n",
                    "Events": {
                        "Changes": {
                            "Type": "DynamoDB",
                            "Properties": {
                                "Stream": {"Fn::GetAtt": ["Things", "StreamArn"]},
                                "StartingPosition": "TRIM_HORIZON",
                                "BatchSize": 7,
                                "MaximumRetryAttempts": 0,
                                "BisectBatchOnFunctionError": True,
                                "FilterCriteria": {
                                    "Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]
                                },
                                "DestinationConfig": {
                                    "OnFailure": {
                                        "Type": "S3",
                                        "Destination": {"Fn::GetAtt": ["Letters", "Arn"]},
                                    }
                                },
                            },
                        }
                    },
                    "EventInvokeConfig": {
                        "MaximumRetryAttempts": 1,
                        "MaximumEventAgeInSeconds": 120,
                    },
                },
            },
        },
        "Outputs": {
            name: {"Value": {"Ref": name}}
            for name in ("Things", "Letters", "Listener", "ListenerChanges")
        },
    }
    stacks, stack = cloud.client("cloudformation"), name.replace("_", "-")

    def apply(operation, waiter):
        operation(
            StackName=stack,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        wait = {"Delay": 1, "MaxAttempts": DEADLINE}
        stacks.get_waiter(waiter).wait(StackName=stack, WaiterConfig=wait)
        described = stacks.describe_stacks(StackName=stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    made = apply(stacks.create_stack, "stack_create_complete")
    lambda_ = cloud.client("lambda")
    mapping = lambda_.get_event_source_mapping(UUID=made["ListenerChanges"])
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (7, 0)
    config = lambda_.get_function_event_invoke_config(
        FunctionName=made["Listener"], Qualifier="$LATEST"
    )
    assert config["MaximumRetryAttempts"] == 1 and config["MaximumEventAgeInSeconds"] == 120
    cloud.client("dynamodb").put_item(TableName=made["Things"], Item={"pk": {"S": "a"}})
    s3 = cloud.client("s3")
    lost = until(
        lambda: s3.list_objects_v2(Bucket=made["Letters"]).get("Contents"), "a record of a failure"
    )
    changes = template["Resources"]["Listener"]["Properties"]["Events"]["Changes"]["Properties"]
    changes["BatchSize"] = 9
    del changes["MaximumRetryAttempts"]
    again = apply(stacks.update_stack, "stack_update_complete")
    assert again["ListenerChanges"] == made["ListenerChanges"]
    mapping = lambda_.get_event_source_mapping(UUID=made["ListenerChanges"])
    assert (mapping["BatchSize"], mapping["MaximumRetryAttempts"]) == (9, -1)
    s3.delete_object(Bucket=made["Letters"], Key=lost[0]["Key"])
    stacks.delete_stack(StackName=stack)
    wait = {"Delay": 1, "MaxAttempts": DEADLINE}
    stacks.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=wait)
    with refused("ResourceNotFoundException", status=404):
        lambda_.get_event_source_mapping(UUID=made["ListenerChanges"])
