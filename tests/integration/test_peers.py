"""RADIUS clients that others wrote: FreeRADIUS's radclient, and pyrad."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrad.packet
import pytest
from pyrad.client import Client
from pyrad.dictionary import Dictionary

from tests.integration.shared import SharedSite
from tests.integration.site import SECRET, Site

RADCLIENT = shutil.which("radclient")

pytestmark = pytest.mark.integration
with_radclient = pytest.mark.skipif(RADCLIENT is None, reason="radclient is not installed (Debian: freeradius-utils)")

SIGNED = "Message-Authenticator = 0x00"
SECTIONS = [*[{}] * 16, {"radius_secret_1": "another secret than radclient's"}]
DICTIONARY = """\
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE Proxy-State 33 octets
ATTRIBUTE Message-Authenticator 80 octets
"""


class Answered:
    """What radclient said.

    Attributes:
        status: 0 if every request was accepted.
        replies: the names of the replies in order.
        text: all of it.
    """

    def __init__(self, ended: subprocess.CompletedProcess[str]) -> None:
        self.status = ended.returncode
        self.text = ended.stdout + ended.stderr
        self.replies = re.findall(r"(?m)^Received (\S+) Id ", self.text)

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute in the replies."""
        received = self.text.partition("Received ")[2]
        return re.findall(rf"(?m)^\s+{name} = (.*)$", received)


def radclient(site: Site, *attributes: str, command: str = "auth", options: tuple[str, ...] = ()) -> Answered:
    """Send one request, or with `-f FILE` among the options what is in the file."""
    assert RADCLIENT is not None
    given = {"stdin": subprocess.DEVNULL} if "-f" in options else {"input": ", ".join(attributes) + "\n"}
    ended = subprocess.run(
        [RADCLIENT, "-x", "-r", "1", "-t", "20", *options, f"127.0.0.1:{site.port}", command, SECRET],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **given,
    )
    return Answered(ended)


def credentials(user: str, password: str) -> tuple[str, str]:
    return f'User-Name = "{user}"', f'User-Password = "{password}"'


@with_radclient
class TestRadclient:
    @pytest.mark.parametrize("signature", [(), (SIGNED,)], ids=["unsigned", "signed"])
    def test_a_login_is_accepted(self, shared: SharedSite, signature):
        answered = radclient(shared.start(), *credentials("alice", "123456"), *signature)
        assert (answered.status, answered.replies) == (0, ["Access-Accept"]), answered.text
        assert answered.values("Reply-Message") == ['"Success. Logging you in..."']
        assert len(answered.values("Message-Authenticator")) == 1

    @pytest.mark.parametrize("signature", [(), (SIGNED,)], ids=["unsigned", "signed"])
    def test_a_login_is_rejected(self, shared: SharedSite, signature):
        answered = radclient(shared.start(), *credentials("alice", "999999"), *signature)
        assert (answered.status, answered.replies) == (1, ["Access-Reject"]), answered.text
        assert answered.values("Reply-Message") == ['"Incorrect passcode. Please try again."']

    def test_a_push_is_waited_for(self, shared: SharedSite):
        answered = radclient(shared.start(), *credentials("alice", "push"), SIGNED)
        assert answered.replies == ["Access-Accept"], answered.text

    @pytest.mark.parametrize("user", ["ユーザー", "josé"])
    def test_a_user_name_of_any_language(self, shared: SharedSite, user):
        answered = radclient(shared.start(), *credentials(user, "123456"), SIGNED)
        assert answered.replies == ["Access-Accept"], answered.text
        assert {call["username"] for call in shared.simulator.get("/api/calls") if call["username"]} == {user}

    def test_every_proxy_state_comes_back_unchanged_and_in_order(self, shared: SharedSite):
        states = ["0x00ff", "0x68656c6c6f", "0x00ff"]
        asked = [f"Proxy-State += {state}" for state in states]
        answered = radclient(shared.start(), *credentials("alice", "123456"), SIGNED, *asked)
        assert answered.replies == ["Access-Accept"], answered.text
        assert answered.values("Proxy-State") == states

    def test_a_status_server_is_answered(self, shared: SharedSite):
        answered = radclient(shared.start(), SIGNED, command="status")
        assert (answered.status, answered.replies) == (0, ["Access-Accept"]), answered.text
        assert shared.log_lines() == []

    def test_fifty_requests_ten_at_a_time_are_all_answered(self, shared: SharedSite, tmp_path: Path):
        for number in range(50):
            person = {"username": f"user{number}", "devices": [{"device": f"D{number}"}], "passcodes": ["123456"]}
            shared.simulator.post("/api/users", person)
        requests = tmp_path / "requests"
        requests.write_text(
            "\n\n".join("\n".join([*credentials(f"user{number}", "123456"), SIGNED]) for number in range(50)) + "\n"
        )
        answered = radclient(shared.start(), options=("-s", "-p", "10", "-f", str(requests)))
        assert answered.status == 0, answered.text
        assert answered.replies == ["Access-Accept"] * 50
        assert len(shared.log_lines()) == 50

    def test_a_wrong_shared_secret_meets_silence(self, shared: SharedSite):
        shared.start(radius_secret_1="another secret than radclient's")
        answered = radclient(shared, *credentials("alice", "123456"), SIGNED, options=("-t", "0.2"))
        assert (answered.status, answered.replies) == (1, []), answered.text


@pytest.fixture
def pyrad_client(shared: SharedSite, tmp_path: Path) -> Iterator[Client]:
    path = tmp_path / "dictionary"
    path.write_text(DICTIONARY)
    client = Client(
        server="127.0.0.1",
        authport=shared.start().port,
        secret=SECRET.encode(),
        dict=Dictionary(str(path)),
        retries=1,
        timeout=20,
        enforce_ma=True,
    )
    yield client
    client._CloseSocket()


def ask(client: Client, user: str, password: str, **attributes: Any) -> Any:
    """Return pyrad's reply, which it has verified, Message-Authenticator included."""
    packet = client.CreateAuthPacket(code=pyrad.packet.AccessRequest, User_Name=user, **attributes)
    packet["User-Password"] = packet.PwCrypt(password)
    return client.SendPacket(packet)


class TestPyrad:
    def test_a_login_is_accepted_and_the_message_is_read(self, pyrad_client: Client):
        reply = ask(pyrad_client, "alice", "123456")
        assert reply.code == pyrad.packet.AccessAccept
        assert reply["Reply-Message"] == ["Success. Logging you in..."]

    def test_a_login_is_rejected_and_the_message_is_read(self, pyrad_client: Client):
        reply = ask(pyrad_client, "bob", "push")
        assert reply.code == pyrad.packet.AccessReject
        assert reply["Reply-Message"] == ["Login request denied."]

    def test_an_unsigned_request_gets_a_signed_reply(self, pyrad_client: Client):
        reply = ask(pyrad_client, "alice", "123456", message_authenticator=False)
        assert reply.code == pyrad.packet.AccessAccept

    def test_a_user_name_of_any_language(self, pyrad_client: Client):
        assert ask(pyrad_client, "ユーザー", "123456").code == pyrad.packet.AccessAccept

    def test_proxy_state_comes_back_unchanged(self, pyrad_client: Client):
        reply = ask(pyrad_client, "alice", "123456", Proxy_State=b"\x00via\xff")
        assert reply["Proxy-State"] == [b"\x00via\xff"]

    def test_a_status_server_is_answered(self, pyrad_client: Client):
        reply = pyrad_client.SendPacket(pyrad_client.CreateAuthPacket(code=pyrad.packet.StatusServer))
        assert reply.code == pyrad.packet.AccessAccept
