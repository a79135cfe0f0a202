"""Wire cases: Markdown documents that show how a service speaks, and are held to it.

A document is prose with pairs of fenced blocks, `request` and `response`:

    ```request
    POST /
    Content-Type: application/x-amz-json-1.0
    X-Amz-Target: DynamoDB_20120810.ListTables

    {"Limit": 1}
    ```
    ```response
    200
    x-amzn-RequestId: «:/[0-9A-Z]{52}/»
    !x-amzn-errortype

    {"TableNames": ["…"], "LastEvaluatedTableName": "«table»"}
    ```

It begins with a front part between two lines `---`: `service: ` is whom requests are signed for,
`cloud: fresh` asks for a cloud of its own (others share one, where `«name»` is a name of the
document's own).

A request is sent as it stands; the runner adds Host, Content-Length and the signature. Words after
`request` say otherwise:

    unsigned       as it stands, without a signature
    presigned      the signature stands in the query; `expires=60` sets its seconds
    service=sts    signed for another service
    as=alice       signed with the values `«alice-key»`, `«alice-secret»` and, if there, `-token`
    secret=wrong   signed with this secret
    minutes=-16    signed by a clock that is off
    crlf           the body's lines end with CR LF

In a response, a header must have the value given, `!name` must be absent, others are free. The
body is compared as JSON or XML where the content type says so, byte for byte otherwise; without a
body in the block there must be none. `…` stands for anything: a text or a part of it, a JSON value,
the further items of an array (`["a", "…"]`) or members of an object (`{"…": "…"}`), and, on a line
of its own, further XML elements. Of XML the declaration, names, namespaces, attributes, texts and
the order of elements of one name must be the same; that of others, which are a structure's members,
means nothing (Smithy), nor does white space between tags. `response eventually` repeats the request until it is met.

`«x»` in a response keeps what stands there, or must equal what was kept; in a request it is
replaced. `«x:digits»` wants a kind (see KINDS, or `/a regular expression/`), `«:uuid»` keeps
nothing. In requests, `«uri x»` is percent-encoded, `«k × 3»` is `kkk`, and `«zip index.py»` the
base64 of an archive that holds the block ```` ```file index.py ````. Besides `«name»` there are
`«host»`, `«access-key»`, `«python»` (the Lambda runtime that this machine has) and, in responses,
`«crc32»` of the body.
"""

import base64
import dataclasses
import io
import json
import pathlib
import re
import urllib.parse
import zipfile
from xml.etree import ElementTree

KINDS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "digits": r"\d+",
    "number": r"-?\d+(\.\d+)?([eE][-+]?\d+)?",
    "hex": r"[0-9a-f]+",
    "base64": r"[A-Za-z0-9+/]+={0,2}",
    "iso": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "date": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
}
OPTIONS = {"unsigned", "presigned", "expires", "service", "as", "secret", "minutes", "crlf"}
FENCE = re.compile(r"```(request|response|file)( .*)?")
PLACE = re.compile(r"«[^»]*»|…")
ANYTHING = "…"


class BadDocument(Exception):
    """The document itself is wrong."""


@dataclasses.dataclass
class Block:
    line: int
    options: dict
    text: str


@dataclasses.dataclass
class Document:
    service: str
    fresh: bool
    cases: list  # of (request, response)
    files: dict


def options(words):
    return dict(word.split("=", 1) if "=" in word else (word, True) for word in words)


def parse(text):
    """The document's cases, in order."""
    lines = text.split("\n")
    if lines[0] != "---" or "---" not in lines[1:]:
        raise BadDocument("it does not begin with a front part")
    end = lines.index("---", 1)
    front = dict(line.split(": ", 1) for line in lines[1:end])
    document = Document(front.pop("service"), front.pop("cloud", "") == "fresh", [], {})
    if front:
        raise BadDocument(f"the front part says more than is known: {front}")
    request, number = None, end
    while (number := number + 1) < len(lines):
        found = FENCE.fullmatch(lines[number])
        if found is None:
            if lines[number].startswith("```"):
                raise BadDocument(f"line {number + 1}: a block of another kind")
            continue
        closing = lines.index("```", number)
        kind, words = found[1], (found[2] or "").split()
        body = "\n".join(lines[number + 1 : closing])
        block, number = Block(number + 1, options(words), body), closing
        if kind == "file":
            document.files[words[0]] = body + "\n"
        elif (kind == "response") != (request is not None):
            raise BadDocument(f"line {block.line}: requests and responses come in pairs")
        elif kind == "request":
            if unknown := set(block.options) - OPTIONS:
                raise BadDocument(f"line {block.line}: {unknown}")
            request = block
        else:
            if set(block.options) - {"eventually"}:
                raise BadDocument(f"line {block.line}: {block.options}")
            document.cases.append((request, block))
            request = None
    if request is not None or not document.cases:
        raise BadDocument("a request without a response, or no case at all")
    return document


def parts(text):
    """First line, headers as pairs, and body (None without one) of a block."""
    head, blank, body = text.partition("\n\n")
    first, *headers = head.split("\n")
    pairs = [tuple(part.strip() for part in line.partition(":")[::2]) for line in headers]
    return first, pairs, body if blank else None


def expand(text, values, files):
    """The text of a request with its values in their places."""

    def value(found):
        inner = found[0][1:-1]
        if times := re.fullmatch(r"(.+) × (\d+)", inner):
            return times[1] * int(times[2])
        word, _, rest = inner.partition(" ")
        if word == "zip":
            return packed(rest, files[rest])
        known = values.get(rest or word)
        if known is None:
            raise BadDocument(f"nothing has given {found[0]} a value")
        return urllib.parse.quote(known, safe="") if word == "uri" else known

    return re.sub("«[^»]*»", value, text)


def packed(name, text):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        file.writestr(entry, text)
    return base64.b64encode(archive.getvalue()).decode()


class Match:
    """Holds an answer against a response block, and collects what differs. What it captures counts
    only if nothing does: take `captured` then."""

    def __init__(self, values):
        self.values = values
        self.captured = {}
        self.differences = []

    def differ(self, place, got, wanted):
        self.differences.append(f"{place}: {got!r}, where {wanted!r} is due")

    def answer(self, block, status, headers, body):
        """`headers` as pairs, `body` in bytes."""
        first, wanted, expected = parts(block.text)
        if status != int(first.split()[0]):
            self.differ("status", status, first)
            return
        for name, value in wanted:
            self.header(name, value, headers)
        kind = next((v for n, v in headers if n.lower() == "content-type"), "")
        if expected is None:
            if body:
                self.differ("body", body, b"")
        elif expected.strip() == ANYTHING:
            pass
        elif re.search(r"[/+.-]json\b", kind):
            self.json_body(expected, body)
        elif re.search(r"[/+]xml\b", kind):
            self.xml_body(expected, body)
        else:
            got = body.decode("utf-8", "backslashreplace")
            if not self.text(expected, got):
                self.differ("body", got, expected)

    def header(self, name, wanted, headers):
        got = [value for other, value in headers if other.lower() == name.lstrip("!").lower()]
        if name.startswith("!"):
            if got:
                self.differ(f"header {name[1:]}", got, "nothing")
        elif not got or not self.text(wanted, ", ".join(got)):
            self.differ(f"header {name}", got, wanted)

    def text(self, template, got):
        """Whether the text is that of the template."""
        captures = {}

        def place(token):
            if token == ANYTHING:
                return ".*?"
            name, colon, kind = token[1:-1].partition(":")
            known = {**self.values, **self.captured}.get(name)
            if known is not None:
                return re.escape(known)
            if kind.startswith("/"):
                pattern = kind.strip("/")
            else:
                pattern = KINDS[kind] if colon else ".+?"
            if not name:
                return f"(?:{pattern})"
            if name in captures.values():
                group = next(g for g, other in captures.items() if other == name)
                return f"(?P={group})"
            group = f"g{len(captures)}"
            captures[group] = name
            return f"(?P<{group}>{pattern})"

        pattern, end = "", 0
        for found in PLACE.finditer(template):
            pattern += re.escape(template[end : found.start()]) + place(found[0])
            end = found.end()
        found = re.fullmatch(pattern + re.escape(template[end:]), got, re.DOTALL)
        if found is None:
            return False
        self.captured.update({name: found[group] for group, name in captures.items()})
        return True

    def json_body(self, expected, body):
        def unique(pairs):
            members = dict(pairs)
            if len(members) != len(pairs):
                self.differ("body", [name for name, _ in pairs], "each name once")
            return members

        try:
            wanted = json.loads(expected)
            got = json.loads(body, object_pairs_hook=unique)
        except ValueError as error:
            self.differ("body", body, f"{expected!r} ({error})")
            return
        self.json(wanted, got, "body")

    def json(self, wanted, got, place):
        if isinstance(wanted, dict) and isinstance(got, dict):
            wanted = {self.known(name): value for name, value in wanted.items()}
            more = wanted.get(ANYTHING) == ANYTHING
            # In the document's order: what comes first captures first.
            for name in [name for name in wanted if not (more and name == ANYTHING)]:
                if name in got:
                    self.json(wanted[name], got[name], f"{place}.{name}")
                else:
                    self.differ(f"{place}.{name}", None, wanted[name])
            for name in [] if more else got.keys() - wanted.keys():
                self.differ(f"{place}.{name}", got[name], None)
        elif isinstance(wanted, list) and isinstance(got, list):
            more = wanted[-1:] == [ANYTHING] and len(wanted) <= len(got) + 1
            wanted, known = (wanted[:-1], got[: len(wanted) - 1]) if more else (wanted, got)
            if len(wanted) != len(known):
                self.differ(place, got, wanted)
            for number, (one, other) in enumerate(zip(wanted, known)):
                self.json(one, other, f"{place}[{number}]")
        elif not self.json_scalar(wanted, got):
            self.differ(place, got, wanted)

    def known(self, name):
        """A member's name with the values that are known."""
        values = {**self.values, **self.captured}
        return re.sub("«([^»:]*)»", lambda found: values.get(found[1], found[0]), name)

    def json_scalar(self, wanted, got):
        if not isinstance(wanted, str):
            # 1 and 1.0 are one number to JSON; true is none, though Python has it equal 1.
            return isinstance(wanted, bool) is isinstance(got, bool) and wanted == got
        if isinstance(got, str):
            return ":number»" not in wanted and self.text(wanted, got)
        whole = PLACE.fullmatch(wanted) is not None
        return whole and self.text(wanted, json.dumps(got))

    def xml_body(self, expected, body):
        try:
            wanted, got = ElementTree.fromstring(expected), ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            self.differ("body", body, f"{expected!r} ({error})")
            return
        declarations = [
            re.match(r"(<\?xml .*?\?>)?", text)[0] for text in (body.decode(), expected)
        ]
        if declarations[0] != declarations[1]:
            self.differ("declaration", *declarations)
        self.xml(wanted, got, "body")

    def xml(self, wanted, got, place):
        place = f"{place}/{local(wanted.tag)}"
        if wanted.tag != got.tag:
            self.differ(place, shown(got), wanted.tag)
            return
        if wanted.attrib.keys() != got.attrib.keys():
            self.differ(place, got.attrib, wanted.attrib)
        for name, value in wanted.attrib.items():
            if not self.text(value, got.attrib.get(name, "")):
                self.differ(f"{place} {name}", got.attrib.get(name), value)
        between = [wanted.text, *(child.tail for child in wanted)]
        more = any(ANYTHING in (text or "").split() for text in between)
        if not len(wanted) and not (more and "\n" in wanted.text):
            if len(got) or not self.text(wanted.text or "", got.text or ""):
                self.differ(place, shown(got), wanted.text or "")
            return
        for text in [got.text, *(child.tail for child in got)]:
            if (text or "").strip():
                self.differ(place, text, "nothing between elements")
        for tag in dict.fromkeys(child.tag for child in [*wanted, *got]):
            due, found = wanted.findall(tag), got.findall(tag)
            if len(found) < len(due) or (len(found) > len(due) and not more):
                self.differ(f"{place}/{local(tag)}", list(map(shown, found)), f"{len(due)} of them")
            for one, other in zip(due, found):
                self.xml(one, other, place)


def local(tag):
    return tag.rpartition("}")[2]


def shown(element):
    return ElementTree.tostring(element, encoding="unicode")


def documents(root):
    """The documents of all crates."""
    return sorted(pathlib.Path(root).glob("crates/*/tests/http/*.md"))
