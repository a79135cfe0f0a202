"""Fixtures: a real cloud, as a process of its own, and the clients that people use against it.

The Rust twin of `Cloud` is crates/testkit.
"""

import contextlib
import itertools
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
START_SECONDS = 20
STOP_SECONDS = 30
ANNOUNCEMENT = "listening on http://"
MAILBOX = "mailbox: "


def binary():
    """The binary under test; a missing one fails the run, it never skips a test."""
    named = os.environ.get("CUMULET_BIN")
    root = pathlib.Path(__file__).resolve().parents[2]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    path = pathlib.Path(named) if named else target / "debug" / "cumulet"
    if not path.is_file():
        pytest.exit(f"{path} is not there: run `cargo build -p cumulet` first", returncode=2)
    return path


class Cloud:
    """A running cloud with a folder of its own."""

    def __init__(self, folder, options=(), keys=None, listen="127.0.0.1:0", **variables):
        """`options` and environment `variables` are more of them for `cumulet serve`; None takes a
        variable away."""
        self.folder = pathlib.Path(folder)
        self.options = list(options)
        self.listen = listen
        self.variables = variables
        self.access_key, self.secret_key = keys or (
            "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
            secrets.token_urlsafe(30),
        )
        self.endpoint = None
        self.mailbox_link = None
        self.process = None
        # What it printed since it was started.
        self.printed = []
        self.start()

    def command(self):
        return ["serve", "--listen", self.listen]

    def start(self):
        log = open(self.folder / "log", "ab")
        arguments = ["--data", self.folder / "data", "--key-file", self.folder / "master.key"]
        with log:
            self.process = subprocess.Popen(
                [binary(), *self.command(), *arguments, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment(),
            )
        announced = threading.Event()
        threading.Thread(target=self._follow, args=(self.process, announced), daemon=True).start()
        if not announced.wait(START_SECONDS) or self.endpoint is None:
            raise RuntimeError(self.explain("did not say where it listens"))
        self._wait_until_healthy()

    def _environment(self):
        """What `cumulet serve` runs in; None takes a variable away."""
        environment = {
            **os.environ,
            "CUMULET_ROOT_ACCESS_KEY_ID": self.access_key,
            "CUMULET_ROOT_SECRET_ACCESS_KEY": self.secret_key,
            **self.variables,
        }
        return {name: value for name, value in environment.items() if value is not None}

    def _follow(self, process, announced):
        """Reads the output to its end (a full pipe would stop the process)."""
        self.endpoint = None
        self.printed = printed = []
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            if line.startswith(ANNOUNCEMENT):
                self.endpoint = "http://" + line.removeprefix(ANNOUNCEMENT).strip()
                announced.set()
            elif line.startswith(MAILBOX):
                self.mailbox_link = line.removeprefix(MAILBOX).strip()
        announced.set()

    def _wait_until_healthy(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(self.endpoint + "/_cumulet/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError) as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.explain(f"is not well: {error}")) from error
                time.sleep(0.005)

    @property
    def admin_token(self):
        return (self.folder / "data" / "admin-token").read_text().strip()

    def admin(self, page, body=None, timeout=60):
        """A page of the administration, asked for as scripts do: on the main port, by token."""
        request = urllib.request.Request(
            f"{self.endpoint}/_cumulet/{page}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.admin_token}", "Accept": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())

    def cumulet(self, *arguments, check=True, stdin="", environment=None):
        """Runs a command of the binary on this cloud's data."""
        done = subprocess.run(
            [binary(), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env={
                **os.environ,
                "CUMULET_DATA": str(self.folder / "data"),
                "CUMULET_KEY_FILE": str(self.folder / "master.key"),
                **(environment or {}),
            },
        )
        if check:
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done

    def verify(self):
        """The stopped cloud's data agree with themselves: items, index entries and streams."""
        assert self.process.poll() is not None, "the cloud still runs on them"
        found = json.loads(self.cumulet("doctor", "--verify", "--json").stdout)
        assert [finding["health"] for finding in found] == ["ok"], found
        return found[0]["words"]

    def printed_link(self):
        """The link to the mailbox, which is printed after the address."""
        deadline = time.monotonic() + START_SECONDS
        while self.mailbox_link is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.mailbox_link

    def explain(self, message):
        log = (self.folder / "log").read_text(errors="replace")
        return f"cumulet {message}. Its log:\n{log}"

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def restart(self):
        if self.process.poll() is None:
            self.kill()
        self.start()

    def _settings(self, config, overrides):
        return {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            # An error is an error: nothing here is hidden behind a retry.
            "config": Config(retries={"total_max_attempts": 1}).merge(config or Config()),
            **overrides,
        }

    def client(self, service, config=None, session=None, **overrides):
        """A client; one session for many of them reads the services' models once, in one thread."""
        session = session or boto3.session.Session()
        return session.client(service, **self._settings(config, overrides))

    def resource(self, service, config=None, **overrides):
        return boto3.session.Session().resource(service, **self._settings(config, overrides))

    def environment(self):
        """For tools that are programs."""
        return {
            # The tools of the suite's own virtual environment, whatever else is installed.
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextlib.contextmanager
def running_cloud(options=(), **settings):
    with tempfile.TemporaryDirectory(prefix="cumulet-test-") as folder:
        cloud = Cloud(folder, options, **settings)
        try:
            yield cloud
        finally:
            cloud.kill()
            cloud.process.stdout.close()


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_this_machine():
    """boto3 must not find this machine's own profile, proxy for AWS or credentials."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("NO_PROXY", "127.0.0.1")
    # Nor clouds its interpreters that were fetched.
    patch.setenv("CUMULET_RUNTIMES", os.devnull)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def cloud():
    """One cloud for all tests that can share it: they use names of their own."""
    with running_cloud() as shared:
        yield shared


@pytest.fixture
def fresh_cloud():
    """A cloud for one test, to be filled, killed and started again."""
    with running_cloud() as own:
        yield own


@pytest.fixture(scope="session")
def dynamodb(cloud):
    return cloud.client("dynamodb")


@pytest.fixture(scope="session")
def raw_dynamodb(cloud):
    """A client that sends what it is told, so that the cloud is what refuses it."""
    return cloud.client("dynamodb", Config(parameter_validation=False))


_numbers = itertools.count(1)


@pytest.fixture
def name(request):
    """A table name of this test's own."""
    return f"{request.node.originalname}-{next(_numbers)}"[-255:]


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def create_table(client, name, hash_key="pk:S", range_key=None, indexes=(), **more):
    """Creates a table and waits for it. A key is `name:type`; an index is (name, hash key, range
    key or None, projection)."""
    types = {}

    def schema(*keys):
        elements = []
        for key, kind in zip(keys, ("HASH", "RANGE")):
            if key is not None:
                attribute, types[attribute] = key.split(":")
                elements.append({"AttributeName": attribute, "KeyType": kind})
        return elements

    request = {"TableName": name, "KeySchema": schema(hash_key, range_key), **more}
    if indexes:
        request["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": schema(one, two), "Projection": projection}
            for index, one, two, projection in indexes
        ]
    request["AttributeDefinitions"] = [
        {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in types.items()
    ]
    request.setdefault("BillingMode", "PAY_PER_REQUEST")
    description = client.create_table(**request)["TableDescription"]
    wait = {"Delay": 1, "MaxAttempts": 20}
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=wait)
    return description


@pytest.fixture
def table(dynamodb, name):
    """A table with the hash key `pk`, a string."""
    create_table(dynamodb, name)
    return name


@pytest.fixture
def ranged(dynamodb, name):
    """A table with the hash key `pk`, a string, and the range key `sk`, a number."""
    create_table(dynamodb, name, range_key="sk:N")
    return name


class Refusal:
    """The error response of a `refused` block."""

    response = None


@contextlib.contextmanager
def refused(code, message=None, status=400):
    """The block must end in this error, with exactly this message where one is given."""
    refusal = Refusal()
    with pytest.raises(ClientError) as caught:
        yield refusal
    refusal.response = caught.value.response
    assert refusal.response["Error"]["Code"] == code, refusal.response
    assert refusal.response["ResponseMetadata"]["HTTPStatusCode"] == status
    if message is not None:
        assert refusal.response["Error"]["Message"] == message
