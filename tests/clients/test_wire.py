"""How each service speaks, byte by byte where it matters: the documents `crates/*/tests/http/*.md`
against a whole cloud. What they may say stands in wire_cases.py."""

import datetime
import http.client
import pathlib
import time
import urllib.parse
import zlib

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import wire_cases
from conftest import REGION
from test_lambda import PYTHON
from wire_cases import BadDocument, Match, expand, parse, parts

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = wire_cases.documents(ROOT)
EVENTUALLY_SECONDS = 30
STAMP = "%Y%m%dT%H%M%SZ"


class Clock:
    """Mixed into botocore's signers: signs at another time, and lets a request say what its
    payload counts as."""

    minutes = 0

    def _modify_request_before_signing(self, request):
        now = datetime.datetime.now(datetime.timezone.utc)
        now += datetime.timedelta(minutes=self.minutes)
        request.context["timestamp"] = now.strftime(STAMP)
        request.context["payload"] = request.headers.get("X-Amz-Content-SHA256")
        super()._modify_request_before_signing(request)

    def payload(self, request):
        return request.context["payload"] or super().payload(request)


class HeaderSigner(Clock, SigV4Auth):
    pass


class S3HeaderSigner(Clock, S3SigV4Auth):
    pass


class QuerySigner(Clock, SigV4QueryAuth):
    pass


class S3QuerySigner(Clock, S3SigV4QueryAuth):
    pass


class Runner:
    """Sends a document's requests to one cloud."""

    def __init__(self, cloud, document, name):
        self.cloud = cloud
        self.document = document
        self.host = urllib.parse.urlsplit(cloud.endpoint).netloc
        self.values = {
            "name": name,
            "host": self.host,
            "access-key": cloud.access_key,
            # The runtime that this machine has.
            "python": PYTHON,
        }

    def run(self):
        """What differs, case by case. Goes on after a difference, unless a value is missing."""
        failures = []
        for request, response in self.document.cases:
            try:
                failures += self.case(request, response)
            except BadDocument as error:
                failures.append(f"line {request.line}: {error}")
                break
        return failures

    def case(self, request, response):
        deadline = time.monotonic() + EVENTUALLY_SECONDS * ("eventually" in response.options)
        while True:
            answer = self.send(request)
            match = Match({**self.values, "crc32": str(zlib.crc32(answer[2]))})
            match.answer(response, *answer)
            if not match.differences:
                self.values.update(match.captured)
                return []
            if time.monotonic() >= deadline:
                break
            time.sleep(0.05)
        status, headers, body = answer
        seen = [str(status), *(f"{name}: {value}" for name, value in headers), "", str(body[:3000])]
        differences = [f"line {response.line}: {text}" for text in match.differences]
        return ["\n  ".join([*differences, "The answer:", *seen])]

    def send(self, block):
        """Status, headers and body of the answer."""
        first, headers, body = parts(expand(block.text, self.values, self.document.files))
        method, target = first.split(" ")
        body = (body or "").replace("\n", "\r\n" if "crlf" in block.options else "\n").encode()
        if "unsigned" not in block.options:
            target, headers = self.sign(block.options, method, target, headers, body)
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            headers.insert(0, ("Host", self.host))
        if "content-length" not in names and (body or method in ("POST", "PUT", "PATCH")):
            headers.append(("Content-Length", str(len(body))))
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            try:
                connection.send(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # It need not read what it refuses.
            answer = connection.getresponse()
            return answer.status, answer.headers.items(), answer.read()
        finally:
            connection.close()

    def sign(self, options, method, target, headers, body):
        secret, token, key = self.cloud.secret_key, None, self.cloud.access_key
        if who := options.get("as"):
            key, secret = self.values[f"{who}-key"], self.values[f"{who}-secret"]
            token = self.values.get(f"{who}-token")
        credentials = Credentials(key, options.get("secret", secret), token)
        service = options.get("service", self.document.service)
        host = next((value for name, value in headers if name.lower() == "host"), self.host)
        # Of a presigned request, the signer would take the body for more parameters.
        data = b"" if "presigned" in options else body
        request = AWSRequest(method=method, url=f"http://{host}{target}", data=data)
        for name, value in headers:
            request.headers[name] = value
        if "presigned" in options:
            kind = S3QuerySigner if service == "s3" else QuerySigner
            signer = kind(credentials, service, REGION, expires=int(options.get("expires", 900)))
        else:
            kind = S3HeaderSigner if service == "s3" else HeaderSigner
            signer = kind(credentials, service, REGION)
        signer.minutes = int(options.get("minutes", 0))
        signer.add_auth(request)
        url = urllib.parse.urlsplit(request.url)
        return url.path + (f"?{url.query}" if url.query else ""), list(request.headers.items())


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=[f"{path.parts[-4]}/{path.stem}" for path in DOCUMENTS]
)
def test_the_documents_hold(request, path):
    document = parse(path.read_text())
    cloud = request.getfixturevalue("fresh_cloud" if document.fresh else "cloud")
    failures = Runner(cloud, document, f"{path.parts[-4]}-{path.stem}").run()
    assert not failures, f"{path.relative_to(ROOT)}\n" + "\n".join(failures)


def test_every_service_has_a_document():
    # A service's crate is one that has operations.
    services = {path.parts[-3] for path in ROOT.glob("crates/*/src/ops")}
    assert {"dynamodb", "s3"} <= services
    assert services | {"apigateway", "gateway"} <= {path.parts[-4] for path in DOCUMENTS}


CASE = """---
service: dynamodb
---
```request
POST /
Content-Type: application/x-amz-json-1.0
X-Amz-Target: DynamoDB_20120810.DescribeEndpoints

{}
```
```response
200
Content-Type: application/x-amz-json-1.0
x-amz-crc32: «crc32»
!x-amzn-errortype

{"Endpoints": [{"Address": "«address»", "CachePeriodInMinutes": 1440}]}
```
"""


@pytest.mark.parametrize(
    ("true", "planted"),
    [
        ("200", "201"),
        ("json-1.0\nx", "json-1.1\nx"),
        ("!x-amzn-errortype", "!x-amzn-requestid"),
        ("!x-amzn-errortype", "x-amzn-errortype: …"),
        ("1440", '"1440"'),
        ("1440", "1441"),
        ('"CachePeriodInMinutes": 1440', '"…": 1440'),
        (', "CachePeriodInMinutes": 1440', ""),
        ("}]}", '}, {"Address": "…"}]}'),
        ("}]}", '}], "More": "…"}'),
        ("«address»", "«address:uuid»"),
        ("«crc32»", "«crc32»0"),
    ],
)
def test_a_planted_difference_is_caught(cloud, true, planted):
    assert Runner(cloud, parse(CASE), "planted").run() == []
    assert CASE.count(true) == 1
    failures = Runner(cloud, parse(CASE.replace(true, planted)), "planted").run()
    assert len(failures) == 1 and failures[0].startswith("line 11: "), failures


def differences(kind, wanted, got, values=None):
    match = Match(values or {})
    block = wire_cases.Block(1, {}, f"200\n\n{wanted}")
    match.answer(block, 200, [("Content-Type", kind)], got.encode())
    return match


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ("<A>\n  <B>x</B>\n</A>", "<A><B>x</B></A>", True),
        ("<A>\n  <B/>\n</A>", "<A><B></B></A>", True),
        ("<A><B>x</B></A>", "<A><B>x </B></A>", False),
        ("<A><B/></A>", "<A><B> </B></A>", False),
        ("<A><B/></A>", "<A><B><C/></B></A>", False),
        ("<A><B/><C/></A>", "<A><C/><B/></A>", True),
        ("<A><B>1</B><B>2</B></A>", "<A><B>2</B><B>1</B></A>", False),
        ("<A><B/></A>", "<A><B/><B/></A>", False),
        ("<A><B/></A>", "<A><B/><C/></A>", False),
        ("<A><B/><C/></A>", "<A><B/></A>", False),
        ("<A/>", '<A xmlns="u"/>', False),
        ('<A xmlns="u"/>', "<A/>", False),
        ('<A b="1"/>', '<A b="2"/>', False),
        ("<A/>", '<?xml version="1.0"?><A/>', False),
        ("<A>&quot;</A>", '<A>"</A>', True),
        ("<A><B>…</B></A>", "<A><B>x</B></A>", True),
        ("<A><B>…</B></A>", "<A><B></B></A>", True),
        ("<A><B>…</B></A>", "<A><B><C/></B></A>", False),
        ("<A><B>…</B></A>", "<A><B>x</B><B>y</B></A>", False),
        ("<A>\n…\n<C/>\n</A>", "<A><B>x</B><B>y</B><C/></A>", True),
        ("<A>\n…\n<C/>\n</A>", "<A><B>x</B><D/></A>", False),
        ("<A>\n…\n</A>", "<A><B>x</B><D/></A>", True),
        ("<A><B/></A>", "<A>x<B/></A>", False),
        ("<A><B>«x»</B><C>«x»</C></A>", "<A><B>1</B><C>1</C></A>", True),
        ("<A><B>«x»</B><C>«x»</C></A>", "<A><B>1</B><C>2</C></A>", False),
        ("<A/>", "<A>", False),
    ],
)
def test_xml_is_compared_exactly(wanted, got, same):
    assert (not differences("text/xml", wanted, got).differences) is same


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}', True),
        ('{"a": [1, 2]}', '{"a":[2,1]}', False),
        ('{"a": true}', '{"a":1}', False),
        ('{"a": 1}', '{"a":1.0}', True),
        ('{"a": null}', "{}", False),
        ('{"a": "…"}', '{"a":{"b":[1]}}', True),
        ('{"a": "«:number»"}', '{"a":1.5}', True),
        ('{"a": "«:number»"}', '{"a":"1.5"}', False),
        ('["a", "…"]', '["a","b","c"]', True),
        ('["a", "…"]', '["a"]', True),
        ('["a", "…"]', '["b","a"]', False),
        ('{"a": 1, "…": "…"}', '{"a":1,"b":2}', True),
        ('{"a": 1, "…": "…"}', '{"b":2}', False),
        ('{"a": 1}', '{"a":1,"a":1}', False),
        ('{"a": 1}', '{"a":1', False),
    ],
)
def test_json_is_compared_as_json(wanted, got, same):
    assert (not differences("application/json", wanted, got).differences) is same


def test_what_is_kept_is_what_is_sent():
    match = differences("application/json", '{"id": "«id»/«n:digits»"}', '{"id":"a b/7"}')
    assert match.captured == {"id": "a b", "n": "7"}
    assert expand("/«uri id»?n=«n»&«ab × 2»", match.captured, {}) == "/a%20b?n=7&abab"
    assert differences("application/json", '{"id": "«id»"}', '{"id":"c"}', match.captured).differences
    with pytest.raises(BadDocument):
        expand("«other»", match.captured, {})


@pytest.mark.parametrize(
    "text",
    [
        "# No front part",
        "---\nservice: s3\n---\nNo case.",
        "---\nservice: s3\n---\n```request\nGET /\n```",
        "---\nservice: s3\n---\n```response\n200\n```",
        "---\nservice: s3\n---\n```request unsinged\nGET /\n```\n```response\n200\n```",
        "---\nservice: s3\n---\n```json\n{}\n```",
        "---\nservice: s3\nclod: fresh\n---\n```request\nGET /\n```\n```response\n200\n```",
    ],
)
def test_a_document_that_is_none_is_refused(text):
    with pytest.raises(BadDocument):
        parse(text)
