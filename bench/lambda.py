"""What running functions costs here, beside a plain process and what else a person can install.

    cargo build --release -p cumulet -p cumulet-bench-http
    cargo build --release -p cumulet-sandbox --example bench
    target/venv/bin/python bench/lambda.py [--quick] [--many N] [PART …]

Parts: cold, warm, thaw, update, burst, idle, sandbox, peers; without one, all. Wants root, for
control groups: the CPU time of the cloud is that of its whole group, functions included. The
suite's Python packages are those that `cargo xtask test` installs; the peers install themselves
below target/peers (pip, npm), and what cannot be installed is named and left out.

`plain` is the same interpreter with the same runtime client and the same handler as a process of
its own, from its spawn to its first answer, without sandbox and without cloud. Every kind takes its
turn in every round, so that a busy machine is unjust to none. Tables of medians come with ratios to
the first row, the raw rows after them.

What bounds the figures:

- *cold, waited*: the role's credentials, copies of mounts from the launcher, their places from the
  sandbox's first process, then what the interpreter takes to load the handler and to answer for the
  first time: five hand-overs between processes in all.
- *cold, started by itself*: the interpreter's own start. A spare sandbox is built already; without
  one there are namespaces and some sixty mounts, which the kernel makes one by one, and a grace
  period of the kernel's for the first process that is moved into a control group: 6 to 15 ms
  measured on version 1, 6 ms on version 2, and 0.05 ms for each that follows at once.
- *warm*: the event changes hands four times between threads or processes, each a wake-up: client
  to cloud, cloud to runtime, and back.
- *thaw*: a write to the group's freezer: measured 0.01 ms on version 2 (0.05 ms to freeze), 0.13 to
  0.2 ms on version 1.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import resource
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
RELEASE = TARGET / "release"
PEERS = ROOT / "target" / "peers"
CLIENTS = ROOT / "crates" / "sandbox" / "bootstrap"

KEY = Credentials("AKIDBENCHBENCHBENCH0", "benchbenchbenchbenchbenchbenchbenchbench")
REGION = "eu-central-1"
WAIT_SECONDS = 60
# Where a sandbox waited for its function, its first environment says so.
CODE = {
    "index.py": "WAITED = b'CUMULET_WAIT_FD' in open('/proc/self/environ', 'rb').read()\n"
    "def handler(event, context):\n    return {'waited': WAITED, 'number': 0}\n",
    "index.js": "const waited = require('fs').readFileSync('/proc/self/environ')"
    ".includes('CUMULET_WAIT_FD');\n"
    "exports.handler = async () => ({ waited, number: 0 });\n",
}
# What makes a function be started by itself: read by interpreters at their start.
OWN_START = {"python": {"PYTHONHASHSEED": "random"}, "node": {"NODE_NO_WARNINGS": "0"}}
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


def runtimes():
    """Family, runtime's name and program, as this machine has them."""
    python = subprocess.run(["python3", "--version"], capture_output=True, text=True).stdout
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    minor, major = re.search(r"3\.(\d+)", python).group(1), re.search(r"v(\d+)", node).group(1)
    where = "import sys; print(sys.executable)"
    program = subprocess.run(["python3", "-c", where], capture_output=True, text=True).stdout
    yield "python", f"python3.{minor}", program.strip()
    where = "console.log(process.execPath)"
    program = subprocess.run(["node", "-e", where], capture_output=True, text=True).stdout
    yield "node", f"nodejs{major}.x", program.strip()


def package(number=0):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in CODE.items():
            text = text.replace("'number': 0", f"'number': {number}")
            archive.writestr(name, text.replace("number: 0", f"number: {number}"))
    return target.getvalue()


# ---- tables ---------------------------------------------------------------------------------


def at(values, percent):
    values = sorted(values)
    return values[(len(values) - 1) * percent // 100] if values else float("nan")


def table(title, rows, unit):
    """Rows of (name, values): quantiles, and the median's ratio to the first row's."""
    print(f"== {title}, {unit}")
    print(f"{'':<34}{'n':>6}{'min':>10}{'p50':>10}{'p99':>10}{'ratio':>8}")
    rows = [(name, values) for name, values in rows if values]
    for name, values in rows:
        first = at(rows[0][1], 50)
        print(
            f"{name:<34}{len(values):>6}{min(values):>10.2f}{at(values, 50):>10.2f}"
            f"{at(values, 99):>10.2f}{at(values, 50) / first:>8.2f}"
        )
    for name, values in rows:
        print(f"{name}\t" + "\t".join(f"{value:.3f}" for value in values))
    print(flush=True)


# ---- a plain process ------------------------------------------------------------------------


class Plain:
    """A Runtime API with one event for each process that asks."""

    def __init__(self, folder):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.code = pathlib.Path(folder) / "plain"
        self.code.mkdir()
        for name, text in CODE.items():
            (self.code / name).write_text(text)
        threading.Thread(target=self.serve, daemon=True).start()
        self.answered = threading.Semaphore(0)

    def serve(self):
        while True:
            stream, _ = self.listener.accept()
            threading.Thread(target=self.converse, args=(stream,), daemon=True).start()

    def converse(self, stream):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = b""
        with stream, contextlib.suppress(OSError):
            while b"/next" not in asked:
                asked += stream.recv(65536)
            stream.sendall(
                b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
                b"Lambda-Runtime-Deadline-Ms: 9999999999999\r\n"
                b"Lambda-Runtime-Invoked-Function-Arn: a\r\nContent-Length: 2\r\n\r\n{}"
            )
            answer = b""
            while b"number" not in answer:
                answer += stream.recv(65536)
            self.answered.release()
            # Until it is killed.
            stream.recv(1)

    def spawn(self, family, program):
        arguments = {
            "python": ["-B", "-s", "-X", "utf8", CLIENTS / "python.py"],
            "node": ["--max-old-space-size=115", CLIENTS / "node.cjs"],
        }[family]
        return subprocess.Popen(
            [program, *map(str, arguments)],
            cwd=self.code,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": os.environ["PATH"],
                "_HANDLER": "index.handler",
                "LAMBDA_TASK_ROOT": str(self.code),
                "AWS_LAMBDA_RUNTIME_API": self.address,
            },
        )

    def measure(self, family, program):
        """Milliseconds from spawn to first answer."""
        begun = time.perf_counter()
        process = self.spawn(family, program)
        self.answered.acquire()
        taken = (time.perf_counter() - begun) * 1000
        process.kill()
        process.wait()
        return taken

    def burst(self, family, program, count):
        """Seconds of processor time that so many at once take, and until all have answered."""
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        processes = [self.spawn(family, program) for _ in range(count)]
        for _ in processes:
            self.answered.acquire()
        wall = time.perf_counter() - begun
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, wall


# ---- the cloud ------------------------------------------------------------------------------


class Group:
    """A control group that counts processor time; version 1 or 2."""

    def __init__(self):
        old = pathlib.Path("/sys/fs/cgroup/cpuacct")
        self.folder = (old if old.is_dir() else old.parent) / f"bench-{os.getpid()}"
        self.folder.mkdir()

    def seconds(self):
        if (self.folder / "cpuacct.usage").exists():
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        used = (self.folder / "cpu.stat").read_text()
        return int(re.search(r"usage_usec (\d+)", used).group(1)) / 1e6

    def processes(self):
        found = []
        for procs in self.folder.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in procs.read_text().split()]
        return found

    def remove(self):
        for _ in range(100):
            with contextlib.suppress(OSError):
                return self.folder.rmdir()
            time.sleep(0.1)


class Cloud:
    def __init__(self, folder):
        self.group = Group()
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        command = [RELEASE / "cumulet", "serve", "--data", folder / "data", "--region", REGION]
        command += ["--listen", self.address, "--key-file", folder / "key"]
        command += ["--allow-weak-isolation", "process"] if os.getuid() else []
        join = f"echo $$ > {self.group.folder}/cgroup.procs && exec \"$@\""
        self.process = subprocess.Popen(
            ["sh", "-c", join, "sh", *map(str, command)],
            stdout=open(folder / "log", "w"),
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "CUMULET_ROOT_ACCESS_KEY_ID": KEY.access_key,
                "CUMULET_ROOT_SECRET_ACCESS_KEY": KEY.secret_key,
            },
        )
        wait_for(port, self.process)
        self.client = client("lambda", self.address)
        iam = client("iam", self.address)
        made = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.role = made["Role"]["Arn"]

    def make(self, name, runtime, **more):
        make(self.client, name, runtime, self.role, **more)
        return Wire(self.address, name)

    def renew(self, name):
        """No sandbox of the function's is left."""
        self.client.update_function_configuration(
            FunctionName=name, Description=str(time.perf_counter())
        )

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.group.remove()


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise SystemExit("it does not listen")


def client(service, address):
    return boto3.client(
        service,
        endpoint_url=f"http://{address}",
        region_name=REGION,
        aws_access_key_id=KEY.access_key,
        aws_secret_access_key=KEY.secret_key,
        config=Config(retries={"total_max_attempts": 3}, read_timeout=120),
    )


def make(lambda_, name, runtime, role, variables=None, **more):
    lambda_.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="index.handler",
        Role=role,
        Timeout=30,
        Code={"ZipFile": package()},
        Environment={"Variables": variables or {}},
        **more,
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)


class Wire:
    """A signed Invoke as it stands on the wire, and a connection for it."""

    def __init__(self, address, name):
        self.address = address
        path = f"/2015-03-31/functions/{name}/invocations"
        body = b'{"key": "value"}'
        request = AWSRequest(
            "POST", f"http://{address}{path}", data=body, headers={"Host": address}
        )
        SigV4Auth(KEY, "lambda", REGION).add_auth(request)
        lines = [f"POST {path} HTTP/1.1", *(f"{n}: {v}" for n, v in request.headers.items())]
        lines.append(f"Content-Length: {len(body)}")
        self.request = "\r\n".join([*lines, "", ""]).encode() + body
        self.stream = self.connect()

    def connect(self):
        host, port = self.address.split(":")
        stream = socket.create_connection((host, int(port)), WAIT_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream

    def send(self, stream=None):
        (stream or self.stream).sendall(self.request)

    def receive(self, stream=None):
        stream = stream or self.stream
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.some(stream)
        found = re.search(rb"(?i)content-length: *(\d+)", data[:end])
        if found is None:
            # A peer that sends its answer in chunks.
            while not data.endswith(b"0\r\n\r\n"):
                data += self.some(stream)
            body = data[end + 4 :].split(b"\r\n")[1]
        else:
            while len(data) < end + 4 + int(found.group(1)):
                data += self.some(stream)
            body = data[end + 4 :]
        if not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"answered {data[:2000]!r}")
        return json.loads(body)

    @staticmethod
    def some(stream):
        data = stream.recv(65536)
        if not data:
            raise SystemExit("the connection was closed")
        return data

    def measure(self):
        """Milliseconds until the answer, and the answer."""
        begun = time.perf_counter()
        self.send()
        answer = self.receive()
        return (time.perf_counter() - begun) * 1000, answer


# ---- the parts ------------------------------------------------------------------------------


def cold(cloud, plain, rounds):
    for family, runtime, program in runtimes():
        waiting = cloud.make(f"{family}-waits", runtime)
        alone = cloud.make(f"{family}-alone", runtime, variables=OWN_START[family])
        rows = {"plain": [], "waited": [], "found none": [], "started by itself": []}
        for _ in range(rounds):
            rows["plain"].append(plain.measure(family, program))
            cloud.renew(f"{family}-waits")
            # Until another one waits.
            time.sleep(0.5)
            taken, answer = waiting.measure()
            rows["waited" if answer["waited"] else "found none"].append(taken)
            cloud.renew(f"{family}-alone")
            time.sleep(0.1)
            taken, answer = alone.measure()
            assert not answer["waited"]
            rows["started by itself"].append(taken)
        table(f"cold: first answer over HTTP, {runtime}", rows.items(), "ms")


def warm(cloud, folder, plain):
    targets = []
    for family, runtime, _ in runtimes():
        wire = cloud.make(f"{family}-warm", runtime)
        wire.measure()
        file = pathlib.Path(folder) / f"{family}.request"
        file.write_bytes(wire.request)
        targets.append(f"{family}={cloud.process.pid}@{cloud.address}={file}")
    size = len(json.dumps({"waited": True, "number": 0}))
    bare = subprocess.Popen(
        [RELEASE / "cumulet-bench-http", "bare", str(size)], stdout=subprocess.PIPE, text=True
    )
    try:
        address = bare.stdout.readline().strip()
        targets.insert(0, f"bare-hyper={bare.pid}@{address}={file}")
        for connections in ("1", "8"):
            print("== warm: signed Invoke over HTTP (CPU: the cloud's own process)")
            command = [RELEASE / "cumulet-bench-http", "load", connections, "2", *targets]
            subprocess.run([str(word) for word in command], check=True)
            print(flush=True)
    finally:
        bare.kill()


def thaw(cloud, rounds):
    for family, runtime, _ in runtimes():
        wire = cloud.make(f"{family}-thaw", runtime)
        wire.measure()
        rows = {"at once": [], "after 5 ms": [], "after 60 ms: frozen": []}
        for _ in range(rounds):
            for (name, values), pause in zip(rows.items(), (0, 0.005, 0.06)):
                wire.measure()
                time.sleep(pause)
                values.append(wire.measure()[0] * 1000)
        table(f"thaw: the next answer, {runtime}", rows.items(), "µs")


def update(cloud, rounds):
    for family, runtime, _ in runtimes():
        wire = cloud.make(f"{family}-update", runtime)
        wire.measure()
        live = []
        for number in range(1, rounds + 1):
            time.sleep(0.5)
            cloud.client.update_function_code(
                FunctionName=f"{family}-update", ZipFile=package(number)
            )
            begun = time.perf_counter()
            while wire.measure()[1]["number"] != number:
                pass
            live.append((time.perf_counter() - begun) * 1000)
        table(f"update: its answer until the new code has answered, {runtime}", [("", live)], "ms")


def burst(cloud, plain, count, rounds):
    for family, runtime, program in runtimes():
        name = f"{family}-burst"
        wire = cloud.make(name, runtime)
        streams = [wire.connect() for _ in range(count)]
        rows = {"plain, CPU": [], "cloud, CPU": [], "plain, wall": [], "cloud, wall": []}
        for _ in range(rounds):
            used, wall = plain.burst(family, program, count)
            rows["plain, CPU"].append(used)
            rows["plain, wall"].append(wall)
            cloud.renew(name)
            time.sleep(3)
            before, begun = cloud.group.seconds(), time.perf_counter()
            for stream in streams:
                wire.send(stream)
            left = set(streams)
            while left:
                for stream in select.select(list(left), [], [], WAIT_SECONDS)[0]:
                    wire.receive(stream)
                    left.remove(stream)
            wall = time.perf_counter() - begun
            # What is taken apart afterwards counts too.
            cloud.renew(name)
            time.sleep(2)
            rows["cloud, CPU"].append(cloud.group.seconds() - before)
            rows["cloud, wall"].append(wall)
        for stream in streams:
            stream.close()
        table(f"burst: {count} cold calls at once, {runtime}", rows.items(), "s")


def idle(cloud, count):
    family, runtime, _ = next(runtimes())
    wire = cloud.make(f"{family}-idle", runtime)
    before = set(cloud.group.processes())
    streams = [wire.connect() for _ in range(count)]
    # Some of the later calls find a sandbox that is free again, so the number is counted.
    for begin in range(0, count, 50):
        some = streams[begin : begin + 50]
        for stream in some:
            wire.send(stream)
        for stream in some:
            wire.receive(stream)
    sandboxes = set(cloud.group.processes()) - before
    for stream in streams:
        stream.close()
    time.sleep(2)
    used = cloud.group.seconds()
    time.sleep(5)
    used = cloud.group.seconds() - used
    print(f"== idle: {len(sandboxes)} processes of sandboxes (two each), {runtime}")
    total = sum(resident(pid) for pid in sandboxes) / 1024
    each = 2 * total / max(len(sandboxes), 1)
    print(f"memory in all (PSS): {total:.0f} MB, {each:.2f} MB for each sandbox")
    print(f"500 of them: {each * 500 / 1024:.2f} GB")
    print(f"processor time of everything in 5 s: {used * 1000:.1f} ms\n", flush=True)


def resident(pid):
    """KB, what is shared counted in parts."""
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"Pss: +(\d+)", text).group(1))
    return 0


def sandbox():
    print("== sandbox: the crate called directly", flush=True)
    subprocess.run([RELEASE / "examples" / "bench", "5000"], check=True)
    print(flush=True)


def peers(cloud, folder, rounds):
    rows_warm, rows_cold = {}, {}
    family, runtime, _ = next(runtimes())
    targets = {"cumulet": (cloud.make("peer", runtime), lambda: cloud.renew("peer"))}
    with contextlib.ExitStack() as on:
        for name, peer in installed(folder, on, runtime).items():
            targets[name] = peer
        for _ in range(rounds):
            for name, (wire, renew) in targets.items():
                renew()
                time.sleep(0.5)
                rows_cold.setdefault(name, []).append(wire.measure()[0])
                for _ in range(20):
                    rows_warm.setdefault(name, []).append(wire.measure()[0])
    table(f"peers: cold, {runtime}", rows_cold.items(), "ms")
    table(f"peers: warm, {runtime}", rows_warm.items(), "ms")


def installed(folder, on, runtime):
    """The peers that can be had here: (wire, what makes the next call a cold one)."""
    PEERS.mkdir(parents=True, exist_ok=True)
    found, missing = {}, []
    venv = PEERS / "venv"
    if not (venv / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if not (venv / "bin" / "ministack").exists():
        command = [venv / "bin" / "pip", "install", "--quiet", "ministack"]
        subprocess.run(command, capture_output=True)
    if (venv / "bin" / "ministack").exists():
        port = free_port()
        environment = {"GATEWAY_PORT": str(port), "EDGE_PORT": str(port), "PORT": str(port)}
        start(on, folder, "ministack", [venv / "bin" / "ministack"], port, **environment)
        address = f"127.0.0.1:{port}"
        lambda_ = client("lambda", address)
        role = "arn:aws:iam::000000000000:role/bench"
        make(lambda_, "peer", runtime, role)

        def renew():
            # As AWS does it: another environment ends the sandboxes there are.
            lambda_.update_function_configuration(
                FunctionName="peer", Environment={"Variables": {"N": str(time.perf_counter())}}
            )

        found["ministack"] = (Wire(address, "peer"), renew)
    else:
        missing.append("ministack")
    node = PEERS / "offline"
    node.mkdir(exist_ok=True)
    program = node / "node_modules" / "serverless" / "bin" / "serverless.js"
    if not program.exists():
        wanted = ["serverless@3", "serverless-offline@13"]
        for command in (["npm", "init", "-y"], ["npm", "install", *wanted]):
            subprocess.run(command, cwd=node, capture_output=True)
    if program.exists():
        port, other = free_port(), free_port()
        for name, text in CODE.items():
            (node / name).write_text(text)
        (node / "serverless.yml").write_text(
            "service: bench\nframeworkVersion: '3'\nplugins: [serverless-offline]\n"
            f"provider: {{name: aws, runtime: {runtime}}}\n"
            f"custom: {{serverless-offline: {{lambdaPort: {port}, httpPort: {other}, "
            "noPrependStageInUrl: true}}\n"
            "functions: {peer: {handler: index.handler}}\n"
        )
        start(on, node, "serverless-offline", ["node", program, "offline"], port)
        wire = Wire(f"127.0.0.1:{port}", "bench-dev-peer")
        # It cannot be told to start anew: its first answer is its only cold one.
        found["serverless-offline"] = (wire, lambda: None)
    else:
        missing.append("serverless-offline")
    if missing:
        print("cannot be had here, and is left out:", ", ".join(missing))
    return found


def start(on, folder, name, command, port, **environment):
    log = open(pathlib.Path(folder) / f"{name}.log", "w")
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "SLS_TELEMETRY_DISABLED": "1", **environment},
    )
    on.callback(process.wait)
    on.callback(process.terminate)
    wait_for(port, process)


PARTS = ["cold", "warm", "thaw", "update", "burst", "idle", "sandbox", "peers"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS])
    parser.add_argument("--quick", action="store_true", help="few rounds, 20 at once")
    parser.add_argument("--many", type=int, help="calls at once in burst (100) and idle (500)")
    asked = parser.parse_args()
    rounds = 10 if asked.quick else 100
    with tempfile.TemporaryDirectory(prefix="bench-", dir=TARGET) as name:
        folder = pathlib.Path(name)
        cloud, plain = Cloud(folder), Plain(folder)
        load = os.getloadavg()[0]
        print(f"{os.cpu_count()} processors, load {load:.1f} at the start\n")
        at_once = asked.many or (20 if asked.quick else None)
        run = {
            "cold": lambda: cold(cloud, plain, rounds),
            "warm": lambda: warm(cloud, folder, plain),
            "thaw": lambda: thaw(cloud, rounds),
            "update": lambda: update(cloud, max(rounds // 5, 5)),
            "burst": lambda: burst(cloud, plain, at_once or 100, 1 if asked.quick else 3),
            "idle": lambda: idle(cloud, at_once or 500),
            "sandbox": sandbox,
            "peers": lambda: peers(cloud, folder, max(rounds // 10, 3)),
        }
        try:
            for part in asked.parts or PARTS:
                run[part]()
        finally:
            cloud.stop()


if __name__ == "__main__":
    main()
