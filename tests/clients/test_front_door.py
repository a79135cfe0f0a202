"""What comes in at the port before any service sees it: both schemes, both versions of HTTP,
messages that are none, operations that are not there."""

import http.client
import json
import socket
import ssl
import subprocess
import urllib.parse
import urllib.request

import pytest

from conftest import binary, refused
from signing import Signer, post, target


def netloc(cloud):
    return urllib.parse.urlsplit(cloud.endpoint).netloc


@pytest.fixture
def signer(cloud):
    return Signer(cloud.access_key, cloud.secret_key)


def send(cloud, signer, operation, body, headers=None):
    headers = signer.sign(netloc(cloud), {**target(operation), **(headers or {})}, body)
    return post(cloud.endpoint, headers, body)


def test_an_operation_that_is_not_there_is_named(dynamodb):
    message = "Cumulet does not implement dynamodb:ListGlobalTables."
    with refused("NotImplementedException", message, 501):
        dynamodb.list_global_tables()


def test_an_operation_that_nobody_knows(cloud, signer):
    status, _, answer = send(cloud, signer, "FoldTable", b"{}")
    assert (status, answer) == (
        400,
        {"__type": "com.amazon.coral.service#UnknownOperationException"},
    )


@pytest.mark.parametrize("body", [b"", b"{", b"{}[]", b'{"a":1,}', b"\xff{}", b"{}x"])
def test_a_body_that_is_no_json_is_refused(cloud, signer, body):
    status, _, answer = send(cloud, signer, "DescribeTable", body)
    if body == b"":
        # An empty body is an empty input: the table's name is missing.
        assert answer["__type"].endswith("#ValidationException")
    else:
        assert answer == {"__type": "com.amazon.coral.service#SerializationException"}
    assert status == 400


@pytest.mark.parametrize(
    "body, message",
    [
        ('{"TableName":1}', "NUMBER_VALUE cannot be converted to String"),
        ('{"TableName":{}}', "Start of structure or map found where not expected"),
        ('{"Limit":"x"}', "STRING_VALUE cannot be converted to Integer"),
    ],
)
def test_a_member_of_another_type_is_named(cloud, signer, body, message):
    operation = "ListTables" if "Limit" in body else "DescribeTable"
    status, _, answer = send(cloud, signer, operation, body.encode())
    assert status == 400
    assert answer["__type"].endswith("#SerializationException")
    assert answer["Message"] == message


def test_a_million_brackets_cost_little(cloud, signer):
    body = b'{"TableName":' + b"[" * 1_000_000
    status, _, answer = send(cloud, signer, "DescribeTable", body)
    assert status == 400 and answer["__type"].endswith("#SerializationException")


def test_a_body_over_its_limit_is_refused(cloud, signer):
    body = b'{"TableName":"' + b"x" * (16 << 20) + b'"}'
    headers = signer.sign(netloc(cloud), target("DescribeTable"), body)
    connection = http.client.HTTPConnection(netloc(cloud), timeout=30)
    try:
        connection.request("POST", "/", body=body, headers=headers)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        # It was refused before all of it was sent, which is as good.
        pass
    finally:
        connection.close()


def test_a_foreign_content_type_is_not_found(cloud, signer):
    headers = signer.sign(
        netloc(cloud), {**target("ListTables"), "content-type": "text/plain"}, b"{}"
    )
    connection = http.client.HTTPConnection(netloc(cloud), timeout=30)
    connection.request("POST", "/", body=b"{}", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (404, b"<UnknownOperationException/>\n")
    connection.close()


@pytest.mark.parametrize(
    "lines",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"\x00\x01\x02\x03\r\n\r\n",
    ],
)
def test_a_request_of_two_minds_is_refused(cloud, lines):
    host, port = netloc(cloud).split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(lines)
        answer = b""
        while part := connection.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 ")
    # And the next one is served.
    assert cloud.client("dynamodb").list_tables()["TableNames"] is not None


def test_one_port_speaks_https_too(cloud):
    authority = (cloud.folder / "data" / "ca" / "ca.pem").read_text()
    context = ssl.create_default_context(cadata=authority)
    url = cloud.endpoint.replace("http://", "https://") + "/_cumulet/health"
    with urllib.request.urlopen(url, context=context, timeout=30) as answer:
        assert json.load(answer) == {"status": "ok"}
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, context=ssl.create_default_context(), timeout=30)


def test_http2_is_spoken(cloud):
    # curl is on every machine that the tests run on; it speaks HTTP/2 without TLS by prior
    # knowledge.
    command = ["curl", "-sS", "--http2-prior-knowledge", "-w", "%{http_version}"]
    done = subprocess.run(
        [*command, cloud.endpoint + "/_cumulet/health"], capture_output=True, text=True, timeout=30
    )
    assert done.stdout == '{"status":"ok"}\n2', done.stderr


def test_a_page_of_another_origin_may_ask(cloud):
    connection = http.client.HTTPConnection(netloc(cloud), timeout=30)
    asked = {
        "Origin": "http://page.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-amz-target",
    }
    connection.request("OPTIONS", "/", headers=asked)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-amz-target"
    connection.close()


def serve(folder, *arguments):
    command = [binary(), "serve", "--data", folder / "data", "--key-file", folder / "key"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)


def test_a_folder_in_use_is_refused(fresh_cloud):
    folder = fresh_cloud.folder
    done = subprocess.run(
        [binary(), "serve", "--data", folder / "data", "--key-file", folder / "master.key"]
        + ["--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "is in use by another process" in done.stderr


def test_a_port_in_use_is_refused(cloud, tmp_path):
    done = serve(tmp_path, "--listen", netloc(cloud))
    assert done.returncode == 1
    assert "in use" in done.stderr and netloc(cloud) in done.stderr
    # Nothing was made: the port comes first.
    assert not (tmp_path / "data").exists()


def test_a_newer_folder_is_refused(tmp_path):
    done = serve(tmp_path, "--listen", "127.0.0.1:99999")
    assert done.returncode == 2, "an impossible port is a wrong argument"
    store = tmp_path / "data" / "store"
    store.mkdir(parents=True)
    (store / "FORMAT").write_text("cumulet store 999\n")
    done = serve(tmp_path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert "use a newer binary" in done.stderr


def test_a_key_that_others_can_read_is_refused(tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"\x00" * 32)
    key.chmod(0o644)
    done = serve(tmp_path, "--listen", "127.0.0.1:0")
    assert done.returncode == 1
    assert str(key) in done.stderr


def test_env_is_for_a_shell(cloud):
    done = subprocess.run(
        ["sh", "-c", 'eval "$("$0" env --data "$1" --key-file "$2")" && env', binary()]
        + [cloud.folder / "data", cloud.folder / "master.key"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    settings = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert settings["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert settings["AWS_ACCESS_KEY_ID"] == cloud.access_key
    assert settings["AWS_SECRET_ACCESS_KEY"] == cloud.secret_key
