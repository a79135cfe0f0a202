"""The administration's door: who comes in, who does not, and what is behind it."""

import http.client
import json
import socket
import stat
import subprocess
import threading
import time
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from conftest import binary, create_table, running_cloud


def ask(url, target, method="GET", body=None, host=None, headers=()):
    """One request exactly as given: status, headers, body."""
    netloc = urllib.parse.urlsplit(url).netloc
    connection = http.client.HTTPConnection(netloc, timeout=60)
    headers = {"Host": host or netloc, **dict(headers)}
    connection.request(method, target, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def admin_url(cloud):
    return (cloud.folder / "data" / "admin").read_text().strip()


@pytest.fixture(params=["main port", "own port"])
def door(request, cloud):
    return cloud.endpoint if request.param == "main port" else admin_url(cloud)


def bearer(cloud):
    return {"Authorization": f"Bearer {cloud.admin_token}"}


def refusal(status, text):
    assert status in (401, 403), text
    return json.loads(text)["message"]


def test_health_is_for_everybody(cloud, door):
    for host in [None, "site.example.com"]:
        status, _, text = ask(door, "/_cumulet/health", host=host)
        assert (status, json.loads(text)) == (200, {"status": "ok"})


def test_the_token_opens(cloud, door):
    status, headers, text = ask(door, "/_cumulet/mailbox", headers=bearer(cloud))
    assert status == 200 and isinstance(json.loads(text), list)
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert ask(door, "/_cumulet/nothing", headers=bearer(cloud))[0] == 404


def test_nobody_comes_in_without_the_token(cloud, door):
    token = cloud.admin_token
    for headers in [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + token[:-1]},
        {"Authorization": "Bearer " + token.upper() + "0"},
        {"Authorization": "Basic " + token},
        {"Cookie": f"token={token}"},
        {"X-Admin-Token": token},
    ]:
        for page in ["mailbox", "status", "sites", "mail", "reset", "nothing"]:
            status, _, text = ask(door, f"/_cumulet/{page}", headers=headers)
            assert status == 401, (headers, page)
            assert "token" in refusal(status, text) and token not in text
    status, _, _ = ask(door, "/_cumulet/invoke", "POST", "{}")
    assert status == 401


@pytest.mark.parametrize("page", ["mailbox", "status"])
def test_only_loopback_as_the_host(cloud, door, page):
    port = urllib.parse.urlsplit(door).port
    for host in [f"localhost:{port}", f"[::1]:{port}", "127.0.0.1"]:
        assert ask(door, f"/_cumulet/{page}", host=host, headers=bearer(cloud))[0] == 200
    # A name that resolves to loopback may be anybody's.
    others = [f"rebound.example.com:{port}", f"app.localhost:{port}", "0.0.0.0", "127.0.0.1.nip.io"]
    for host in others:
        status, _, text = ask(door, f"/_cumulet/{page}", host=host, headers=bearer(cloud))
        assert status == 403 and "Host" in refusal(status, text)


def test_no_page_of_another_origin_comes_in(cloud, door):
    own = {"Origin": door, "Sec-Fetch-Site": "same-origin"}
    assert ask(door, "/_cumulet/mailbox", headers={**bearer(cloud), **own})[0] == 200
    for headers in [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": door, "Sec-Fetch-Site": "cross-site"},
    ]:
        for method in ["GET", "POST"]:
            status, answer, text = ask(
                door, "/_cumulet/mailbox", method, headers={**bearer(cloud), **headers}
            )
            assert status == 403 and "origin" in refusal(status, text), headers
            assert answer["access-control-allow-origin"] is None
    status, answer, _ = ask(
        door,
        "/_cumulet/mailbox",
        "OPTIONS",
        headers={"Origin": "https://evil.example.com", "Access-Control-Request-Method": "GET"},
    )
    assert status in (401, 403) and answer["access-control-allow-origin"] is None


def test_other_machines_are_refused():
    with running_cloud(listen="0.0.0.0:0") as cloud:
        cloud_port = urllib.parse.urlsplit(cloud.endpoint).port
        here = f"http://127.0.0.1:{cloud_port}"
        assert ask(here, "/_cumulet/status", headers=bearer(cloud))[0] == 200
        address = other_address()
        if address is not None:
            # The connection comes from this machine's address in its network.
            there = f"http://{address}:{cloud_port}"
            status, _, text = ask(
                there, "/_cumulet/status", host=f"127.0.0.1:{cloud_port}", headers=bearer(cloud)
            )
            assert status == 403 and "127.0.0.1" in refusal(status, text)
            assert ask(there, "/_cumulet/health")[0] == 200
        # Nobody reads the mailbox of a public server: what needs mail is refused.
        assert cloud.mailbox_link is None
        cloud.endpoint = here
        cognito = cloud.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])
        pool = pool["UserPool"]["Id"]
        client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")
        with pytest.raises(ClientError) as caught:
            cognito.sign_up(
                ClientId=client["UserPoolClient"]["ClientId"],
                Username="ann",
                Password="Corr3ct-horse",
                UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
            )
        assert caught.value.response["Error"]["Code"] == "CodeDeliveryFailureException"
        assert cloud.admin("mailbox") == []


def other_address():
    """This machine's address in a network, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel only chooses the address that it would send from.
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address


def test_the_token_lies_where_only_its_owner_reads_it(cloud):
    mode = (cloud.folder / "data" / "admin-token").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert len(cloud.admin_token) == 64


def test_the_printed_link_opens_the_mailbox_once(cloud):
    link = urllib.parse.urlsplit(cloud.printed_link())
    origin = f"{link.scheme}://{link.netloc}"
    assert origin == admin_url(cloud) and origin != cloud.endpoint
    browser = {"Accept": "text/html", "Sec-Fetch-Site": "none"}
    status, headers, text = ask(origin, f"{link.path}?{link.query}", headers=browser)
    assert (status, headers["location"], text) == (303, "/_cumulet/mailbox", "")
    cookie = headers["set-cookie"]
    for part in ["HttpOnly", "SameSite=Strict", "Path=/_cumulet"]:
        assert part in cookie
    assert cloud.admin_token not in cookie
    cookie = {"Cookie": cookie.split(";")[0]}
    status, headers, text = ask(origin, "/_cumulet/mailbox", headers={**browser, **cookie})
    assert status == 200 and "<h1>Mailbox</h1>" in text
    assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "no-referrer"
    for file, kind in [("mailbox.css", "text/css"), ("mailbox.js", "text/javascript")]:
        status, headers, _ = ask(origin, f"/_cumulet/{file}", headers=cookie)
        assert status == 200 and headers["content-type"].startswith(kind)
    # A session reads. It is worth nothing from another page, for writing, or on the main port.
    for refused, target, method, headers in [
        (403, origin, "GET", {"Sec-Fetch-Site": "same-site"}),
        (403, origin, "GET", {"Origin": cloud.endpoint}),
        (401, origin, "POST", {}),
        (401, cloud.endpoint, "GET", {}),
    ]:
        status, _, _ = ask(target, "/_cumulet/mailbox", method, headers={**cookie, **headers})
        assert status == refused, (target, method, headers)
    ended = {"Cookie": cookie["Cookie"].replace("=", "=1", 1)}
    assert ask(origin, "/_cumulet/mailbox", headers=ended)[0] == 401
    wrong = f"{link.path}?token={'0' * 64}"
    assert ask(origin, wrong, headers=browser)[0] == 401
    # The main port takes no token in a link: users' pages lie there.
    assert ask(cloud.endpoint, f"{link.path}?{link.query}", headers=browser)[0] == 401


def test_link_and_token_stay_over_a_restart(fresh_cloud):
    link = fresh_cloud.printed_link()
    fresh_cloud.restart()
    assert link is not None and fresh_cloud.printed_link() == link


def test_what_users_wrote_stays_text(fresh_cloud):
    cloud = fresh_cloud
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="p",
        AutoVerifiedAttributes=["email"],
        EmailVerificationSubject="<script>alert(1)</script>",
        EmailVerificationMessage="<b>Your code:</b> {####} <img src=x onerror=alert(1)>",
    )["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]
    cognito.sign_up(
        ClientId=client["ClientId"],
        Username="ann",
        Password="Corr3ct-horse",
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
    )
    [kept] = cloud.admin("mailbox")
    assert set(kept) == {"channel", "to", "subject", "body", "at"}
    assert (kept["channel"], kept["to"]) == ("EMAIL", "ann@example.com")
    headers = {**bearer(cloud), "Accept": "text/html"}
    _, _, page = ask(cloud.endpoint, "/_cumulet/mailbox", headers=headers)
    assert "<script>alert" not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "data-copy=" in page


def reset(cloud):
    return ask(cloud.endpoint, "/_cumulet/reset", "POST", headers=bearer(cloud))


def test_a_reset_has_to_be_allowed(cloud):
    status, _, text = reset(cloud)
    assert status == 403 and "--allow-reset" in text


def test_a_reset_is_for_loopback_only(tmp_path):
    data = ["--data", tmp_path / "data", "--key-file", tmp_path / "key"]
    done = subprocess.run(
        [binary(), "serve", "--listen", "0.0.0.0:0", "--allow-reset", *data],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "loopback" in done.stderr


def test_a_reset_removes_everything_and_keeps_the_keys():
    with running_cloud(["--allow-reset"]) as cloud:
        token, link = cloud.admin_token, cloud.printed_link()
        dynamodb, s3 = cloud.client("dynamodb"), cloud.client("s3")
        for _ in range(2):
            create_table(dynamodb, "notes")
            dynamodb.put_item(TableName="notes", Item={"pk": {"S": "a"}})
            s3.create_bucket(Bucket="files")
            s3.put_object(Bucket="files", Key="large", Body=b"x" * (1 << 20))
            cloud.client("ssm").put_parameter(Name="p", Value="v", Type="SecureString")
            status, _, text = reset(cloud)
            assert status == 200, text
            assert dynamodb.list_tables()["TableNames"] == []
            assert s3.list_buckets()["Buckets"] == []
            assert cloud.client("ssm").describe_parameters()["Parameters"] == []
            assert (cloud.admin_token, cloud.mailbox_link) == (token, link)
            assert list((cloud.folder / "data").glob("discarded*")) == []
        create_table(dynamodb, "notes")
        assert "Item" not in dynamodb.get_item(TableName="notes", Key={"pk": {"S": "a"}})
        # What came after the reset is kept like anything else.
        cloud.restart()
        assert cloud.client("dynamodb").list_tables()["TableNames"] == ["notes"]
        assert cloud.terminate() == 0


def test_a_root_key_that_the_cloud_made_outlives_a_reset():
    made = {"CUMULET_ROOT_ACCESS_KEY_ID": None, "CUMULET_ROOT_SECRET_ACCESS_KEY": None}
    with running_cloud(["--allow-reset"], **made) as cloud:
        key = (cloud.folder / "master.key.root").read_text()
        cloud.access_key, cloud.secret_key = key.split()
        cloud.client("ssm").put_parameter(Name="p", Value="v", Type="String")
        assert reset(cloud)[0] == 200
        assert cloud.client("ssm").describe_parameters()["Parameters"] == []
        cloud.restart()
        assert (cloud.folder / "master.key.root").read_text() == key
        assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_a_reset_asks_at_the_door():
    with running_cloud(["--allow-reset"]) as cloud:
        for expected, headers, host in [
            (401, {}, None),
            (401, {"Authorization": "Bearer wrong"}, None),
            (403, {**bearer(cloud), "Origin": "https://evil.example.com"}, None),
            (403, bearer(cloud), "app.localhost"),
        ]:
            status, _, _ = ask(
                cloud.endpoint, "/_cumulet/reset", "POST", headers=headers, host=host
            )
            assert status == expected


def test_requests_during_resets_see_one_life_or_the_next():
    with running_cloud(["--allow-reset"]) as cloud:
        stop, failed, answered = threading.Event(), [], []

        def write():
            client = cloud.client("dynamodb")
            while not stop.is_set():
                try:
                    client.list_tables()
                    answered.append(1)
                except ClientError as error:
                    failed.append(error)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                before = len(answered)
                assert reset(cloud)[0] == 200
                deadline = time.monotonic() + 30
                while len(answered) < before + 4 and time.monotonic() < deadline:
                    time.sleep(0.01)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert failed == [] and len(answered) >= 4
