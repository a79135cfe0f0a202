"""The commands that talk to a running cloud."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from conftest import binary, create_table, running_cloud

RUNTIME = f"python3.{sys.version_info.minor}"
TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{Runtime: {RUNTIME}, Timeout: 20, Handler: index.handler}}
Resources:
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        import json
        def handler(event, context):
            print("heard", event.get("word"))
            if event.get("fail"):
                raise ValueError("as it was told")
            if "httpMethod" in event:
                return {{"statusCode": 200, "body": json.dumps({{"got": event}})}}
            return {{"got": event}}
      Events:
        Any: {{Type: HttpApi, Properties: {{Path: "/echo", Method: GET}}}}
        Rest: {{Type: Api, Properties: {{Path: "/echo", Method: GET}}}}
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      UsernameAttributes: [email]
      AutoVerifiedAttributes: [email]
      Policies: {{PasswordPolicy: {{MinimumLength: 10, RequireSymbols: false}}}}
  Secret:
    Type: AWS::Cognito::UserPoolClient
    Properties: {{UserPoolId: !Ref Pool, GenerateSecret: true}}
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties: {{UserPoolId: !Ref Pool}}
Outputs:
  Function: {{Value: !Ref Echo, Description: what answers}}
  Client: {{Value: !Ref Web}}
  Users: {{Value: !Ref Pool}}
"""


@pytest.fixture(scope="module")
def app():
    """A cloud with one application."""
    with running_cloud() as cloud:
        client = cloud.client("cloudformation")
        client.create_stack(
            StackName="notes",
            TemplateBody=TEMPLATE,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        wait = {"Delay": 1, "MaxAttempts": 90}
        client.get_waiter("stack_create_complete").wait(StackName="notes", WaiterConfig=wait)
        stack = client.describe_stacks(StackName="notes")["Stacks"][0]
        cloud.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        cloud.client("cognito-idp").create_group(
            UserPoolId=cloud.outputs["Users"], GroupName="admins", Precedence=1
        )
        yield cloud


def test_status(app):
    text = app.cumulet("status").stdout
    shown = [app.endpoint, "notes", "CREATE_COMPLETE", "Echo", RUNTIME, app.outputs["Function"]]
    for part in shown:
        assert part in text
    assert "\x1b" not in text
    status = json.loads(app.cumulet("status", "--json").stdout)
    assert status["url"] == app.endpoint and status["uptime"] >= 0
    [stack] = status["stacks"]
    assert (stack["name"], stack["status"]) == ("notes", "CREATE_COMPLETE")
    outputs = {one["key"]: one["value"] for one in stack["outputs"]}
    assert outputs == app.outputs
    [function] = status["functions"]
    assert (function["name"], function["logical_id"]) == (app.outputs["Function"], "Echo")


def in_a_terminal(cloud, *arguments, environment):
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    data = {"CUMULET_DATA": str(cloud.folder / "data")}
    done = subprocess.Popen(
        [binary(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", **data, **environment},
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # The other end is closed.
            more = b""
        if not more:
            break
        text += more
    os.close(ours)
    assert done.wait(60) == 0
    return text.decode()


def test_a_terminal_gets_colours_unless_it_wants_none(app):
    assert "\x1b[32mCREATE_COMPLETE\x1b[0m" in in_a_terminal(
        app, "status", environment={"NO_COLOR": ""}
    )
    assert "\x1b" not in in_a_terminal(app, "status", environment={"NO_COLOR": "1"})


def test_invoke(app, tmp_path):
    file = tmp_path / "event.json"
    file.write_text('{"word": "file"}')
    for event, stdin, word in [
        ('{"word": "given"}', "", "given"),
        (str(file), "", "file"),
        ("-", '{"word": "typed"}', "typed"),
    ]:
        done = app.cumulet("invoke", "Echo", "--event", event, stdin=stdin)
        assert json.loads(done.stdout) == {"got": {"word": word}}
        assert f"heard {word}" in done.stderr and "REPORT RequestId" in done.stderr
    physical = app.cumulet("invoke", app.outputs["Function"], "--stack", "notes")
    assert json.loads(physical.stdout) == {"got": {}}


def test_a_function_that_fails_fails_the_command(app):
    done = app.cumulet("invoke", "Echo", "-e", '{"fail": true}', check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "ValueError"
    assert "the function failed (Unhandled)" in done.stderr
    done = app.cumulet("invoke", "Nobody", check=False)
    assert done.returncode == 1 and "there is no function Nobody" in done.stderr
    assert "Echo" in done.stderr
    done = app.cumulet("invoke", "Echo", "--event", "{nonsense", check=False)
    assert done.returncode == 1 and "no JSON" in done.stderr
    done = app.cumulet("invoke", "Echo", "--stack", "other", check=False)
    assert done.returncode == 1 and "other" in done.stderr


def until(check, seconds=60):
    """The first truthy answer: what is logged becomes visible a moment later."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found or time.monotonic() > deadline:
            assert found
            return found
        time.sleep(0.2)


def test_logs(app):
    app.cumulet("invoke", "Echo", "-e", '{"word": "for-the-log"}')
    for arguments in [["notes"], ["--function", "Echo"], [], ["notes", "--since", "1h"]]:
        def heard():
            lines = app.cumulet("logs", *arguments).stdout.splitlines()
            return next((line for line in lines if "heard for-the-log" in line), None)

        line = until(heard)
        assert app.outputs["Function"] in line and "\x1b" not in line
    group = "/aws/lambda/" + app.outputs["Function"]
    only = app.cumulet("logs", "--group", group, "--filter", '"heard for-the-log"', "--json").stdout
    for line in map(json.loads, only.splitlines()):
        assert line["group"] == group and line["message"].strip() == "heard for-the-log"
    assert only
    times = [json.loads(line)["at"] for line in app.cumulet("logs", "--json").stdout.splitlines()]
    assert times == sorted(times)
    for wrong, words in [(["nothing"], "nothing"), (["--group", "/none"], None)]:
        done = app.cumulet("logs", *wrong, check=False)
        if words is None:
            assert (done.returncode, done.stdout) == (0, "")
        else:
            assert done.returncode == 1 and words in done.stderr
    assert app.cumulet("logs", "--since", "soon", check=False).returncode == 2


def test_logs_follow(app):
    following = subprocess.Popen(
        [binary(), "logs", "notes", "--follow", "--since", "1s"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CUMULET_DATA": str(app.folder / "data")},
    )
    seen = []

    def read():
        for line in following.stdout:
            seen.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        for number in range(3):
            app.cumulet("invoke", "Echo", "-e", json.dumps({"word": f"follow-{number}"}))
            until(lambda: any(f"heard follow-{number}" in line for line in seen))
    finally:
        following.send_signal(signal.SIGTERM)
        following.wait(30)
        reader.join(30)
    # Each once.
    for number in range(3):
        assert sum(f"heard follow-{number}" in line for line in seen) == 1


def test_config_is_what_a_page_needs(app, tmp_path):
    path = tmp_path / "amplify_outputs.json"
    app.cumulet("config", "notes", "--out", str(path))
    outputs = json.loads(path.read_text())
    assert outputs == json.loads(app.cumulet("config", "notes").stdout)
    assert outputs["version"].startswith("1.")
    auth = outputs["auth"]
    assert auth["aws_region"] == "us-east-1"
    assert auth["user_pool_id"] == app.outputs["Users"]
    # The client that has no secret: a page cannot keep one.
    assert auth["user_pool_client_id"] == app.outputs["Client"]
    assert auth["password_policy"]["min_length"] == 10
    assert auth["password_policy"]["require_symbols"] is False
    assert auth["username_attributes"] == ["email"]
    assert auth["user_verification_types"] == ["email"]
    assert auth["mfa_configuration"] == "NONE"
    assert auth["groups"] == [{"admins": {"precedence": 1}}]
    custom = outputs["custom"]
    assert custom["Cognito"] == {"userPoolEndpoint": app.endpoint + "/"}
    assert custom["outputs"] == app.outputs
    assert set(custom["API"]) == {"ServerlessHttpApi", "ServerlessRestApi"}
    for api in custom["API"].values():
        assert api["region"] == "us-east-1"
        with urllib.request.urlopen(api["endpoint"] + "/echo", timeout=60) as answer:
            body = json.loads(answer.read())
        assert "/echo" in (body["got"].get("rawPath"), body["got"].get("path"))
    done = app.cumulet("config", "other", check=False)
    assert done.returncode == 1 and "other" in done.stderr
    assert app.cumulet("config", check=False).returncode != 0


def test_a_cloud_that_does_not_run_is_named(tmp_path):
    environment = {**os.environ, "CUMULET_DATA": str(tmp_path / "none")}
    for command in [["status"], ["logs"], ["invoke", "F"], ["config", "s"], ["config", "mail"]]:
        done = subprocess.run(
            [binary(), *command], capture_output=True, text=True, timeout=60, env=environment
        )
        assert done.returncode == 1 and str(tmp_path / "none") in done.stderr
        assert "--data" in done.stderr


def test_a_stopped_cloud_is_named(fresh_cloud):
    fresh_cloud.terminate()
    done = fresh_cloud.cumulet("status", check=False)
    assert done.returncode == 1 and "no cloud answers" in done.stderr


def test_doctor_looks_at_the_data_of_a_stopped_cloud(fresh_cloud):
    dynamodb = fresh_cloud.client("dynamodb")
    indexes = [("by-x", "x:S", None, {"ProjectionType": "KEYS_ONLY"})]
    create_table(dynamodb, "things", indexes=indexes)
    dynamodb.put_item(TableName="things", Item={"pk": {"S": "a"}, "x": {"S": "b"}})
    running = fresh_cloud.cumulet("doctor", "--verify", check=False)
    assert running.returncode == 1 and "in use" in running.stdout, running
    assert fresh_cloud.terminate() == 0
    agree = "1 tables, 1 items, 1 index entries, 0 streams, 0 stream records, 0 backups: all agree"
    assert agree in fresh_cloud.verify()
    nothing = ["--data", str(fresh_cloud.folder / "other")]
    assert fresh_cloud.cumulet("doctor", "--verify", *nothing, check=False).returncode == 1
    # A store whose files are empty.
    for table in (fresh_cloud.folder / "data" / "store" / "db").rglob("*"):
        if table.is_file():
            table.write_bytes(b"")
    damaged = fresh_cloud.cumulet("doctor", "--verify", check=False)
    assert damaged.returncode == 1 and damaged.stdout.startswith("fail"), damaged


def test_doctor(fresh_cloud):
    def findings(*arguments):
        done = fresh_cloud.cumulet("doctor", "--json", *arguments, check=False)
        found = {one["what"]: one for one in json.loads(done.stdout)}
        failed = any(one["health"] == "fail" for one in found.values())
        assert done.returncode == (1 if failed else 0)
        return found

    found = findings()
    assert found["data folder"]["health"] == found["master key"]["health"] == "ok"
    assert fresh_cloud.endpoint in found["port"]["words"]
    assert RUNTIME in found["runtimes"]["words"]
    assert set(found) >= {"disk", "clock", "isolation", "certificates", "secrets"}
    text = fresh_cloud.cumulet("doctor", check=False).stdout
    assert "ok" in text and "master key" in text
    # Secrets that lie open, and a port that somebody has.
    (fresh_cloud.folder / "master.key").chmod(0o644)
    assert findings()["master key"]["health"] == "fail"
    (fresh_cloud.folder / "master.key").chmod(0o600)
    (fresh_cloud.folder / "data" / "admin-token").chmod(0o640)
    assert "chmod 600" in findings()["secrets"]["words"]
    address = fresh_cloud.endpoint.removeprefix("http://")
    other = ["--data", str(fresh_cloud.folder / "other")]
    taken = findings(*other, "--listen", address)["port"]
    assert taken["health"] == "fail" and str(fresh_cloud.process.pid) in taken["words"]
