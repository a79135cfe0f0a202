"""`cumulet runtimes`: what functions run in, and versions of Node.js that npm brings, which a running
cloud finds at once. Needs npm and its registry, as the suite's other packages do."""

import json
import os
import subprocess

import pytest

from conftest import binary, refused, running_cloud
from test_lambda import create, invoke, package, role_of

VERSION = package(index__mjs="export const handler = async () => process.version;\n")
# npm fetches fifty megabytes for each, on a machine that may be busy.
SECONDS = 600
# As if the machine had nothing installed, whatever it has.
BARE = {"PATH": "/nonexistent", "NVM_DIR": os.devnull, "PYENV_ROOT": os.devnull}


def runtimes(folder, *arguments, check=True, **variables):
    environment = {**os.environ, "CUMULET_RUNTIMES": str(folder), **variables}
    done = subprocess.run(
        [binary(), "runtimes", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment,
    )
    if check:
        assert done.returncode == 0, (done.stdout, done.stderr)
    return done


def listed(folder, **variables):
    return json.loads(runtimes(folder, "--json", **variables).stdout)


@pytest.fixture
def bare(tmp_path):
    """A cloud whose machine has no interpreter, and its empty folder for some."""
    folder = tmp_path / "runtimes"
    folder.mkdir()
    with running_cloud(CUMULET_RUNTIMES=str(folder), **BARE) as cloud:
        yield cloud, folder


def test_node_is_fetched_and_a_running_cloud_has_it_at_once(bare):
    cloud, folder = bare
    client, role = cloud.client("lambda"), role_of(cloud)
    with refused("InvalidParameterValueException") as refusal:
        create(client, "early", role, VERSION, Runtime="nodejs22.x")
    assert "nodejs22.x is not installed on this machine" in refusal.response["Error"]["Message"]
    assert listed(folder, **BARE)["interpreters"] == []

    said = runtimes(folder, "add", "nodejs22.x", "nodejs24.x").stdout
    for major in (22, 24):
        name = f"nodejs{major}.x"
        assert f"{name}: Node.js {major}." in said, said
        create(client, name.replace(".", "-"), role, VERSION, Runtime=name)
        version, _ = invoke(client, name.replace(".", "-"))
        assert version.startswith(f"v{major}."), version
        row = next(one for one in listed(folder, **BARE)["interpreters"] if name in one["runs"])
        assert (row["language"], row["source"]) == ("Node.js", "runtimes folder")
        assert "v" + row["version"] == version
        assert row["path"] == str((folder / name / "bin" / "node").resolve())
    # Production runs a function in its own version or not at all.
    with refused("InvalidParameterValueException") as refusal:
        create(client, "old", role, VERSION, Runtime="nodejs20.x")
    assert "the nearest is 22." in refusal.response["Error"]["Message"]
    text = runtimes(folder, **BARE).stdout
    assert "nodejs22.x; in place of nodejs20.x" in text
    # Nothing is left of the work.
    assert sorted(os.listdir(folder)) == [".lock", "nodejs22.x", "nodejs24.x"]


def test_what_cannot_be_fetched_is_said(tmp_path):
    def why(*names, **variables):
        done = runtimes(tmp_path / "none", "add", *names, check=False, **variables)
        assert done.returncode == 1 and done.stdout == "", done
        assert not (tmp_path / "none").exists()
        return done.stderr

    assert "npm is not in PATH" in why("nodejs22.x", PATH="/nonexistent")
    assert "install Python 3.12 by the system's packages or by pyenv" in why("python3.12")
    # One that is none fetches none of the others.
    assert '"nodejs18.x" is not a runtime that is offered' in why("nodejs22.x", "nodejs18.x")


def test_npms_own_words_are_passed_on(tmp_path):
    nobody = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    nobody["npm_config_cache"] = str(tmp_path / "cache")
    done = runtimes(tmp_path, "add", "nodejs22.x", check=False, **nobody)
    assert done.returncode == 1, done
    assert "`npm install node-linux-" in done.stderr and "ECONNREFUSED" in done.stderr
    assert not (tmp_path / "nodejs22.x").exists() and not (tmp_path / ".new").exists()
