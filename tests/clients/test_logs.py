"""CloudWatch Logs: groups, streams, events and searches, as agents and people use them."""

import json
import time

import pytest

from conftest import refused


@pytest.fixture(scope="session")
def logs(cloud):
    return cloud.client("logs")


@pytest.fixture
def group(logs, name):
    """A log group of this test's own."""
    logs.create_log_group(logGroupName=name)
    return name


def now():
    return int(time.time() * 1000)


def put(logs, group, stream, *messages, since=None):
    """Puts messages a millisecond apart."""
    since = since or now()
    events = [{"timestamp": since + n, "message": text} for n, text in enumerate(messages)]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def texts(answer):
    return [event["message"] for event in answer["events"]]


def filtered(logs, group, pattern, **more):
    paginator = logs.get_paginator("filter_log_events")
    pages = paginator.paginate(logGroupName=group, filterPattern=pattern, **more)
    return [text for page in pages for text in texts(page)]


def test_a_group_is_made_described_and_deleted(logs, name):
    logs.create_log_group(logGroupName=name, tags={"team": "shop"})
    with refused("ResourceAlreadyExistsException", "The specified log group already exists"):
        logs.create_log_group(logGroupName=name)
    [described] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert described["logGroupName"] == name
    assert described["arn"] == described["logGroupArn"] + ":*"
    assert abs(described["creationTime"] - now()) < 60_000
    assert "retentionInDays" not in described
    assert logs.list_tags_log_group(logGroupName=name)["tags"] == {"team": "shop"}
    arn = described["logGroupArn"]
    logs.tag_resource(resourceArn=arn, tags={"stage": "dev"})
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "dev"}
    logs.delete_log_group(logGroupName=name)
    with refused("ResourceNotFoundException", "The specified log group does not exist."):
        logs.delete_log_group(logGroupName=name)


def test_groups_are_listed_in_pages(fresh_cloud):
    logs = fresh_cloud.client("logs")
    names = [f"group-{n:03}" for n in range(120)]
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = list(logs.get_paginator("describe_log_groups").paginate())
    assert [len(page["logGroups"]) for page in pages] == [50, 50, 20]
    assert [g["logGroupName"] for page in pages for g in page["logGroups"]] == names


def test_an_agent_makes_its_stream_when_it_is_told_that_there_is_none(logs, group):
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        put(logs, group, "s", "x")
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    answer = put(logs, group, "s", "x")
    assert len(answer["nextSequenceToken"]) == 56
    assert "rejectedLogEventsInfo" not in answer
    assert texts(logs.get_log_events(logGroupName=group, logStreamName="s")) == ["x"]


def test_events_of_a_wrong_time_are_left_out_and_said(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    day = 24 * 3600 * 1000
    times = [now() - 15 * day, now(), now() + 3 * 3600 * 1000]
    events = [{"timestamp": at, "message": str(n)} for n, at in enumerate(times)]
    answer = logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "tooNewLogEventStartIndex": 2,
    }
    assert texts(logs.get_log_events(logGroupName=group, logStreamName="s")) == ["1"]


def test_batches_over_a_limit_are_refused(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    with refused(
        "InvalidParameterException", "Upload too large: 1048598 bytes exceeds limit of 1048576"
    ):
        put(logs, group, "s", "x" * 524_273, "x" * 524_273)
    put(logs, group, "s", "x" * (1_048_576 - 26))
    events = [{"timestamp": now(), "message": "x"}] * 10_001
    with refused("InvalidParameterException"):
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def test_a_stream_is_read_forward_and_backward(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    put(logs, group, "s", *[str(n) for n in range(25)])
    arguments = {"logGroupName": group, "logStreamName": "s", "limit": 10}
    seen, token = [], {}
    while True:
        answer = logs.get_log_events(**arguments, startFromHead=True, **token)
        seen += texts(answer)
        if token == {"nextToken": answer["nextForwardToken"]}:
            break
        token = {"nextToken": answer["nextForwardToken"]}
    assert seen == [str(n) for n in range(25)]
    tail = logs.get_log_events(**arguments)
    assert texts(tail) == [str(n) for n in range(15, 25)]
    before = logs.get_log_events(**arguments, nextToken=tail["nextBackwardToken"])
    assert texts(before) == [str(n) for n in range(5, 15)]
    back = logs.get_log_events(**arguments, nextToken=before["nextForwardToken"])
    assert texts(back) == texts(tail)


def test_a_search_covers_all_streams(logs, group):
    start = now()
    for n in range(5):
        stream = f"2026/11/21/[$LATEST]{n}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        error = json.dumps({"level": "ERROR", "status": 500 + n, "path": f"/orders/{n}"})
        put(logs, group, stream, f"START {n}", error, f"END {n}", since=start + n * 10)
    assert filtered(logs, group, "END") == [f"END {n}" for n in range(5)]
    assert filtered(logs, group, "?START ?END -1", PaginationConfig={"PageSize": 3}) == [
        f"{word} {n}" for n in (0, 2, 3, 4) for word in ("START", "END")
    ]
    matched = filtered(logs, group, '{ $.level = "ERROR" && $.status >= 503 }')
    assert [json.loads(text)["status"] for text in matched] == [503, 504]
    assert len(filtered(logs, group, '{ $.path = "/orders/*" }')) == 5
    assert filtered(logs, group, "[word = START, n = 3]") == ["START 3"]
    assert filtered(logs, group, "%END [01]%") == ["END 0", "END 1"]
    prefixed = filtered(logs, group, "END", logStreamNamePrefix="2026/11/21/[$LATEST]3")
    assert prefixed == ["END 3"]
    with refused("InvalidParameterException", "Invalid filter pattern"):
        filtered(logs, group, "{ $.level = ")


def test_streams_are_listed_by_their_last_events(logs, group):
    for n, stream in enumerate(["b", "c", "a"]):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        put(logs, group, stream, "x", since=now() + n * 1000)
    newest = logs.describe_log_streams(
        logGroupName=group, orderBy="LastEventTime", descending=True, limit=2
    )
    assert [stream["logStreamName"] for stream in newest["logStreams"]] == ["a", "c"]
    by_name = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [stream["logStreamName"] for stream in by_name] == ["a", "b", "c"]
    logs.delete_log_stream(logGroupName=group, logStreamName="a")
    left = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert [stream["logStreamName"] for stream in left] == ["b", "c"]


def test_retention_is_one_of_the_known_lengths(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=14)
    described = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert described["retentionInDays"] == 14
    with refused("InvalidParameterException"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=13)
    logs.delete_retention_policy(logGroupName=group)
    described = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert "retentionInDays" not in described


def test_what_was_answered_survives_kill_9(fresh_cloud):
    logs = fresh_cloud.client("logs")
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    for n in range(20):
        put(logs, "g", "s", str(n))
    fresh_cloud.kill()
    fresh_cloud.restart()
    logs = fresh_cloud.client("logs")
    assert filtered(logs, "g", "") == [str(n) for n in range(20)]
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"a": "1"}


def test_a_role_may_write_to_its_own_group_only(cloud, name):
    """The `:*` form of the ARN, as Lambda's roles have it."""
    iam, logs = cloud.client("iam"), cloud.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_group(logGroupName=name + "-other")
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]
    assert arn.endswith(name + ":*")
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = cloud.client(
        "logs",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    own.create_log_stream(logGroupName=name, logStreamName="s")
    put(own, name, "s", "x")
    with refused("AccessDeniedException") as refusal:
        own.create_log_stream(logGroupName=name + "-other", logStreamName="s")
    message = refusal.response["Error"]["Message"]
    assert f"logs:CreateLogStream on resource: {arn[:-2]}-other:log-stream:s" in message
    with refused("AccessDeniedException"):
        own.get_log_events(logGroupName=name, logStreamName="s")
