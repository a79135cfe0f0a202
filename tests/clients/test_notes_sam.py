"""examples/notes by the steps of its README: the SAM CLI, `cumulet config`, npm and the AWS CLI, all
unmodified and with nothing but AWS_* variables, against a cloud that is only served."""

import json
import os
import subprocess
import urllib.parse

import pytest

from conftest import binary, running_cloud
from notes import BUILD_SECONDS, App, Visitor, browsers, copy_of_the_example, eventually, runtimes

STACK = "notes-by-sam"


@pytest.fixture
def cloud():
    with running_cloud() as own:
        yield own


@pytest.fixture
def run(cloud, tmp_path):
    """Runs a program in a copy of the example's folder, and says what it said."""
    sam = os.environ.get("CUMULET_SAM_BIN")
    assert sam, "run `cargo xtask test clients`, which installs the SAM CLI"
    folder = copy_of_the_example(tmp_path / "notes")
    settings = cloud.environment()
    # npm and pip keep what this machine's settings say of where packages come from.
    environment = {**os.environ, **settings, "HOME": os.environ["HOME"], "SAM_CLI_TELEMETRY": "0"}
    environment["PATH"] = os.pathsep.join([settings["PATH"], sam])

    def run(*arguments):
        done = subprocess.run(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
        )
        assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def page_of(cloud, run, url):
    """Where the page is on this machine, as `cumulet status` says."""
    host = urllib.parse.urlsplit(url).hostname.replace(".cloudfront.net", ".cloudfront.localhost")

    def found():
        told = run(binary(), "status", "--json", "--data", cloud.folder / "data")
        sites = {site["host"]: site["url"] for site in json.loads(told)["sites"]}
        return sites.get(host)

    return eventually(found)


def test_the_steps_of_the_readme(cloud, run, tmp_path):
    chosen = [f"{name}={value}" for name, value in runtimes().items()]
    run("sam", "build", "--parameter-overrides", *chosen)
    deploy = ["sam", "deploy", "--stack-name", STACK, "--resolve-s3", "--no-progressbar"]
    run(*deploy, "--capabilities", "CAPABILITY_IAM", "--parameter-overrides", *chosen)
    place = ["--data", cloud.folder / "data", "--key-file", cloud.folder / "master.key"]
    run(binary(), "config", STACK, "--out", "web/public/amplify_outputs.json", *place)
    run("npm", "--prefix", "web", "ci")
    run("npm", "--prefix", "web", "run", "build")

    app = App(cloud, STACK, None)
    bucket, distribution = app.outputs["PageBucketName"], app.outputs["DistributionId"]
    run("aws", "s3", "sync", "web/dist", f"s3://{bucket}", "--delete")
    invalidation = ["--distribution-id", distribution, "--paths", "/*"]
    run("aws", "cloudfront", "create-invalidation", *invalidation)
    app.page = page_of(cloud, run, app.outputs["PageUrl"])
    app.sign_up("ann@example.com")
    playwright, browser = browsers()
    try:
        visitor = Visitor(browser, app, tmp_path)
        visitor.open()
        visitor.sign_in(email="ann@example.com")
        visitor.page.get_by_text("Nothing here yet").wait_for()
        visitor.add("By SAM")
        visitor.page.reload()
        visitor.heading("By SAM").wait_for()
    finally:
        browser.close()
        playwright.stop()

    run("aws", "s3", "rm", f"s3://{bucket}", "--recursive")
    run("sam", "delete", "--stack-name", STACK, "--no-prompts")
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("apigateway").get_rest_apis()["items"] == []
