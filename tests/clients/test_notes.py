"""The whole path: `cumulet up examples/notes`, and its page in a real browser. What is broken on
purpose is broken last: a role's statements one by one, and the process by kill -9."""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import tempfile
import threading

import pytest

from conftest import refused
from notes import ROOT, App, Up, Visitor, browsers, copy_of_the_example, eventually, request

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"


@pytest.fixture(scope="module")
def app():
    with tempfile.TemporaryDirectory(prefix="cumulet-notes-") as folder:
        folder = pathlib.Path(folder)
        cloud = Up(folder, copy_of_the_example(folder / "notes"))
        try:
            cloud.wait_until_up()
            yield App(cloud, "notes", cloud.printed_url("PageUrl"))
        finally:
            cloud.kill()
            cloud.process.stdout.close()


@pytest.fixture(scope="module")
def browser():
    playwright, browser = browsers()
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture
def visitor(browser, app):
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    shots = target / "screenshots"
    shots.mkdir(parents=True, exist_ok=True)
    visitor = Visitor(browser, app, shots)
    yield visitor
    visitor.context.close()
    assert visitor.errors == []


@pytest.fixture(scope="module")
def eve(app):
    """The ID token of somebody who asks the API without a page."""
    return app.sign_up(EVE)["IdToken"]


def test_a_browser_signs_up_writes_notes_and_signs_out(app, visitor):
    page = visitor.page
    visitor.open()
    page.get_by_role("heading", name="Sign in").wait_for()
    visitor.shoot("1-sign-in")
    visitor.sign_up(ANN)
    visitor.shoot("2-confirm")
    code = app.code_for(ANN)
    visitor.confirm("000000" if code != "000000" else "111111")
    visitor.notice("problem").get_by_text("That is not the code we sent.").wait_for()
    visitor.confirm(code)
    visitor.notice("good").get_by_text("Your account is ready.").wait_for()
    visitor.sign_in("Wr0ng-password")
    visitor.notice("problem").get_by_text("The email or the password is not right.").wait_for()
    visitor.shoot("3-wrong-password")
    visitor.sign_in()
    page.get_by_text("Nothing here yet").wait_for()
    visitor.shoot("4-empty")

    visitor.add("Groceries", "Tomatoes\nBasil\nThe good olive oil")
    visitor.add("Call Grandma", "Sunday, after lunch. Ask about the plum cake.")
    visitor.add("<b>Not markup</b>", "<img src=x onerror=alert(1)>")
    visitor.add("Books")
    assert visitor.titles() == ["Books", "<b>Not markup</b>", "Call Grandma", "Groceries"]
    visitor.shoot("5-list")

    visitor.press("Edit “Books”")
    visitor.shoot("6-edit")
    page.get_by_label("Text", exact=True).fill("Piranesi")
    visitor.press("Save")
    page.get_by_text("Piranesi").wait_for()
    visitor.press("Edit “Groceries”")
    page.get_by_label("Title", exact=True).fill("Never mind")
    page.keyboard.press("Escape")
    visitor.heading("Groceries").wait_for()

    visitor.press("Delete “<b>Not markup</b>”")
    page.get_by_role("dialog").wait_for()
    visitor.shoot("7-delete")
    visitor.press("Keep it")
    assert len(visitor.titles()) == 4
    visitor.press("Delete “<b>Not markup</b>”")
    visitor.press("Delete")
    visitor.heading("<b>Not markup</b>").wait_for(state="detached")

    page.reload()
    visitor.heading("Groceries").wait_for()
    assert visitor.titles() == ["Books", "Call Grandma", "Groceries"]
    assert page.locator("#email").text_content() == ANN

    revoked = visitor.stored("refreshToken")
    visitor.press("Sign out")
    page.get_by_text("You are signed out.").wait_for()
    assert visitor.titles() == []
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        app.refresh(revoked)


def test_a_forgotten_password_is_replaced(app, visitor):
    app.sign_up("flo@example.com")
    visitor.open()
    visitor.press("Forgot your password?")
    visitor.form("forgot").get_by_label("Email").fill("flo@example.com")
    before = app.code_for("flo@example.com")
    visitor.press("Send the code")
    form = visitor.form("reset")
    form.get_by_label("Code").wait_for()
    visitor.shoot("8-reset")
    code = eventually(lambda: (code := app.code_for("flo@example.com")) != before and code)
    form.get_by_label("Code").fill(code)
    form.get_by_label("New password").fill("An0ther-password")
    visitor.press("Save and sign in")
    visitor.page.get_by_text("Nothing here yet").wait_for()


def test_requests_without_an_id_token_are_refused(app):
    tokens = app.sign_in(ANN)
    forged = tokens["IdToken"][:-8] + "AAAAAAAA"
    for token in [None, "nonsense", forged, tokens["AccessToken"]]:
        for method, path in [("GET", ""), ("POST", ""), ("PUT", "/x"), ("DELETE", "/x")]:
            body = {"title": "x"} if method in ("POST", "PUT") else None
            assert app.notes(method, path, token, body) == (401, {"message": "Unauthorized"})
    assert app.notes("GET", token=tokens["IdToken"])[0] == 200


def test_nobody_sees_or_touches_another_ones_notes(app, visitor):
    ann = app.sign_in(ANN)["IdToken"]
    status, hers = app.notes("GET", token=ann)
    assert status == 200 and len(hers["notes"]) == 3
    note = hers["notes"][0]
    bob = app.sign_up(BOB)["IdToken"]
    visitor.open()
    visitor.sign_in(email=BOB)
    visitor.page.get_by_text("Nothing here yet").wait_for()
    assert app.notes("GET", token=bob) == (200, {"notes": [], "next": None})
    gone = (404, {"message": "This note is not there any more."})
    path = f"/{note['id']}"
    assert app.notes("PUT", path, bob, {"title": "Bob was here", "text": ""}) == gone
    assert app.notes("DELETE", path, bob) == gone
    # Not even by saying that he is somebody else.
    user = app.cloud.client("cognito-idp").admin_get_user(
        UserPoolId=app.outputs["UserPoolId"], Username=ANN
    )["Username"]
    body = {"title": "Bob's", "text": "", "user": user, "id": note["id"]}
    status, made = app.notes("POST", token=bob, body=body)
    assert status == 201 and made["id"] != note["id"]
    assert app.notes("GET", token=ann) == (200, hers)
    visitor.page.reload()
    visitor.heading("Bob's").wait_for()
    assert visitor.titles() == ["Bob's"]


def test_what_is_no_note_is_refused_with_a_sentence(app, eve):
    for body, sentence in [
        ({}, "A note has a title and a text."),
        ({"title": 5}, "A note has a title and a text."),
        ({"title": " "}, "Please give your note a title."),
        ({"title": "x" * 121}, "A title has up to 120 characters."),
        ({"title": "x", "text": "y" * 4001}, "A note has up to 4000 characters."),
        ([], "A note has a title and a text."),
    ]:
        assert app.notes("POST", token=eve, body=body) == (400, {"message": sentence})
    assert app.notes("GET", "?after=x", eve)[0] == 400
    assert app.notes("DELETE", "/nothing", eve)[0] == 404


def test_a_long_list_comes_in_pages(app, visitor):
    token = app.sign_up("gus@example.com")["IdToken"]
    for number in range(51):
        assert app.notes("POST", token=token, body={"title": f"Note {number}"})[0] == 201
    status, first = app.notes("GET", token=token)
    assert status == 200 and len(first["notes"]) == 50
    status, rest = app.notes("GET", f"?after={first['next']}", token)
    assert status == 200 and rest["next"] is None
    assert [note["title"] for note in rest["notes"]] == ["Note 0"]
    visitor.open()
    visitor.sign_in(email="gus@example.com")
    visitor.heading("Note 50").wait_for()
    assert len(visitor.titles()) == 50
    visitor.press("Show more")
    visitor.heading("Note 0").wait_for()
    assert len(visitor.titles()) == 51


def test_functions_and_the_api_keep_logs(app, eve):
    status, note = app.notes("POST", token=eve, body={"title": "Logged"})
    assert status == 201
    assert app.notes("GET", token=eve)[0] == 200
    eventually(lambda: [x for x in app.log_lines("SaveLogs") if note["id"] in x])
    eventually(lambda: [x for x in app.log_lines("BrowseLogs") if "listed" in x])

    def entries():
        found = [json.loads(line) for line in app.log_lines("AccessLogs")]
        return [x for x in found if (x["method"], x["path"]) == ("POST", "/api/notes")]

    entry = eventually(lambda: [x for x in entries() if x["status"] == "201"])[-1]
    assert entry["user"] and entry["requestId"] and int(entry["ms"]) >= 0


# Of each statement of each role, the step that cannot do without it.
STATEMENTS = {
    ("SaveRole", "AddNotes"): "add",
    ("SaveRole", "EditNotes"): "edit",
    ("SaveRole", "WriteLogs"): "log saving",
    ("BrowseRole", "ListNotes"): "list",
    ("BrowseRole", "DeleteNotes"): "delete",
    ("BrowseRole", "WriteLogs"): "log browsing",
}
FUNCTIONS = {"SaveRole": "SaveFunction", "BrowseRole": "BrowseFunction"}
LOGS = {"SaveRole": "SaveLogs", "BrowseRole": "BrowseLogs"}


def steps(app, token):
    """Everything that a user does: each step by name, and its status."""
    status, note = app.notes("POST", token=token, body={"title": "Step"})
    statuses = {"add": status}
    if status != 201:
        # Made before the statement was taken away.
        note = app.notes("GET", token=token)[1]["notes"][0]
    path = f"/{note['id']}"
    statuses["edit"] = app.notes("PUT", path, token, {"title": "Stepped", "text": ""})[0]
    statuses["list"] = app.notes("GET", token=token)[0]
    statuses["delete"] = app.notes("DELETE", path, token)[0]
    return statuses


WELL = {"add": 201, "edit": 200, "list": 200, "delete": 204}


def test_every_statement_is_looked_at(app):
    iam = app.cloud.client("iam")
    found = set()
    for role in FUNCTIONS:
        name = app.physical(role)
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            found |= {(role, statement["Sid"]) for statement in document["Statement"]}
    assert found == set(STATEMENTS)


@pytest.mark.parametrize(("role", "sid"), STATEMENTS)
def test_without_a_statement_its_step_is_denied(app, eve, role, sid):
    step = STATEMENTS[role, sid]
    iam = app.cloud.client("iam")
    name = app.physical(role)
    policy = iam.list_role_policies(RoleName=name)["PolicyNames"][0]
    document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    rest = [statement for statement in document["Statement"] if statement["Sid"] != sid]

    def put(statements):
        text = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)

    assert app.notes("POST", token=eve, body={"title": "Spare"})[0] == 201
    assert steps(app, eve) == WELL
    denials = denied(app, role, step)
    put(rest)
    try:
        broken = WELL if step.startswith("log") else {**WELL, step: 500}
        # Again and again: what a role may write to a log is asked for twice a second at most.
        eventually(lambda: steps(app, eve) == broken and denied(app, role, step) > denials)
    finally:
        put(document["Statement"])
    eventually(lambda: steps(app, eve) == WELL)


def denied(app, role, step):
    """How often AccessDenied was told: in the function's log, or where it is the log that the role
    may not write, in the cloud's own."""
    if step.startswith("log"):
        told = (app.cloud.folder / "log").read_text()
        return told.count(f"{app.physical(FUNCTIONS[role])} is not authorized to perform: logs:")
    return len([x for x in app.log_lines(LOGS[role]) if "AccessDeniedException" in x])


def test_the_page_is_the_distributions_alone(app):
    """The bucket answers nobody but the distribution; what is not there is a page that says so."""
    bucket = app.outputs["PageBucketName"]
    status, _, _ = request("GET", f"{app.cloud.endpoint}/{bucket}/index.html")
    assert status == 403
    status, body, headers = request("GET", f"{app.page}/")
    assert status == 200 and b"<title>Notes</title>" in body
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, body, _ = request("GET", f"{app.page}/nothing-here")
    assert status == 404 and b"There is nothing at this address" in body


def test_a_note_that_was_answered_outlives_kill_9(app):
    """Killed while notes are on their way: page's host, authorizer, function, table, access log."""
    token = app.sign_up("hal@example.com")["IdToken"]
    answered, refused_ones, asked = set(), [], itertools.count()

    def write():
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                title = f"Note {next(asked)}"
                status, body = app.notes("POST", token=token, body={"title": title})
                if status == 201:
                    answered.add(title)
                else:
                    refused_ones.append((status, body))

    def titles():
        found, after = [], ""
        while after is not None:
            status, page = app.notes("GET", after, token)
            assert status == 200
            found += [note["title"] for note in page["notes"]]
            after = page["next"] and f"?after={page['next']}"
        return found

    for _ in range(3):
        writers = [threading.Thread(target=write) for _ in range(3)]
        wanted = len(answered) + 4
        for writer in writers:
            writer.start()
        eventually(lambda: len(answered) >= wanted)
        app.cloud.kill()
        for writer in writers:
            writer.join()
        app.cloud.restart()
        # Nothing is lost, nothing is there twice.
        there = titles()
        assert answered <= set(there) and len(there) == len(set(there))
        assert refused_ones == []
    # No line of the access log is torn, none tells of the same request again.
    lines = [json.loads(line)["requestId"] for line in app.log_lines("AccessLogs")]
    assert len(lines) == len(set(lines))


def test_all_of_it_outlives_kill_9(app, visitor):
    kept, revoked = app.sign_in(ANN), app.sign_in(ANN)
    app.anyone().revoke_token(
        ClientId=app.outputs["UserPoolClientId"], Token=revoked["RefreshToken"]
    )
    before = app.notes("GET", token=kept["IdToken"])
    visitor.open()
    visitor.sign_in(email=ANN)
    visitor.heading("Groceries").wait_for()
    lines = len(app.log_lines("BrowseLogs"))
    app.cloud.kill()
    app.cloud.restart()
    assert app.notes("GET", token=kept["IdToken"]) == before
    fresh = app.refresh(kept["RefreshToken"])
    assert app.notes("GET", token=fresh["IdToken"]) == before
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        app.refresh(revoked["RefreshToken"])
    assert len(app.log_lines("BrowseLogs")) >= lines - 1
    # The browser that was open goes on where it was.
    visitor.page.reload()
    visitor.heading("Groceries").wait_for()
    visitor.add("After the fall")
    visitor.press("Sign out")
    visitor.page.get_by_text("You are signed out.").wait_for()
