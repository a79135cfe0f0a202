"""What an application costs the cloud it runs in: examples/notes, brought up by the release binary.

    cargo build --release -p cumulet -p cumulet-bench-http
    target/venv/bin/python bench/notes.py      # the suite's packages, as `cargo xtask test` has them

Prints how soon the cloud is ready on a folder with the application in it, what it holds in memory
when idle, and the server's CPU time for a page out of the distribution's cache beside a bare hyper
server's for as many bytes (`bench/http`, five interleaved rounds), and how long a signed-in GET
/notes takes, of which how much is not the function's.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[1]
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
os.environ.setdefault("CUMULET_BIN", str(RELEASE / "cumulet"))
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from notes import App, Up, copy_of_the_example  # noqa: E402

STARTS = 15
ASKED = 300


def resident(pid):
    """Megabytes of memory that a process has of its own or shares."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def starts(cloud):
    """Milliseconds from each start until the cloud says where it listens."""
    taken = []
    for _ in range(STARTS):
        cloud.kill()
        begun = time.perf_counter()
        cloud.start()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def head(url, **headers):
    """A GET as it stands on the wire."""
    parts = urllib.parse.urlsplit(url)
    lines = [f"GET {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def load(folder, connections, targets):
    """Asks (name, pid, url, headers) targets side by side and prints the table."""
    words = []
    for name, pid, url, headers in targets:
        file = pathlib.Path(folder) / f"{name}.request"
        file.write_bytes(head(url, **headers))
        words.append(f"{name}={pid}@{urllib.parse.urlsplit(url).netloc}={file}")
    command = [RELEASE / "cumulet-bench-http", "load", str(connections), "3", *words]
    subprocess.run(command, check=True)


def function_milliseconds(app, since):
    """Durations of the listing function's invocations, as its log reports them."""
    found = []
    for line in app.log_lines("BrowseLogs", '{ $.type = "platform.report" }')[-since:]:
        found.append(json.loads(line)["record"]["metrics"]["durationMs"])
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="cumulet-bench-") as folder:
        cloud = Up(folder, copy_of_the_example(pathlib.Path(folder) / "notes"))
        try:
            cloud.wait_until_up()
            page, api = cloud.printed_url("PageUrl"), cloud.printed_url("ApiUrl")
            measure(folder, cloud, page, api)
        finally:
            cloud.kill()


def measure(folder, cloud, page, api):
    taken = starts(cloud)
    print(f"binary: {os.stat(os.environ['CUMULET_BIN']).st_size / 2**20:.1f} MB")
    print(f"ready after: median {statistics.median(taken):.0f} ms, best {min(taken):.0f} ms")
    time.sleep(2)
    print(f"resident when idle: {resident(cloud.process.pid):.1f} MB\n")

    app = App(cloud, "notes", page)
    token = app.sign_up("ann@example.com")["IdToken"]
    for number in range(10):
        app.notes("POST", token=token, body={"title": f"note {number}", "text": "x" * 100})
    status, shown = app.notes("GET", token=token)
    assert status == 200 and len(shown["notes"]) == 10, shown

    size = len(subprocess.run(["curl", "-s", page], capture_output=True, check=True).stdout)
    bare = subprocess.Popen(
        [RELEASE / "cumulet-bench-http", "bare", str(size)], stdout=subprocess.PIPE, text=True
    )
    try:
        limit = "http://" + bare.stdout.readline().strip()
        pid = cloud.process.pid
        load(folder, 8, [("bare-hyper", bare.pid, limit, {}), ("page-out-of-cache", pid, page, {})])
        signed_in = {"Authorization": f"Bearer {token}"}
        print()
        load(folder, 1, [("GET-notes", pid, f"{api}/notes", signed_in)])
    finally:
        bare.kill()
    inside = statistics.median(function_milliseconds(app, ASKED))
    print(f"\nof which inside the function: median {inside:.2f} ms of the last {ASKED}")


if __name__ == "__main__":
    main()
