"""`cumulet up`: a folder with a template becomes an application that answers; where that cannot be,
it says what is wrong."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile

import pytest
from conftest import binary

APPS = pathlib.Path(__file__).resolve().parent / "apps"
# npm and pip fetch over the network, on a machine that may be busy.
BUILD_SECONDS = 600
SECONDS = 60
PYTHON = f"python3.{sys.version_info.minor}"


def node():
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return "nodejs{}.x".format(re.match(r"v(\d+)", said)[1])


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def project(folder, name, runtime):
    """A project as `sam init` makes it for this machine's version of the language."""
    shutil.copytree(APPS / name, folder)
    template = folder / "template.yaml"
    text, count = re.subn(r"Runtime: \S+", f"Runtime: {runtime}", template.read_text())
    assert count == 1
    template.write_text(text)
    return folder


class Up:
    """A running `cumulet up`."""

    def __init__(self, app, *options):
        self.error = (app / ".stderr").open("w+")
        self.lines = []
        environment = {name: value for name, value in os.environ.items() if name != "CUMULET_DATA"}
        if "--listen" not in options:
            options = [*options, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [binary(), "up", app, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.error,
            text=True,
            env=environment,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, wanted, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not (found := [line for line in self.lines if wanted in line]):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"no {wanted!r}: {self.lines}\n{self.said()}"
            time.sleep(0.02)
        return found[0]

    def url(self, output):
        """What is printed beside an output's name."""
        self.wait_for(" is up ", BUILD_SECONDS)
        return self.wait_for(f"  {output} ").split()[1]

    def said(self):
        return pathlib.Path(self.error.name).read_text()

    def stop(self, by=signal.SIGINT):
        self.process.send_signal(by)
        return self.process.wait(SECONDS)

    def ended(self, seconds=BUILD_SECONDS):
        return self.process.wait(seconds)


@contextlib.contextmanager
def up(app, *options):
    running = Up(app, *options)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait(SECONDS)
        running.error.close()


def refused(app, *options):
    """What an `up` that fails says, on one line."""
    with up(app, "--no-follow", *options) as running:
        assert running.ended() == 1, running.said()
        assert not any(" is up " in line for line in running.lines)
        return running.said()


def test_the_node_project_of_sam_init(tmp_path):
    app = project(tmp_path / "app", "sam-node", node())
    with up(app, "--no-follow") as running:
        url = running.url("HelloWorldApi")
        assert url.endswith("/Prod/hello/")
        status, body, _ = get(url)
        assert (status, json.loads(body)) == (200, {"message": "hello world"})
        assert running.stop(signal.SIGTERM) == 0, running.said()
    # Production's dependencies are in the package, and not those of development.
    names = zipfile.ZipFile(app / ".cumulet/build/HelloWorldFunction.zip").namelist()
    assert "node_modules/axios/package.json" in names
    assert not any("mocha" in name for name in names)

    source = app / "hello-world" / "app.mjs"
    text = source.read_text().replace("'hello world'", "`hello again from ${typeof axios.get}`")
    source.write_text("import axios from 'axios';\n" + text)
    with up(app, "--no-follow") as running:
        # The stack is the same one, and so is its URL.
        assert running.url("HelloWorldApi").endswith("/Prod/hello/")
        status, body, _ = get(running.url("HelloWorldApi"))
        assert (status, json.loads(body)) == (200, {"message": "hello again from function"})
        assert "deploy stack sam-node: updated" in running.said()


def test_the_python_project_of_sam_init_and_its_logs(tmp_path):
    app = project(tmp_path / "app", "sam-python", PYTHON)
    source = app / "hello_world" / "app.py"
    source.write_text(
        source.read_text()
        .replace("# import requests", "import requests")
        .replace("    # try:", "    print('asked of', requests.__name__)")
    )
    with up(app) as running:
        status, body, _ = get(running.url("HelloWorldApi"))
        assert (status, json.loads(body)) == (200, {"message": "hello world"})
        line = running.wait_for("asked of requests")
        assert re.match(r"\d\d:\d\d:\d\d HelloWorldFunction  ", line), line
        # The credentials that it tells of are those of this cloud.
        env = running.wait_for("credentials").split(None, 1)[1]
        shell = ["sh", "-c", env + " && env"]
        said = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        assert f"AWS_ENDPOINT_URL={running.lines[0].split()[-1]}" in said.splitlines()
        assert running.stop() == 0, running.said()
    with up(app) as running:
        assert get(running.url("HelloWorldApi"))[0] == 200
        said = running.said()
        assert "unchanged" in said and "deploy stack sam-python: no changes" in said
        assert running.stop() == 0, said


FUNCTION = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello
      Handler: app.handler
      Runtime: RUNTIME
      Timeout: 30
      Events: {Any: {Type: HttpApi}}
Outputs:
  Url: {Value: !GetAtt ServerlessHttpApi.ApiEndpoint}
"""


def small_app(folder, template=FUNCTION, runtime=PYTHON, **files):
    folder.mkdir()
    (folder / "template.yaml").write_text(template.replace("RUNTIME", runtime))
    files.setdefault("hello/app.py", "def handler(event, context):\n    return 'one'\n")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_failed_update_leaves_the_version_before_it(tmp_path):
    app = small_app(tmp_path / "app")
    with up(app, "--no-follow") as running:
        assert get(running.url("Url"))[:2] == (200, "one")
        assert running.stop() == 0
    wrong = FUNCTION.replace("Timeout: 30", "Timeout: 30\n      MemorySize: 1")
    (app / "template.yaml").write_text(wrong.replace("RUNTIME", PYTHON))
    (app / "hello" / "app.py").write_text("def handler(event, context):\n    return 'two'\n")
    # A script wants to know at once.
    said = refused(app)
    assert "stack app: " in said and "memorySize" in said, said
    # A person goes on with what there is.
    with up(app) as running:
        assert get(running.url("Url"))[:2] == (200, "one")
        assert "The version before it is still deployed" in running.said()
        assert running.stop() == 1
    (app / "template.yaml").write_text(FUNCTION.replace("RUNTIME", PYTHON))
    with up(app) as running:
        assert get(running.url("Url"))[:2] == (200, "two")


def test_a_failed_creation_is_begun_anew(tmp_path):
    wrong = FUNCTION.replace("Timeout: 30", "MemorySize: 1")
    app = small_app(tmp_path / "app", wrong)
    said = refused(app)
    reason = r"it ended in ROLLBACK_COMPLETE\n  Hello \(AWS::Lambda::Function\): .*memorySize"
    assert re.search(reason, said), said
    (app / "template.yaml").write_text(FUNCTION.replace("RUNTIME", PYTHON))
    with up(app, "--no-follow") as running:
        assert get(running.url("Url"))[:2] == (200, "one")


PAGE = """
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      WebsiteConfiguration: {IndexDocument: index.html}
      PublicAccessBlockConfiguration: {BlockPublicPolicy: false, RestrictPublicBuckets: false}
  Read:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Statement:
          - {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !Sub "${Bucket.Arn}/*"}
Outputs:
  Site: {Value: !GetAtt Bucket.WebsiteURL}
"""

SETTINGS = """
[stack]
name = "paged"
[[page]]
folder = "web"
build = "rm -rf dist && cp -r src dist && cp config.json dist && echo built >> log"
output = "dist"
bucket = "Bucket"
config = "config.json"
"""


def test_a_page_is_configured_built_and_uploaded(tmp_path):
    files = {
        "cumulet.toml": SETTINGS.replace(" && echo built >> log", ""),
        "web/src/index.html": "<!doctype html><p>one",
        "web/src/assets/app-BdX3k9aQ.js": "1",
        "web/src/old.txt": "old",
    }
    app = small_app(tmp_path / "app", PAGE, **files)
    with up(app, "--no-follow") as running:
        site = running.url("Site")
        status, body, headers = get(site)
        assert (status, body) == (200, "<!doctype html><p>one")
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-cache"
        _, _, headers = get(f"{site}/assets/app-BdX3k9aQ.js")
        assert headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert "immutable" in headers["Cache-Control"]
        config = json.loads(get(f"{site}/config.json")[1])
        assert config["custom"]["stack"] == "paged"
        assert get(f"{site}/old.txt")[0] == 200
        assert running.stop() == 0
    (app / "web/src/index.html").write_text("<!doctype html><p>two")
    (app / "web/src/old.txt").unlink()
    with up(app, "--no-follow") as running:
        site = running.url("Site")
        assert get(site)[1] == "<!doctype html><p>two"
        # What is not there is forbidden to those who may not list.
        assert get(f"{site}/old.txt")[0] == 403
        assert "1 of 3 files (1 removed)" in running.said()
        assert running.stop() == 0
    with up(app, "--no-follow") as running:
        running.url("Site")
        assert "3 files, unchanged" in running.said()


def built_by(metadata):
    properties = "    Properties:\n      CodeUri"
    return FUNCTION.replace(properties, f"    Metadata: {metadata}\n{properties}")


def test_makefiles_build_too(tmp_path):
    template = built_by("{BuildMethod: makefile}")
    makefile = "build-Hello:\n\tsed s/one/made/ app.py > $(ARTIFACTS_DIR)/app.py\n"
    app = small_app(tmp_path / "app", template, **{"hello/Makefile": makefile})
    with up(app, "--no-follow") as running:
        assert get(running.url("Url"))[:2] == (200, "made")


def test_esbuild_bundles(tmp_path):
    properties = "{EntryPoints: [app.ts], Sourcemap: true}"
    template = built_by(f"{{BuildMethod: esbuild, BuildProperties: {properties}}}")
    files = {
        "hello/package.json": json.dumps({"devDependencies": {"esbuild": "0.25.x"}}),
        "hello/app.ts": "import { word } from './word';\n"
        "export const handler = async (): Promise<string> => word;\n",
        "hello/word.ts": "export const word: string = 'bundled';\n",
    }
    app = small_app(tmp_path / "app", template, runtime=node(), **files)
    with up(app, "--no-follow") as running:
        assert get(running.url("Url"))[:2] == (200, "bundled")
    names = zipfile.ZipFile(app / ".cumulet/build/Hello.zip").namelist()
    assert sorted(names) == ["app.js", "app.js.map"]


def page(settings):
    return {"cumulet.toml": f"[[page]]\nfolder = 'hello'\n{settings}\n"}


def template(text):
    return {"template.yaml": text}


NOTHING_STARTS = [
    (template(None), [], "has no template"),
    (template("Resources:\n  A: [\n"), [], r"template\.yaml: .*line \d+"),
    (template("Description: x\n"), [], "has `Resources`, and this has none"),
    ({"cumulet.toml": "[stack]\nnmae = 1\n"}, [], r"(?s)cumulet\.toml: .*unknown field `nmae`"),
    (
        {"cumulet.toml": "[[page]]\nfolder = 'web'\nbucket = 'B'\n"},
        [],
        "the page's folder `web` is not there",
    ),
]

NOTHING_IS_DEPLOYED = [
    (
        template("Resources: {A: {Type: 'AWS::No::Thing'}}"),
        [],
        r"Unrecognized resource types: \[AWS::No::Thing\]",
    ),
    (
        template(FUNCTION.replace("CodeUri: hello", "CodeUri: gone")),
        [],
        "CodeUri is `gone`, and there is no ",
    ),
    (template(FUNCTION.replace("RUNTIME", "java21")), [], "the runtime java21 is not offered"),
    (
        {"hello/requirements.txt": "./no-such-package\n"},
        [],
        r"(?s)Hello, from hello: `.* install -r requirements\.txt` failed .*no-such-package",
    ),
    ({}, ["--parameter", "No=1"], "no parameter `No`"),
    (template(FUNCTION + "Parameters: {Word: {Type: String}}\n"), [], "`Word` has no default"),
    (page("output = 'dist'\nbucket = 'B'"), [], "there is no folder .*hello/dist"),
    (
        page("build = 'echo oh no; exit 3'\nbucket = 'B'"),
        [],
        r"(?s)page hello: `echo oh no; exit 3` failed .*\| oh no",
    ),
    (page("bucket = 'no-such-bucket'"), [], "the bucket no-such-bucket: "),
]


@pytest.mark.parametrize("change, options, words", NOTHING_STARTS + NOTHING_IS_DEPLOYED)
def test_what_is_wrong_is_said(tmp_path, change, options, words):
    app = small_app(tmp_path / "app")
    for name, text in change.items():
        if text is None:
            (app / name).unlink()
        else:
            (app / name).write_text(text.replace("RUNTIME", PYTHON))
    said = refused(app, *options)
    assert re.search(words, said), said
    if (change, options, words) in NOTHING_STARTS:
        assert not (app / ".cumulet").exists()


def test_a_port_in_use_is_said(tmp_path):
    app = small_app(tmp_path / "app")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(app, "--listen", f"127.0.0.1:{port}")
    assert f"127.0.0.1:{port} is in use" in said and "--listen" in said, said


def test_ctrl_c_ends_a_build_and_what_it_started(tmp_path):
    settings = page("build = 'touch begun; sleep 600; touch late'\nbucket = 'B'")
    app = small_app(tmp_path / "app", **settings)
    with up(app, "--no-follow") as running:
        deadline = time.monotonic() + BUILD_SECONDS
        while not (app / "hello" / "begun").exists():
            assert running.process.poll() is None and time.monotonic() < deadline, running.said()
            time.sleep(0.05)
        assert running.stop() == 130, running.said()
    assert working_in(app) == []


def working_in(folder):
    """Processes whose working folder lies in this one."""
    found = []
    for process in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder in pathlib.Path(os.readlink(process / "cwd")).parents:
                found.append(process.name)
    return found
