"""Functions in sandboxes: what they reach of the cloud, and what becomes of them where the machine
lets nobody make sandboxes."""

import os
import re
import stat

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import Cloud, binary
from test_lambda import create, invoke, package, role_of

# User namespaces are switched off in one that has no capabilities to switch them on again: what a
# container without leave for namespaces is like.
DENIED = """#!/bin/sh
exec unshare --user --map-root-user sh -c '
    echo 0 > /proc/sys/user/max_user_namespaces &&
    exec setpriv --bounding-set=-all --inh-caps=-all "$0" "$@"' {} "$@"
"""

LOOK = """
import os, urllib.request
def handler(event, context):
    health = urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/_cumulet/health')
    return {'health': health.status, 'uid': os.getuid(), 'task': os.getcwd(),
            'secret': os.path.exists(event)}
"""


def test_a_function_reaches_the_cloud_and_not_its_files(fresh_cloud):
    client, role = fresh_cloud.client("lambda"), role_of(fresh_cloud)
    create(client, "look", role, package(index__py=LOOK), Timeout=20)
    secret = str(fresh_cloud.folder / "master.key")
    assert os.path.exists(secret)
    payload, _ = invoke(client, "look", secret)
    assert payload == {"health": 200, "uid": 993, "task": "/var/task", "secret": False}
    isolation = fresh_cloud.admin("status")["isolation"]
    assert re.match("(full|rootless): each function runs in a sandbox", isolation)


@pytest.fixture
def denied(tmp_path, monkeypatch):
    """Clouds that cannot make sandboxes."""
    program = tmp_path / "denied"
    program.write_text(DENIED.format(binary()))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CUMULET_BIN", str(program))
    clouds = []

    def start(*options):
        folder = tmp_path / f"cloud-{len(clouds)}"
        folder.mkdir()
        clouds.append(Cloud(folder, options))
        return clouds[-1]

    yield start
    for cloud in clouds:
        cloud.kill()


def test_serve_starts_no_function_on_a_rung_that_is_not_allowed_by_name(denied):
    code = package(index__py="def handler(event, context):\n    return event\n")
    cloud = denied()
    role = role_of(cloud)
    create(cloud.client("lambda"), "echo", role, code)
    client = cloud.client("lambda", config=Config(retries={"max_attempts": 0}))
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName="echo", Payload=b"1")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    log = (cloud.folder / "log").read_text()
    assert "sysctl -w user.max_user_namespaces=15000" in log, log
    assert "--allow-weak-isolation process" in log, log
    assert cloud.admin("status")["isolation"] == "process: too weak, functions are not started"

    cloud = denied("--allow-weak-isolation", "process")
    role = role_of(cloud)
    client = cloud.client("lambda")
    create(client, "echo", role, code)
    assert invoke(client, "echo", 1)[0] == 1
    assert cloud.admin("status")["isolation"].startswith("process: functions run as plain processes")
    assert "sysctl -w user.max_user_namespaces=15000" in (cloud.folder / "log").read_text()
