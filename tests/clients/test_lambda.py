"""Functions: made, run, changed, shared, and there again after kill -9. Real interpreters run them."""

import base64
import io
import json
import re
import subprocess
import time
import zipfile

import pytest

from conftest import REGION, refused

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def installed(program, pattern, form):
    """The runtime that this machine has; without one the tests fail, they are never skipped."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return form.format(*re.search(pattern, said).groups())


PYTHON = installed("python3", r"Python (3\.\d+)", "python{}")
NODE = installed("node", r"v(\d+)", "nodejs{}.x")


def package(**files):
    """A zip of files by name, `__` standing for the dot."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return target.getvalue()


ECHO = package(index__py="def handler(event, context):\n    return {'got': event}\n")


def role_of(cloud, name="functions"):
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    return arn


@pytest.fixture(scope="session")
def client(cloud):
    return cloud.client("lambda")


@pytest.fixture(scope="session")
def role(cloud):
    return role_of(cloud)


def create(client, name, role, code=ECHO, **more):
    request = {
        "FunctionName": name,
        "Runtime": PYTHON,
        "Handler": "index.handler",
        "Role": role,
        "Code": {"ZipFile": code},
        **more,
    }
    created = client.create_function(**request)
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return created


def invoke(client, name, event=None, **more):
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    return json.loads(answer["Payload"].read()), answer


@pytest.fixture
def echo(client, role, name):
    create(client, name, role)
    return name


def test_a_function_is_created_described_and_run(client, role, name):
    created = create(client, name, role, Description="says it back", Tags={"team": "a"})
    assert created["State"] == "Pending" and created["Version"] == "$LATEST"
    assert created["CodeSize"] == len(ECHO)
    assert re.fullmatch(rf"arn:aws:lambda:{REGION}:\d{{12}}:function:{name}", created["FunctionArn"])
    found = client.get_function(FunctionName=name)
    assert found["Configuration"]["State"] == "Active"
    assert found["Configuration"]["LastUpdateStatus"] == "Successful"
    assert found["Configuration"]["CodeSha256"] == created["CodeSha256"]
    assert found["Tags"] == {"team": "a"}
    payload, answer = invoke(client, name, {"n": 1})
    assert payload == {"got": {"n": 1}}
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert name in {f["FunctionName"] for f in client.list_functions()["Functions"]}
    with refused("ResourceConflictException", f"Function already exist: {name}", status=409):
        create(client, name, role)


def test_node_runs_too_and_logs(client, role, name):
    code = package(
        index__js="exports.handler = async (event) => { console.log('seen', event.n); "
        "return { sum: event.n + 1, table: process.env.TABLE }; };"
    )
    variables = {"Variables": {"TABLE": "notes"}}
    create(client, name, role, code, Runtime=NODE, Environment=variables, Timeout=10)
    payload, answer = invoke(client, name, {"n": 41}, LogType="Tail")
    assert payload == {"sum": 42, "table": "notes"}
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId" in tail and "seen 41" in tail and "REPORT RequestId" in tail


def test_logs_are_written_as_the_functions_role(cloud, client, name):
    """Without leave the function runs all the same, and its lines are not kept."""
    iam, logs = cloud.client("iam"), cloud.client("logs")
    arn = role_of(cloud, name)
    code = package(index__py="def handler(event, context):\n    print(event['say'])\n")
    create(client, name, arn, code)
    lines = []

    def say(what):
        invoke(client, name, {"say": what})
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        lines[:] = [event["message"].strip() for page in pages for event in page["events"]]

    def until(happened, what):
        """Says it again and again: a policy's change is seen within a second."""
        deadline = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < deadline, lines
            say(what)
            time.sleep(0.1)

    def refusals():
        told = (cloud.folder / "log").read_text()
        return told.count(f"{name} is not authorized to perform: logs:CreateLogStream")

    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    say("unheard")
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    until(lambda: "heard" in lines, "heard")
    assert refusals() == 1
    iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    until(lambda: refusals() == 2, "perhaps")
    say("unheard")
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    until(lambda: "heard again" in lines, "heard again")
    assert "unheard" not in lines


def test_errors_of_the_function_are_answers(client, role, name):
    create(client, name, role, package(index__py="def handler(e, c):\n    raise ValueError('no')\n"))
    payload, answer = invoke(client, name)
    assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "ValueError" and payload["errorMessage"] == "no"


def test_a_slow_function_is_ended(client, role, name):
    slow = package(index__py="import time\ndef handler(e, c):\n    time.sleep(30)\n")
    create(client, name, role, slow, Timeout=1)
    payload, answer = invoke(client, name)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_bad_packages_settings_and_roles_are_refused(cloud, client, role, name):
    unzip = "Could not unzip uploaded file. Please check your file, then try to upload again."
    with refused("InvalidParameterValueException", unzip):
        create(client, name, role, b"this is no zip")
    with refused("InvalidParameterValueException"):
        create(client, name, role, Runtime="java21")
    with refused("InvalidParameterValueException"):
        create(client, name, role, Environment={"Variables": {"AWS_REGION": "x"}})
    with refused("ValidationException"):
        create(client, name, role, Timeout=901)
    assume = "The role defined for the function cannot be assumed by Lambda."
    with refused("InvalidParameterValueException", assume):
        create(client, name, role.replace("/functions", "/nobody"))
    with refused("ResourceNotFoundException", status=404):
        client.get_function(FunctionName=name)
    with refused("InvalidRequestContentException"):
        create(client, name, role)
        client.invoke(FunctionName=name, Payload=b"{")


def test_code_and_settings_change(client, echo):
    before = client.get_function_configuration(FunctionName=echo)
    new = package(index__py="import os\ndef handler(e, c):\n    return os.environ.get('MODE')\n")
    with refused("PreconditionFailedException", status=412):
        client.update_function_code(FunctionName=echo, ZipFile=new, RevisionId="another")
    changed = client.update_function_code(
        FunctionName=echo, ZipFile=new, RevisionId=before["RevisionId"]
    )
    assert changed["LastUpdateStatus"] == "InProgress"
    client.get_waiter("function_updated_v2").wait(FunctionName=echo)
    assert invoke(client, echo)[0] is None
    client.update_function_configuration(
        FunctionName=echo, Environment={"Variables": {"MODE": "new"}}, MemorySize=256
    )
    assert invoke(client, echo)[0] == "new"
    assert client.get_function_configuration(FunctionName=echo)["MemorySize"] == 256


def test_versions_stay_and_aliases_lead_to_them(client, echo):
    one = client.publish_version(FunctionName=echo, Description="first")
    assert one["Version"] == "1" and one["FunctionArn"].endswith(":1")
    assert client.publish_version(FunctionName=echo)["Version"] == "1"
    new = package(index__py="def handler(e, c):\n    return c.invoked_function_arn\n")
    two = client.update_function_code(FunctionName=echo, ZipFile=new, Publish=True)
    assert two["Version"] == "2"
    listed = client.list_versions_by_function(FunctionName=echo)["Versions"]
    assert [v["Version"] for v in listed] == ["$LATEST", "1", "2"]
    client.create_alias(FunctionName=echo, Name="live", FunctionVersion="1")
    payload, answer = invoke(client, echo, 7, Qualifier="live")
    assert payload == {"got": 7} and answer["ExecutedVersion"] == "1"
    client.update_alias(FunctionName=echo, Name="live", FunctionVersion="2")
    payload, answer = invoke(client, f"{echo}:live")
    assert payload.endswith(f":function:{echo}:live") and answer["ExecutedVersion"] == "2"
    weights = {"AdditionalVersionWeights": {"1": 0.5}}
    client.update_alias(FunctionName=echo, Name="live", RoutingConfig=weights)
    ran = {invoke(client, echo, Qualifier="live")[1]["ExecutedVersion"] for _ in range(40)}
    assert ran == {"1", "2"}
    with refused("ResourceConflictException", status=409):
        client.delete_function(FunctionName=echo, Qualifier="1")
    client.delete_alias(FunctionName=echo, Name="live")
    client.delete_function(FunctionName=echo, Qualifier="1")
    with refused("ResourceNotFoundException", status=404):
        invoke(client, echo, Qualifier="1")
    assert client.list_aliases(FunctionName=echo)["Aliases"] == []


def test_layers_are_under_opt(client, role, name):
    versions = []
    for word in ("old", "new"):
        zipped = package(**{"python/words__py": f"WORD = '{word}'\n"})
        published = client.publish_layer_version(
            LayerName=f"{name}-l", Content={"ZipFile": zipped}, CompatibleRuntimes=[PYTHON]
        )
        versions.append(published)
    assert [v["Version"] for v in versions] == [1, 2]
    code = package(index__py="import words\ndef handler(e, c):\n    return words.WORD\n")
    create(client, name, role, code, Layers=[versions[0]["LayerVersionArn"]])
    client.delete_layer_version(LayerName=f"{name}-l", VersionNumber=1)
    assert invoke(client, name)[0] == "old"
    newer = [versions[1]["LayerVersionArn"]]
    client.update_function_configuration(FunctionName=name, Layers=newer)
    assert invoke(client, name)[0] == "new"
    found = client.get_layer_version_by_arn(Arn=newer[0])
    assert found["Content"]["CodeSha256"] == versions[1]["Content"]["CodeSha256"]
    listed = client.list_layer_versions(LayerName=f"{name}-l")["LayerVersions"]
    assert [v["Version"] for v in listed] == [2]


def user(cloud, name, statements):
    """Who may do what the statements allow."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return cloud.client(
        "lambda",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_who_may_invoke_and_who_may_pass_a_role(cloud, client, role, echo):
    arn = client.get_function(FunctionName=echo)["Configuration"]["FunctionArn"]
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}
    someone = user(cloud, f"{echo}-u", [allowed])
    assert invoke(someone, echo, 1)[0] == {"got": 1}
    with refused("AccessDeniedException", status=403):
        someone.get_function(FunctionName=echo)
    client.publish_version(FunctionName=echo)
    with refused("AccessDeniedException", status=403):
        invoke(someone, echo, Qualifier="1")
    maker = {"Effect": "Allow", "Action": "lambda:*", "Resource": "*"}
    with refused("AccessDeniedException", status=403) as refusal:
        create(user(cloud, f"{echo}-m", [maker]), f"{echo}-2", role)
    assert "iam:PassRole" in refusal.response["Error"]["Message"]


def test_permissions_are_a_policy(client, echo):
    with refused("ResourceNotFoundException", status=404):
        client.get_policy(FunctionName=echo)
    added = client.add_permission(
        FunctionName=echo,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:us-east-1:000000000000:abc/*",
    )
    assert json.loads(added["Statement"])["Principal"] == {"Service": "apigateway.amazonaws.com"}
    policy = json.loads(client.get_policy(FunctionName=echo)["Policy"])
    assert [s["Sid"] for s in policy["Statement"]] == ["api"]
    with refused("ResourceConflictException", status=409):
        client.add_permission(
            FunctionName=echo,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
        )
    # The owner is let in by a policy that names others.
    assert invoke(client, echo, 2)[0] == {"got": 2}
    client.remove_permission(FunctionName=echo, StatementId="api")
    with refused("ResourceNotFoundException", status=404):
        client.get_policy(FunctionName=echo)


def test_reserved_concurrency_bounds(client, echo):
    client.put_function_concurrency(FunctionName=echo, ReservedConcurrentExecutions=0)
    assert client.get_function(FunctionName=echo)["Concurrency"] == {
        "ReservedConcurrentExecutions": 0
    }
    with refused("TooManyRequestsException", "Rate Exceeded.", status=429) as refusal:
        invoke(client, echo)
    reason = refusal.response["Reason"]
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=echo)
    assert invoke(client, echo, 3)[0] == {"got": 3}
    with refused("InvalidParameterValueException"):
        client.put_function_concurrency(FunctionName=echo, ReservedConcurrentExecutions=901)


def test_dry_runs_urls_tags_and_event_configs(client, echo):
    assert client.invoke(FunctionName=echo, InvocationType="DryRun")["StatusCode"] == 204
    url = client.create_function_url_config(FunctionName=echo, AuthType="AWS_IAM")
    assert f".lambda-url.{REGION}." in url["FunctionUrl"]
    with refused("ResourceConflictException", status=409):
        client.create_function_url_config(FunctionName=echo, AuthType="NONE")
    client.update_function_url_config(FunctionName=echo, Cors={"AllowOrigins": ["*"]})
    found = client.get_function_url_config(FunctionName=echo)
    assert found["AuthType"] == "AWS_IAM" and found["Cors"] == {"AllowOrigins": ["*"]}
    client.delete_function_url_config(FunctionName=echo)
    assert client.list_function_url_configs(FunctionName=echo)["FunctionUrlConfigs"] == []
    arn = client.get_function(FunctionName=echo)["Configuration"]["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    client.put_function_event_invoke_config(FunctionName=echo, MaximumRetryAttempts=0)
    found = client.get_function_event_invoke_config(FunctionName=echo)
    assert found["MaximumRetryAttempts"] == 0 and found["FunctionArn"].endswith(":$LATEST")
    assert client.get_function_code_signing_config(FunctionName=echo)["CodeSigningConfigArn"] == ""
    assert client.get_runtime_management_config(FunctionName=echo)["UpdateRuntimeOn"] == "Auto"


def logging_role(cloud, name):
    """A role whose functions may write their log."""
    arn = role_of(cloud, name)
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    cloud.client("iam").attach_role_policy(RoleName=name, PolicyArn=policy)
    return arn


def heard(cloud, name, line, seconds):
    """How often a function wrote a line, once it has. A sandbox has no other way to a test."""
    logs, deadline = cloud.client("logs"), time.monotonic() + seconds
    while True:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{name}"
            )
            found = [event["message"].strip() for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if line in found or time.monotonic() > deadline:
            return found.count(line)
        time.sleep(0.1)


def test_events_run_later(cloud, client, name):
    code = package(index__py="def handler(e, c):\n    print('heard', e['word'])\n")
    create(client, name, logging_role(cloud, name), code)
    answer = client.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps({"word": "hello"})
    )
    assert answer["StatusCode"] == 202
    assert heard(cloud, name, "heard hello", 30) == 1


def test_everything_is_there_after_kill_9(fresh_cloud):
    client, role = fresh_cloud.client("lambda"), role_of(fresh_cloud)
    create(client, "kept", role, Environment={"Variables": {"MODE": "b"}}, Publish=True)
    client.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    assert invoke(client, "kept", 1)[0] == {"got": 1}
    # Longer than it takes to kill the cloud.
    text = "import time\ndef handler(e, c):\n    time.sleep(5)\n    print('ran')\n"
    late = package(index__py=text)
    create(client, "late", logging_role(fresh_cloud, "late"), late, Timeout=60)
    client.invoke(FunctionName="late", InvocationType="Event", Payload=b"{}")
    fresh_cloud.kill()
    fresh_cloud.restart()
    client = fresh_cloud.client("lambda")
    found = client.get_function_configuration(FunctionName="kept")
    assert found["Environment"] == {"Variables": {"MODE": "b"}}
    assert invoke(client, "kept:live", 2)[0] == {"got": 2}
    # Accepted before the end: it runs once the lease of the dead worker is over.
    assert heard(fresh_cloud, "late", "ran", 120) >= 1


def test_a_deleted_function_is_gone(client, echo):
    client.publish_version(FunctionName=echo)
    client.delete_function(FunctionName=echo)
    with refused("ResourceNotFoundException", status=404):
        invoke(client, echo)
    with refused("ResourceNotFoundException", status=404):
        client.list_versions_by_function(FunctionName=echo)


def test_code_comes_from_s3(cloud, client, role, name):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="lambda-packages")
    s3.put_object(Bucket="lambda-packages", Key="a/echo.zip", Body=ECHO)
    from_s3 = {"S3Bucket": "lambda-packages", "S3Key": "a/echo.zip"}
    client.create_function(
        FunctionName=name, Runtime=PYTHON, Handler="index.handler", Role=role, Code=from_s3
    )
    assert invoke(client, name, 5)[0] == {"got": 5}
    with refused("InvalidParameterValueException") as refusal:
        client.update_function_code(FunctionName=name, S3Bucket="lambda-packages", S3Key="none")
    assert "NoSuchKey" in refusal.response["Error"]["Message"]
