"""Nothing is accepted unsigned that AWS would not, and no signature by another secret."""

import datetime
import re
import urllib.parse
import zlib

import pytest

from conftest import refused
from signing import Signer, post, target

BODY = b'{"Limit":1}'


def send(cloud, signer, operation="ListTables", body=BODY, now=None, tamper=None):
    host = urllib.parse.urlsplit(cloud.endpoint).netloc
    headers = signer.sign(host, target(operation), body, now)
    headers, body = tamper(headers, body) if tamper else (headers, body)
    return post(cloud.endpoint, headers, body)


@pytest.fixture
def signer(cloud):
    return Signer(cloud.access_key, cloud.secret_key)


def kind(answer):
    return answer["__type"].rsplit("#", 1)[-1]


def text(answer):
    return answer.get("message") or answer.get("Message")


def test_a_request_signed_by_hand_is_accepted(cloud, signer):
    status, headers, answer = send(cloud, signer)
    assert status == 200 and "TableNames" in answer
    assert re.fullmatch(r"[0-9A-Z]{52}", headers["x-amzn-RequestId"])
    assert headers["Content-Type"] == "application/x-amz-json-1.0"


def test_the_checksum_of_the_answer_is_right(cloud, signer):
    host = urllib.parse.urlsplit(cloud.endpoint).netloc
    import http.client

    connection = http.client.HTTPConnection(host, timeout=30)
    headers = signer.sign(host, target("ListTables"), BODY)
    connection.request("POST", "/", body=BODY, headers=headers)
    answer = connection.getresponse()
    assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.read())
    connection.close()


def test_a_wrong_secret_is_refused(cloud):
    client = cloud.client("dynamodb", aws_secret_access_key="x" * 40)
    with refused(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details.",
    ):
        client.list_tables()


def test_an_unknown_key_is_refused(cloud):
    client = cloud.client("dynamodb", aws_access_key_id="AKIA" + "A" * 16)
    with refused(
        "UnrecognizedClientException", "The security token included in the request is invalid."
    ):
        client.list_tables()


def test_an_unsigned_request_is_refused(cloud):
    status, _, answer = post(cloud.endpoint, target("ListTables"), BODY)
    assert status == 400
    assert kind(answer) == "MissingAuthenticationTokenException"
    assert text(answer) == "Request is missing Authentication Token"


def test_half_a_signature_is_refused(cloud, signer):
    def cut(headers, body):
        headers["authorization"] = headers["authorization"].rsplit(",", 1)[0]
        return headers, body

    status, _, answer = send(cloud, signer, tamper=cut)
    assert (status, kind(answer)) == (400, "IncompleteSignatureException")


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(lambda h, b: (h, b.replace(b"1", b"2")), id="body"),
        pytest.param(lambda h, b: ({**h, **target("DeleteTable")}, b), id="target"),
        pytest.param(
            lambda h, b: ({**h, "authorization": h["authorization"][:-1] + "g"}, b), id="no hex"
        ),
        pytest.param(
            lambda h, b: ({**h, "authorization": h["authorization"][:-2]}, b), id="shorter"
        ),
    ],
)
def test_what_was_changed_after_signing_is_refused(cloud, signer, what):
    status, _, answer = send(cloud, signer, tamper=what)
    assert (status, kind(answer)) == (400, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("minutes", "begins"), [(-20, "Signature expired: "), (20, "Signature not yet current: ")]
)
def test_a_clock_that_is_off_is_refused(cloud, signer, minutes, begins):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    status, headers, answer = send(cloud, signer, now=now)
    assert (status, kind(answer)) == (400, "InvalidSignatureException")
    assert text(answer).startswith(begins + now.strftime("%Y%m%dT%H%M%SZ")), answer
    # SDKs set their clocks by this header.
    assert headers["Date"].endswith(" GMT")


def test_a_clock_that_is_off_a_little_is_accepted(cloud, signer):
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)
    assert send(cloud, signer, now=now)[0] == 200


def test_another_service_s_signature_is_refused(cloud, signer):
    signer.service = "sqs"
    status, _, answer = send(cloud, signer)
    assert status in (400, 403) and "TableNames" not in (answer or {})


def test_a_signature_over_an_empty_key_id_is_refused(cloud):
    status, _, answer = send(cloud, Signer("", ""))
    assert status in (400, 403) and "TableNames" not in (answer or {})


def test_an_unknown_operation_is_named_as_such(cloud, signer):
    status, _, answer = send(cloud, signer, operation="MakeCoffee")
    assert (status, kind(answer)) == (400, "UnknownOperationException")


def test_broken_json_is_a_serialization_error(cloud, signer):
    status, _, answer = send(cloud, signer, body=b'{"Limit":')
    assert (status, kind(answer)) == (400, "SerializationException")


def test_a_wrong_json_type_says_what_it_is(cloud, signer):
    status, _, answer = send(cloud, signer, body=b'{"Limit":"1"}')
    assert (status, kind(answer)) == (400, "SerializationException")
    assert text(answer) == "STRING_VALUE cannot be converted to Integer"


def test_deep_nesting_does_not_bring_it_down(cloud, signer):
    body = b'{"TableName":"t","Key":{"pk":' + b'{"L":[' * 100_000
    assert send(cloud, signer, operation="GetItem", body=body)[0] == 400
    assert send(cloud, signer)[0] == 200


def test_a_body_over_16_mib_is_refused(cloud, signer):
    body = b'{"TableName":"' + b"t" * (17 << 20) + b'"}'
    try:
        status, _, _ = send(cloud, signer, body=body)
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # It hung up before it had read everything, as it may.
    assert status == 413
    assert send(cloud, signer)[0] == 200
