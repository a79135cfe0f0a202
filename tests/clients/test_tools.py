"""The programs people use, unmodified, with nothing but AWS_* variables."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def aws(cloud, *arguments, code=0):
    done = subprocess.run(
        ["aws", *arguments],
        env=cloud.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else done.stderr

def test_the_aws_cli(cloud, name):
    aws(
        cloud,
        *("dynamodb", "create-table", "--table-name", name, "--billing-mode", "PAY_PER_REQUEST"),
        *("--attribute-definitions", "AttributeName=pk,AttributeType=S"),
        *("--key-schema", "AttributeName=pk,KeyType=HASH"),
    )
    aws(cloud, "dynamodb", "wait", "table-exists", "--table-name", name)
    item = {"pk": {"S": "a"}, "n": {"N": "1"}}
    aws(cloud, "dynamodb", "put-item", "--table-name", name, "--item", json.dumps(item))
    got = aws(cloud, "dynamodb", "get-item", "--table-name", name, "--key", '{"pk":{"S":"a"}}')
    assert got == {"Item": item}
    listed = aws(cloud, "dynamodb", "list-tables", "--page-size", "2")
    assert name in listed["TableNames"]

def test_the_aws_cli_shows_errors(cloud, name):
    told = aws(cloud, "dynamodb", "describe-table", "--table-name", name, code=255)
    assert f"Requested resource not found: Table: {name} not found" in told
    assert "ResourceNotFoundException" in told

@pytest.mark.parametrize("test", sorted(path.name for path in (HERE / "node").glob("*.test.cjs")))
def test_the_javascript_sdk(cloud, test):
    modules = os.environ.get("CUMULET_NODE_MODULES")
    assert modules, "run `cargo xtask test clients`, which installs the Node packages"
    node = shutil.which("node")
    assert node, "install Node.js 20 or later (Debian: apt install nodejs npm)"
    done = subprocess.run(
        [node, "--test", HERE / "node" / test],
        env={**cloud.environment(), "NODE_PATH": modules},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
