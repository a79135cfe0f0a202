"""Mail: by SMTP where that is configured, into the mailbox where it is not."""

import asyncio
import datetime
import email
import email.policy
import json
import os
import pty
import re
import ssl
import subprocess
import termios
import threading
import time

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conftest import binary, running_cloud

SECONDS = 60
USER, SECRET = "mailer", "s3cret pass"


def certify(folder):
    """A certificate authority and its certificate for localhost: paths of both, and of the key."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def signed(subject, key, by, ca, names):
        made = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=7))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            subject_names = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            made = made.add_extension(subject_names, False).add_extension(usage, False)
        return made.sign(by, hashes.SHA256())

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    paths = [folder / file for file in ("authority.pem", "server.pem", "server.key")]
    pem = serialization.Encoding.PEM
    authority = signed("test authority", authority_key, authority_key, True, [])
    server = signed("localhost", key, authority_key, False, ["localhost"])
    paths[0].write_bytes(authority.public_bytes(pem))
    paths[1].write_bytes(server.public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    paths[2].write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return paths


class MailServer:
    """An SMTP server that takes mail after STARTTLS and a log-in, and keeps it."""

    def __init__(self, folder):
        self.authority, certificate, key = certify(folder)
        self.mails, self.logins = [], []
        self.arrived = threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def session():
            return SMTP(
                self,
                tls_context=context,
                require_starttls=True,
                authenticator=self._authenticate,
                auth_required=True,
                auth_require_tls=True,
            )

        self.loop = asyncio.new_event_loop()
        listening = self.loop.create_server(session, "127.0.0.1", 0)
        self.port = self.loop.run_until_complete(listening).sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)

    def _authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        return AuthResult(success=given == (USER, SECRET), handled=False)

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None and session.authenticated
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, parsed))
        self.arrived.set()
        return "250 taken"

    def wait_for(self, number):
        deadline = time.monotonic() + SECONDS
        while len(self.mails) < number and time.monotonic() < deadline:
            self.arrived.wait(0.2)
            self.arrived.clear()
        assert len(self.mails) >= number, "no mail came"
        return self.mails[number - 1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = MailServer(tmp_path_factory.mktemp("smtp"))
    yield server
    server.stop()


@pytest.fixture
def cloud(server):
    with running_cloud(SSL_CERT_FILE=str(server.authority)) as cloud:
        server.mails.clear()
        server.logins.clear()
        yield cloud


def configure(cloud, server, *more, password=SECRET, check=True):
    return cloud.cumulet(
        *["config", "mail", "--host", "localhost", "--port", str(server.port)],
        *["--user", USER, "--from", "Notes <no-reply@example.com>", *more],
        stdin=password + "\n",
        check=check,
    )


def sign_up(cloud, username="ann"):
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])["UserPool"]
    made = cognito.create_user_pool_client(UserPoolId=pool["Id"], ClientName="web")
    client = made["UserPoolClient"]["ClientId"]
    answer = cognito.sign_up(
        ClientId=client,
        Username=username,
        Password="Corr3ct-horse",
        UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
    )
    assert answer["CodeDeliveryDetails"]["DeliveryMedium"] == "EMAIL"

    def confirm(text):
        code = re.search(r"\b\d{6}\b", text)[0]
        cognito.confirm_sign_up(ClientId=client, Username=username, ConfirmationCode=code)

    return confirm


def test_without_a_mail_server_the_code_is_in_the_mailbox(cloud):
    assert "No mail server is set" in cloud.cumulet("config", "mail").stdout
    confirm = sign_up(cloud)
    [kept] = cloud.admin("mailbox")
    assert kept["to"] == "ann@example.com"
    confirm(kept["body"])
    done = cloud.cumulet("config", "mail", "--test", "ann@example.com", check=False)
    assert done.returncode == 1 and "no mail server is configured" in done.stderr


def test_the_code_comes_by_smtp(cloud, server):
    shown = configure(cloud, server).stdout
    assert f"localhost:{server.port} (STARTTLS) as {USER}" in shown and SECRET not in shown
    confirm = sign_up(cloud)
    sender, recipients, mail = server.wait_for(1)
    assert (sender, recipients) == ("no-reply@example.com", ["ann@example.com"])
    assert mail["From"] == "Notes <no-reply@example.com>" and mail["To"] == "ann@example.com"
    confirm(mail.get_content())
    assert server.logins == [(USER, SECRET)]
    assert cloud.admin("mailbox") == []
    # The settings are kept, sealed: nothing of them lies open in the data folder.
    cloud.restart()
    listed = json.loads(cloud.cumulet("config", "mail", "--json").stdout)
    assert listed == {
        "host": "localhost",
        "port": server.port,
        "security": "starttls",
        "user": USER,
        "from": "Notes <no-reply@example.com>",
    }
    cloud.terminate()
    for path in (cloud.folder / "data").rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in (cloud.folder / "log").read_text()


def test_ctrl_c_at_the_password_gives_the_terminal_back(cloud, server):
    ours, theirs = pty.openpty()

    def echoes():
        return bool(termios.tcgetattr(theirs)[3] & termios.ECHO)

    def until(happened):
        deadline = time.monotonic() + SECONDS
        while not happened():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    command = ["config", "mail", "--host", "localhost", "--user", USER, "--from", "a@example.com"]
    # In a session of its own, whose terminal this is: Ctrl-C is the terminal's to send.
    asked = subprocess.Popen(
        ["setsid", "--ctty", "--wait", binary(), *command],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "CUMULET_DATA": str(cloud.folder / "data")},
    )
    try:
        assert echoes()
        until(lambda: not echoes())
        os.write(ours, b"half a pass\x03")
        assert asked.wait(SECONDS) == 130
        until(echoes)
    finally:
        asked.kill()
        asked.communicate()
        os.close(ours)
        os.close(theirs)
    assert "No mail server is set" in cloud.cumulet("config", "mail").stdout


def test_a_test_mail_says_what_the_server_says(cloud, server):
    done = configure(cloud, server, "--test", "bob@example.com")
    assert "took a mail to bob@example.com" in done.stderr
    _, recipients, mail = server.wait_for(1)
    assert recipients == ["bob@example.com"] and "test" in mail.get_content()


def test_a_wrong_password_keeps_the_mail_in_the_outbox(cloud, server):
    done = configure(cloud, server, "--test", "ann@example.com", password="wrong", check=False)
    assert done.returncode == 1 and "535" in done.stderr, done.stderr
    confirm = sign_up(cloud)
    deadline = time.monotonic() + SECONDS
    # The test mail was the first log-in.
    while len(server.logins) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.logins[-1] == (USER, "wrong") and server.mails == []
    assert cloud.admin("mailbox") == []
    # With the right one it is delivered when its time comes, half a minute later.
    configure(cloud, server)
    _, recipients, mail = server.wait_for(1)
    assert recipients == ["ann@example.com"]
    confirm(mail.get_content())


def test_settings_that_cannot_work_are_refused(cloud, server):
    far = ["--host", "mail.example.com", "--security", "none", "--from", "a@example.com"]
    nameless = ["--host", "localhost", "--from", "nobody"]
    for arguments, words in [(far, "unencrypted"), (nameless, "no sender")]:
        done = cloud.cumulet("config", "mail", *arguments, check=False)
        assert done.returncode == 1 and words in done.stderr, done.stderr
    done = cloud.cumulet("config", "mail", "--host", "localhost", check=False)
    assert done.returncode == 2 and "--from" in done.stderr
    assert "No mail server is set" in cloud.cumulet("config", "mail").stdout
    configure(cloud, server)
    assert "No mail server is set" in cloud.cumulet("config", "mail", "--remove").stdout


def test_a_public_server_sends_with_a_mail_server_only(server):
    trusted = {"SSL_CERT_FILE": str(server.authority)}
    with running_cloud(listen="0.0.0.0:0", **trusted) as cloud:
        cloud.endpoint = cloud.endpoint.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(ClientError) as caught:
            sign_up(cloud)
        assert caught.value.response["Error"]["Code"] == "CodeDeliveryFailureException"
        server.mails.clear()
        configure(cloud, server)
        confirm = sign_up(cloud, "bob")
        confirm(server.wait_for(1)[2].get_content())
