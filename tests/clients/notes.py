"""examples/notes, brought up by `cumulet up`, and those who use it: in a browser, and by its API."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

from botocore import UNSIGNED
from botocore.config import Config
from playwright.sync_api import sync_playwright
from pycognito.aws_srp import AWSSRP

from conftest import Cloud

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "notes"
PASSWORD = "Corr3ct-horse"
# A build installs packages over the network, on a machine that may be busy.
BUILD_SECONDS = 900
SECONDS = 60


def eventually(happened, seconds=SECONDS):
    """What `happened` returns once it is true; a policy's change, a log line take a moment."""
    deadline = time.monotonic() + seconds
    while True:
        value = happened()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {value!r}"
        time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def version_of(program, pattern):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(pattern, said)[1]


def runtimes():
    """Parameters for the runtimes that this machine has: `serve` wants the very ones."""
    node = version_of("node", r"v(\d+)")
    python = version_of("python3", r"Python (3\.\d+)")
    return {"NodeRuntime": f"nodejs{node}.x", "PythonRuntime": f"python{python}"}


def copy_of_the_example(folder):
    """The example as it is in the repository: what was built in it is left behind."""
    left_out = ["node_modules", "dist", ".cumulet", ".aws-sam", "amplify_outputs.json"]
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(*left_out, "__pycache__"))
    return folder


def request(method, url, token=None, body=None, **headers):
    """Status, body and headers; the body is read as JSON where it is."""
    data = None if body is None else json.dumps(body).encode()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    asked = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as response:
            status, content, got = response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        status, content, got = error.code, error.read(), error.headers
    if content and "json" in got.get("Content-Type", ""):
        content = json.loads(content)
    return status, content, got


class App:
    """The app of one stack, wherever it runs: its people, their mail, its API."""

    def __init__(self, cloud, stack, page):
        self.cloud = cloud
        self.stack = stack
        self.page = page
        described = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}

    def physical(self, logical):
        client = self.cloud.client("cloudformation")
        found = client.describe_stack_resource(StackName=self.stack, LogicalResourceId=logical)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def anyone(self):
        """The user pool as a browser sees it: without AWS credentials."""
        return self.cloud.client("cognito-idp", Config(signature_version=UNSIGNED))

    def code_for(self, email):
        """The code of the newest mail to an address."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self.cloud.admin_token}",
        }

        def newest():
            url = f"{self.cloud.endpoint}/_cumulet/mailbox"
            status, messages, _ = request("GET", url, **headers)
            assert status == 200, messages
            mine = [message for message in messages if message["to"] == email]
            return max(mine, key=lambda message: message["at"], default=None)

        message = eventually(newest)
        assert message["channel"] == "EMAIL"
        assert message["subject"] == "Your code for Notes"
        return re.search(r"\b\d{6}\b", message["body"])[0]

    def sign_up(self, email):
        anyone = self.anyone()
        client_id = self.outputs["UserPoolClientId"]
        anyone.sign_up(ClientId=client_id, Username=email, Password=PASSWORD)
        code = self.code_for(email)
        anyone.confirm_sign_up(ClientId=client_id, Username=email, ConfirmationCode=code)
        return self.sign_in(email)

    def sign_in(self, email):
        """Tokens, over SRP as in the browser."""
        srp = AWSSRP(
            username=email,
            password=PASSWORD,
            pool_id=self.outputs["UserPoolId"],
            client_id=self.outputs["UserPoolClientId"],
            client=self.anyone(),
        )
        return srp.authenticate_user()["AuthenticationResult"]

    def refresh(self, refresh_token):
        return self.anyone().initiate_auth(
            ClientId=self.outputs["UserPoolClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": refresh_token},
        )["AuthenticationResult"]

    def notes(self, method, path="", token=None, body=None):
        """Asks the API as the page does, through the distribution."""
        return request(method, f"{self.page}/api/notes{path}", token, body)[:2]

    def log_lines(self, group, pattern=""):
        logs = self.cloud.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.physical(group), filterPattern=pattern
        )
        return [event["message"] for page in pages for event in page["events"]]


class Up(Cloud):
    """A cloud that `cumulet up` started; started again, it is only served."""

    def __init__(self, folder, app):
        self.app = app
        self.is_up = False
        # The page is told where the user pool is, so the port stays.
        super().__init__(folder, listen=f"127.0.0.1:{free_port()}")
        # Nothing is built or deployed from here on: what is there was kept.
        self.is_up = True

    def command(self):
        if self.is_up:
            return super().command()
        chosen = [f"--parameter={key}={value}" for key, value in runtimes().items()]
        return ["up", self.app, "--no-follow", *chosen, "--listen", self.listen]

    def wait_until_up(self):
        def is_up():
            assert self.process.poll() is None, self.explain("did not come up")
            return any(line.startswith("notes is up") for line in self.printed)

        eventually(is_up, BUILD_SECONDS)

    def printed_url(self, output):
        """The URL that is printed beside an output's name."""
        lines = [line.split() for line in self.printed]
        return eventually(
            lambda: next((words[1] for words in lines if words[:1] == [output]), None)
        ).rstrip("/")


CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium():
    """A headless browser; without one the tests fail, they are never skipped."""
    path = os.environ.get("CUMULET_CHROMIUM") or shutil.which("chromium")
    assert path, "install Chromium (Debian: apt install chromium), or run `cargo xtask test`"
    return path


def browsers():
    """Playwright, with a browser of this machine's."""
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
    return playwright, browser


class Visitor:
    """Somebody at the page, with a browser profile of his own."""

    def __init__(self, browser, app, shots):
        self.app = app
        self.shots = shots
        self.context = browser.new_context(locale="en-GB", timezone_id="UTC")
        self.page = self.context.new_page()
        self.page.set_default_timeout(SECONDS * 1000)
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def shoot(self, name):
        """Screenshots of a state, light and dark, wide and narrow: for people to look at."""
        for scheme in ["light", "dark"]:
            for width, height in [(1280, 800), (390, 844)]:
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                self.page.set_viewport_size({"width": width, "height": height})
                wide = "wide" if width > 1000 else "narrow"
                self.page.screenshot(path=self.shots / f"{name}-{scheme}-{wide}.png")
                overflow = "document.documentElement.scrollWidth > innerWidth"
                assert not self.page.evaluate(overflow), f"{name} is wider than {width}"
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def open(self):
        self.page.goto(self.app.page)

    def form(self, name):
        return self.page.locator(f"#{name}")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def notice(self, kind):
        return self.page.locator(f"#notice[data-kind={kind}]")

    def sign_up(self, email):
        self.press("Create an account")
        form = self.form("sign-up")
        form.get_by_label("Email").fill(email)
        form.get_by_label("Password").fill(PASSWORD)
        self.press("Create account")
        self.form("confirm").get_by_label("Code").wait_for()

    def confirm(self, code):
        self.form("confirm").get_by_label("Code").fill(code)
        self.press("Confirm")

    def sign_in(self, password=PASSWORD, email=None):
        form = self.form("sign-in")
        if email:
            form.get_by_label("Email").fill(email)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button", name="Sign in", exact=True).click()

    def add(self, title, text=""):
        self.page.get_by_label("Title of the new note").fill(title)
        self.page.get_by_label("Text of the new note").fill(text)
        self.press("Add note")
        self.heading(title).wait_for()

    def heading(self, title):
        return self.page.get_by_role("heading", name=title, exact=True)

    def titles(self):
        return self.page.locator(".note h2").all_text_contents()

    def stored(self, kind):
        """What Amplify keeps of the session in this browser."""
        pick = "kind => Object.entries(localStorage).find(([key]) => key.endsWith(kind))?.[1]"
        return self.page.evaluate(pick, kind)
