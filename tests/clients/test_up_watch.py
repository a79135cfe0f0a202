"""`cumulet up --watch`: what is saved is what runs, however an editor saves it; what is wrong is said,
and the next save is a new try."""

import json
import os
import signal
import time

from test_up import FUNCTION, PAGE, PYTHON, SETTINGS, get, node, project, small_app, up

# npm and pip fetch over the network, on a machine that may be busy.
SECONDS = 120
HANDLER = "def handler(event, context):\n    return '{}'\n"
SECOND = """  Second:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: second
      Handler: app.handler
      Runtime: RUNTIME
      Timeout: 30
      FunctionUrlConfig: {AuthType: NONE}
      Events: {Any: {Type: HttpApi, Properties: {Path: /second, Method: GET}}}
Outputs:
  Again: {Value: !Sub "${ServerlessHttpApi.ApiEndpoint}/second"}
"""


def until(running, done, what):
    """Waits for a state; a process that ended, or two minutes without it, fails."""
    deadline = time.monotonic() + SECONDS
    while not done():
        assert running.process.poll() is None, running.said()
        assert time.monotonic() < deadline, f"no {what}\n{running.said()}"
        time.sleep(0.05)


def answers(running, url, body, status=200):
    until(running, lambda: get(url)[:2] == (status, body), f"{status} {body!r} from {url}")


def says(running, words, times=1):
    until(running, lambda: running.said().count(words) >= times, f"{words!r} on standard error")


def save(path, text):
    """As most editors do: another file, renamed over the one that is there."""
    new = path.with_name(path.name + "~")
    new.write_text(text)
    os.replace(new, path)


def template(text):
    return text.replace("RUNTIME", PYTHON)


def test_a_saved_handler_runs(tmp_path):
    app = small_app(tmp_path / "app")
    handler = app / "hello" / "app.py"
    with up(app, "--watch") as running:
        url = running.url("Url")
        assert get(url)[:2] == (200, "one")
        handler.write_text(HANDLER.format("in place"))
        answers(running, url, "in place")
        says(running, "✓ reload Hello: hello/app.py (")
        save(handler, HANDLER.format("renamed over"))
        answers(running, url, "renamed over")
        # What an editor keeps for itself, and what is the same again, reloads nothing.
        (app / "hello" / ".app.py.swp").write_text("x")
        handler.touch()
        # A mistake is the function's: its log says what is wrong, and the next save is better.
        save(handler, "def handler(event, context:\n")
        until(running, lambda: get(url)[0] == 500, "error of a handler with a mistake")
        running.wait_for("SyntaxError")
        save(handler, "from words import word\n" + HANDLER.replace("'{}'", "word"))
        (app / "hello" / "words.py").write_text("word = 'of two files'\n")
        answers(running, url, "of two files")
        (app / "hello" / "words.py").unlink()
        until(running, lambda: get(url)[0] == 500, "error of a handler without its module")
        # The whole folder, as another branch would have it.
        (app / "hello").rename(app / "aside")
        says(running, "cumulet: Hello, from hello: ")
        (app / "aside" / "words.py").write_text("word = 'back again'\n")
        (app / "aside").rename(app / "hello")
        answers(running, url, "back again")
        assert "deploy stack app: updated" not in running.said()
        assert running.stop(signal.SIGTERM) == 0
    # What was reloaded and taken back while nobody watched runs no more.
    save(handler, HANDLER.format("one"))
    for name in ["words.py", ".app.py.swp"]:
        (app / "hello" / name).unlink()
    with up(app, "--no-follow") as running:
        assert get(running.url("Url"))[:2] == (200, "one")
        assert "deploy stack app: no changes" in running.said()
        assert "  Hello: code as it was saved" in running.said()


def test_dependencies_are_fetched_once(tmp_path):
    app = project(tmp_path / "app", "sam-python", PYTHON)
    handler = app / "hello_world" / "app.py"
    brought = app / ".cumulet" / "build" / "HelloWorldFunction-dependencies"
    with up(app, "--watch") as running:
        url = running.url("HelloWorldApi")
        assert json.loads(get(url)[1]) == {"message": "hello world"}
        assert (brought / "brought" / "requests" / "__init__.py").is_file()
        first = (brought / "key").stat().st_mtime_ns
        text = handler.read_text().replace("# import requests", "import requests")
        save(handler, text.replace('"hello world"', "requests.__name__"))
        answers(running, url, json.dumps({"message": "requests"}))
        says(running, "✓ reload HelloWorldFunction: hello_world/app.py (")
        assert (brought / "key").stat().st_mtime_ns == first
        # Other dependencies are others.
        requirements = app / "hello_world" / "requirements.txt"
        save(requirements, requirements.read_text() + "# and no more\n")
        says(running, "✓ reload HelloWorldFunction: hello_world/requirements.txt (")
        assert (brought / "key").stat().st_mtime_ns > first
        assert json.loads(get(url)[1]) == {"message": "requests"}


def test_a_saved_template_is_deployed(tmp_path):
    app = small_app(tmp_path / "app")
    with up(app, "--watch") as running:
        url = running.url("Url")
        assert get(url)[:2] == (200, "one")
        save(app / "template.yaml", "Resources: [\n")
        says(running, "template.yaml: ")
        # The code first, the template after it: both are there when it is deployed.
        (app / "second").mkdir()
        (app / "second" / "app.py").write_text(
            "def handler(event, context):\n    print('heard of')\n    return 'second'\n"
        )
        with_second = FUNCTION.replace("Outputs:\n", SECOND)
        save(app / "template.yaml", template(with_second))
        says(running, "deploy stack app: updated")
        again = running.wait_for("  Again ").split()[1]
        assert get(again)[:2] == (200, "second")
        assert " Second " in running.wait_for("heard of")
        save(app / "second" / "app.py", HANDLER.format("reloaded"))
        answers(running, again, "reloaded")
        # A change that cannot be made: the app stays, and so does the watch.
        wrong = with_second.replace("Timeout: 30", "MemorySize: 1", 1)
        save(app / "template.yaml", template(wrong))
        says(running, "cumulet: stack app: ")
        assert get(url)[:2] == (200, "one")
        # Whatever is saved next, the stack comes first.
        save(app / "template.yaml", template(with_second.replace("Timeout: 30", "Timeout: 20", 1)))
        says(running, "✓ deploy stack app: ", times=3)
        save(app / "hello" / "app.py", HANDLER.format("two"))
        answers(running, url, "two")
        assert running.stop(signal.SIGTERM) == 0


def test_an_app_that_cannot_be_deployed_at_first(tmp_path):
    app = small_app(tmp_path / "app", FUNCTION.replace("CodeUri: hello", "CodeUri: gone"))
    with up(app, "--watch") as running:
        says(running, "CodeUri is `gone`, and there is no ")
        save(app / "template.yaml", template(FUNCTION))
        url = running.wait_for("  Url ").split()[1]
        answers(running, url, "one")
        assert running.stop(signal.SIGTERM) == 0


def test_a_function_that_is_published_is_deployed(tmp_path):
    published = FUNCTION.replace("Timeout: 30", "Timeout: 30\n      AutoPublishAlias: live")
    app = small_app(tmp_path / "app", published)
    with up(app, "--watch", "--no-follow") as running:
        url = running.url("Url")
        assert get(url)[:2] == (200, "one")
        save(app / "hello" / "app.py", HANDLER.format("two"))
        answers(running, url, "two")
        says(running, "deploy stack app: updated")
        assert "reload" not in running.said()


def test_a_page_and_a_bundle_are_built_anew(tmp_path):
    function = FUNCTION.split("Resources:", 1)[1].split("Outputs:")[0]
    bundled = function.replace(
        "    Properties:\n      CodeUri",
        "    Metadata: {BuildMethod: esbuild, BuildProperties: {EntryPoints: [app.ts]}}\n"
        "    Properties:\n      CodeUri",
    )
    transform = "Transform: AWS::Serverless-2016-10-31\nResources:"
    both = PAGE.replace("Resources:", transform + bundled)
    both += "  Url: {Value: !GetAtt ServerlessHttpApi.ApiEndpoint}\n"
    files = {
        "cumulet.toml": SETTINGS,
        "web/src/index.html": "<!doctype html><p>one",
        "hello/package.json": json.dumps({"devDependencies": {"esbuild": "0.25.x"}}),
        "hello/app.ts": "import { word } from './word';\n"
        "export const handler = async (): Promise<string> => word;\n",
        "hello/word.ts": "export const word: string = 'one';\n",
    }
    app = small_app(tmp_path / "app", both, runtime=node(), **files)
    with up(app, "--watch", "--no-follow") as running:
        site, url = running.url("Site"), running.url("Url")
        assert get(url)[:2] == (200, "one") and get(site)[1] == "<!doctype html><p>one"
        save(app / "web" / "src" / "index.html", "<!doctype html><p>two")
        until(running, lambda: get(site)[1] == "<!doctype html><p>two", "page that was saved")
        says(running, "✓ reload page web: 1 of 2 files to ")
        # Neither what the build wrote nor what was uploaded is a change.
        save(app / "hello" / "word.ts", "export const word: string = ;\n")
        says(running, "cumulet: Hello, from hello: ")
        assert "word.ts" in running.said()
        save(app / "hello" / "word.ts", "export const word: string = 'two';\n")
        answers(running, url, "two")
        save(app / "web" / "src" / "index.html", "<!doctype html><p>three")
        until(running, lambda: get(site)[1] == "<!doctype html><p>three", "page that was saved")
        says(running, "✓ reload page", times=2)
        assert (app / "web" / "log").read_text() == "built\n" * 3
        assert running.said().count("✓ reload page") == 2
        assert running.said().count("deploy stack") == running.said().count("deploy stack paged")
        assert "paged: updated" not in running.said()
