"""The Python runtime client: asks the Runtime API for events, runs the handler, posts results.

Handler resolution, error shapes and log lines follow the behaviour of AWS's runtime client for
Python, so that functions notice no difference. The HTTP spoken here is only what the platform's
Runtime API answers: every response carries Content-Length.
"""

import importlib
import json
import logging
import os
import re
import socket
import sys
import time
import traceback

BASE = "/2018-06-01/runtime"


# ---- started ahead --------------------------------------------------------------------------


def wait_for_function(descriptor):
    """Waits until it is known for which function this process was started, and becomes what it
    would be had it been started for that: what an interpreter reads at its start only, the platform
    gives to none that was started ahead."""
    os.write(descriptor, b".")
    said = b""
    while part := os.read(descriptor, 65536):
        said += part
    os.close(descriptor)
    if not said:
        # The platform is gone.
        os._exit(1)
    environment = json.loads(said)["environment"]
    # The interpreter's own doing, where the machine lacks the locale (PEP 538).
    if "LC_CTYPE" in os.environ:
        environment.setdefault("LC_CTYPE", os.environ["LC_CTYPE"])
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(environment["LAMBDA_TASK_ROOT"])
    # What PYTHONPATH named at the start gives way to what it names now.
    sys.path[1:2] = environment.get("PYTHONPATH", "").split(":")


def configure():
    """What follows from the environment, which may come later than this program."""
    global json_logs, escape
    json_logs = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    # From Python 3.12 on AWS's runtime leaves letters beyond ASCII as they are.
    escape = os.environ.get("AWS_EXECUTION_ENV", "") in (
        "AWS_Lambda_python3.9",
        "AWS_Lambda_python3.10",
        "AWS_Lambda_python3.11",
    )


TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"
# AWS indents traces in text logs with no-break spaces, which its console does not fold.
INDENT = "\u00a0"

request_id = None


class Fault(Exception):
    """A failure that the runtime itself reports, under a type of its own."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.message = message
        self.trace = trace or []


# ---- errors ---------------------------------------------------------------------------------


def error_body(message, kind, trace, invocation=None):
    return {
        "errorMessage": message or "",
        "errorType": kind or "",
        "requestId": invocation or "",
        "stackTrace": trace or [],
    }


def describe(error, invocation=None):
    if isinstance(error, Fault):
        return error_body(error.message, error.kind, error.trace, invocation)
    frames = traceback.extract_tb(error.__traceback__)
    own = os.path.abspath(__file__)
    # The client's own frames come first and tell a function's author nothing.
    while len(frames) > 1 and frames[0].filename == own:
        frames = frames[1:]
    # Without columns: AWS shows no line of carets.
    bare = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
    trace = traceback.format_list(bare)
    return error_body(str(error), type(error).__name__, trace, invocation)


# ---- logs -----------------------------------------------------------------------------------


class Unbuffered:
    """A text stream that shows each write at once, so that lines land in their own request."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def write(self, text):
        written = self._stream.write(text)
        self._stream.flush()
        return written

    def writelines(self, lines):
        self._stream.writelines(lines)
        self._stream.flush()


def write_log(text):
    """One message is one log event: inner line ends travel as CR, the platform turns them back."""
    sys.stdout.write(text.rstrip("\n").replace("\r\n", "\r").replace("\n", "\r") + "\n")


def log_error(body):
    if json_logs:
        write_log(to_json({"timestamp": utc_now(), "level": "ERROR", **body}))
        return
    title = "[ERROR]"
    if body["errorType"]:
        title += " " + body["errorType"]
    if body["errorMessage"]:
        title += (": " if body["errorType"] else " ") + body["errorMessage"]
    lines = [title, "Traceback (most recent call last):"]
    for element in body["stackTrace"]:
        for line in element.splitlines():
            bare = line.lstrip(" ")
            lines.append(INDENT * (len(line) - len(bare)) + bare)
    write_log("\n".join(lines))


def utc_now():
    return time.strftime(TIME_FORMAT + "Z", time.gmtime())


class RequestFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id or ""
        return True


class LogHandler(logging.Handler):
    def emit(self, record):
        try:
            write_log(self.format(record))
        except Exception:  # as logging's own handlers do: a log line never breaks a function
            self.handleError(record)


PLAIN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "aws_request_id",
    "taskName",
}


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": time.strftime(TIME_FORMAT + "Z", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            line["stackTrace"] = traceback.format_list(traceback.extract_tb(trace))
            line["errorType"] = kind.__name__
            line["errorMessage"] = str(error)
            line["location"] = "{}:{}:{}".format(
                record.pathname, record.funcName, record.lineno
            )
        for name, value in vars(record).items():
            if name not in PLAIN_FIELDS and name not in line:
                line[name] = value
        line["requestId"] = getattr(record, "aws_request_id", None) or None
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logging():
    sys.stdout = Unbuffered(sys.stdout)
    sys.stderr = Unbuffered(sys.stderr)
    handler = LogHandler()
    if json_logs:
        handler.setFormatter(JsonFormatter())
    else:
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        formatter = logging.Formatter(text, TIME_FORMAT)
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    handler.addFilter(RequestFilter())
    root = logging.getLogger()
    root.addHandler(handler)
    names = {"TRACE": "DEBUG", "FATAL": "CRITICAL"}
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = names.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL"):
        root.setLevel(level)


# ---- JSON -----------------------------------------------------------------------------------


# Stands for a Decimal in JSON text until its digits take the place. Random, so that no string of
# the function's is mistaken for it.
DECIMAL = "decimal-" + os.urandom(12).hex() + "-"


def to_json(value):
    """JSON as AWS's runtime writes it: DynamoDB's Decimals become numbers, digit for digit."""
    decimals = []
    # Not imported here, which would cost each cold start: who has a Decimal has the module.
    decimal = sys.modules.get("decimal")

    def plain(item):
        if not (decimal and isinstance(item, decimal.Decimal)):
            name = type(item).__name__
            raise TypeError("Object of type {} is not JSON serializable".format(name))
        if not item.is_finite():
            return float(item)
        decimals.append(str(item))
        return DECIMAL + str(len(decimals) - 1)

    text = json.dumps(value, ensure_ascii=escape, default=plain)
    if decimals:
        mark = re.compile('"{}([0-9]+)"'.format(DECIMAL))
        text = mark.sub(lambda found: decimals[int(found[1])], text)
    return text


# ---- Runtime API ----------------------------------------------------------------------------


class RuntimeApi:
    """One connection, one request at a time."""

    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        # Whether `next` has been sent already, right behind the last result.
        self.asked = False

    def answer(self):
        data = self.received
        head_end = data.find(b"\r\n\r\n")
        while head_end < 0:
            data += self.more()
            head_end = data.find(b"\r\n\r\n")
        lines = data[:head_end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start = head_end + 4
        end = start + int(headers["content-length"])
        if len(data) < end:
            parts, missing = [data], end - len(data)
            while missing > 0:
                part = self.more()
                parts.append(part)
                missing -= len(part)
            data = b"".join(parts)
        self.received = data[end:]
        return headers, data[start:end]

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            # Without its platform the function has nothing left to do.
            os._exit(1)
        return data

    NEXT = ("GET " + BASE + "/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n").encode()

    def next(self):
        if not self.asked:
            self.socket.sendall(self.NEXT)
        self.asked = False
        return self.answer()

    def post(self, target, body, headers="", last=False):
        """Posts a result. Unless it is the last, asks for the next event in the same breath, which
        saves a round trip on every invocation."""
        head = (
            "POST {}{} HTTP/1.1\r\nHost: runtime\r\nContent-Type: application/json\r\n"
            "Content-Length: {}\r\n{}\r\n"
        ).format(BASE, target, len(body), headers)
        self.asked = not last
        self.socket.sendall(head.encode("latin-1") + body + (b"" if last else self.NEXT))
        return self.answer()

    def post_error(self, target, body, last=False):
        kind = "".join(c if " " <= c <= "~" else "?" for c in body["errorType"])
        header = "Lambda-Runtime-Function-Error-Type: {}\r\n".format(kind)
        self.post(target, encode(to_json(body)), header, last)


def encode(text):
    # A lone surrogate has no UTF-8 form.
    return text.encode("utf-8", "backslashreplace")


# ---- the handler ----------------------------------------------------------------------------


def load_handler(name):
    try:
        module_name, function = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", "Bad handler '{}': {}".format(name, error))
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "BuiltInModuleConflict",
            "Cannot use built-in module {} as a handler module".format(module_name),
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault(
            "ImportModuleError",
            "Unable to import module '{}': {}".format(module_name, error),
        )
    except SyntaxError as error:
        trace = ['  File "{}" Line {}\n    {}'.format(error.filename, error.lineno, error.text)]
        raise Fault(
            "UserCodeSyntaxError",
            "Syntax error in module '{}': {}".format(module_name, error),
            trace,
        )
    try:
        return getattr(module, function)
    except AttributeError:
        raise Fault(
            "HandlerNotFound",
            "Handler '{}' missing on module '{}'".format(function, module_name),
        )


class Fields:
    """A bag of attributes, all of them there and None where the caller sent nothing."""

    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name))

    def __repr__(self):
        inner = ",".join("{}={!r}".format(k, v) for k, v in vars(self).items())
        return "{}([{}])".format(type(self).__name__, inner)


class CognitoIdentity(Fields):
    def __init__(self, values):
        super().__init__((), {})
        self.cognito_identity_id = values.get("cognitoIdentityId")
        self.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")


class Client(Fields):
    def __init__(self, values):
        names = (
            "installation_id",
            "app_title",
            "app_version_name",
            "app_version_code",
            "app_package_name",
        )
        super().__init__(names, values)


class ClientContext(Fields):
    def __init__(self, values):
        super().__init__(("custom", "env"), values)
        self.client = Client(values["client"]) if values.get("client") else None


def parse_header(headers, name, title):
    text = headers.get(name)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Fault(
            "LambdaContextUnmarshalError", "Unable to parse {} JSON: {}".format(title, error)
        )


class LambdaContext:
    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        client = parse_header(headers, "lambda-runtime-client-context", "Client Context")
        self.client_context = ClientContext(client) if client else None
        identity = parse_header(headers, "lambda-runtime-cognito-identity", "Cognito Identity")
        self.identity = CognitoIdentity(identity or {})
        self._deadline = int(headers.get("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        inner = ",".join(
            "{}={}".format(k, v) for k, v in vars(self).items() if not k.startswith("_")
        )
        return "LambdaContext([{}])".format(inner)


def run_handler(handler, headers, body):
    context = LambdaContext(headers)
    try:
        event = json.loads(body)
    except ValueError as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: {}".format(error))
    result = handler(event, context)
    try:
        return encode(to_json(result))
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault("MarshalError", "Unable to marshal response: {}".format(error))


def handle_one(api, handler):
    global request_id
    headers, body = api.next()
    request_id = headers["lambda-runtime-aws-request-id"]
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    target = "/invocation/" + request_id
    try:
        result = run_handler(handler, headers, body)
    except Exception as error:
        failure = describe(error, request_id)
        log_error(failure)
        api.post_error(target + "/error", failure)
    else:
        api.post(target + "/response", result)


def main():
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if "CUMULET_WAIT_FD" in os.environ:
        wait_for_function(int(os.environ["CUMULET_WAIT_FD"]))
    configure()
    # Started as a script, sys.path[0] is this file's folder, which is no place for user imports.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    # A user's module may well be called `bootstrap` or `main`: keep this one out of the way.
    sys.argv = [os.path.abspath(__file__)]
    set_up_logging()
    try:
        handler = load_handler(os.environ.get("_HANDLER", ""))
    except Exception as error:
        failure = describe(error)
        log_error(failure)
        api.post_error("/init/error", failure, last=True)
        sys.exit(1)
    while True:
        handle_one(api, handler)


main()
