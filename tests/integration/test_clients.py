"""What real RADIUS clients send, and need back: whatever signature, charset, address or code they come with.

Silence is seen by what comes next: a packet that is answered, behind one that is not.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import (
    ACCESS_ACCEPT,
    ACCESS_REJECT,
    ACCESS_REQUEST,
    ACCOUNTING_REQUEST,
    ACCOUNTING_RESPONSE,
    CALLING_STATION_ID,
    EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    USER_NAME,
    USER_PASSWORD,
)
from gateway.radius.packet import Packet, decode_packet
from gateway.radius.shared_secret import SharedSecret
from tests.integration.shared import SharedSite
from tests.integration.site import SECRET, Site

KEY = SharedSecret(SECRET.encode())
STATE_OF_A_PROXY = encode_attribute(PROXY_STATE, b"\xfe\x80 state of a proxy")
RADCLIENT = shutil.which("radclient")

pytestmark = pytest.mark.integration

SECTIONS = [
    *[{}] * 14,
    {"limit_proxy_state": "yes"},
    *[{"limit_proxy_state": "no"}] * 2,
    *[{"message_authenticator_in_replies_1": place} for place in ("first", "last", "if_asked")],
    {"unrecognised_factor": "auto"},
    {"unrecognised_factor": "reject"},
    {"probe_username_1": "NSMonitor", "failmode": "safe"},
    *[{"accounting": "acknowledge"}] * 3,
]


class Client:
    """A RADIUS client that signs its requests, by Message-Authenticator behind all else as most do, or does not."""

    def __init__(self, site: Site) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(20)
        self._site = site
        self._identifier = 0
        self._authenticators: dict[int, bytes] = {}

    def send(self, password: bytes | None, attributes: bytes = b"", *, user: bytes = b"alice", sign: bool) -> None:
        """Send an Access-Request; None is no User-Password."""
        authenticator = os.urandom(16)
        attributes = encode_attribute(USER_NAME, user) + attributes
        if password is not None:
            attributes += encode_attribute(USER_PASSWORD, KEY.hide_user_password(password, authenticator))
        if sign:
            attributes += encode_attribute(MESSAGE_AUTHENTICATOR, bytes(16))
        octets = self._header(ACCESS_REQUEST, attributes) + authenticator + attributes
        if sign:
            octets = octets[:-16] + KEY.message_authenticator(octets)
        self._authenticators[octets[1]] = authenticator
        self._send(octets)

    def account(self, attributes: bytes = b"", *, secret: SharedSecret = KEY) -> None:
        """Send an Accounting-Request."""
        attributes = encode_attribute(USER_NAME, b"alice") + encode_attribute(40, b"\0\0\0\1") + attributes
        header = self._header(ACCOUNTING_REQUEST, attributes)
        authenticator = secret.response_authenticator(header + bytes(16) + attributes)
        self._authenticators[header[1]] = authenticator
        self._send(header + authenticator + attributes)

    def _send(self, octets: bytes) -> None:
        self._socket.sendto(octets, ("127.0.0.1", self._site.port))

    def _header(self, code: int, attributes: bytes) -> bytes:
        self._identifier += 1
        return bytes((code, self._identifier)) + (20 + len(attributes)).to_bytes(2, "big")

    def receive(self) -> Packet:
        """Return the next reply, whose Response Authenticator is right."""
        reply = decode_packet(self._socket.recv(4096))
        as_sent = reply.octets[:4] + self._authenticators[reply.identifier] + reply.octets[20:]
        assert KEY.response_authenticator(as_sent) == reply.authenticator
        return reply

    def ask(self, *arguments: Any, **options: Any) -> int:
        """Send an Access-Request and return the code of its reply; the first reply that comes has to be its own."""
        self.send(*arguments, **options)
        reply = self.receive()
        assert reply.identifier == self._identifier
        return reply.code

    def close(self) -> None:
        """Give the socket up."""
        self._socket.close()


@pytest.fixture
def client(shared: SharedSite) -> Iterator[Client]:
    client = Client(shared)
    yield client
    client.close()


def addresses_told(site: Site) -> set[str | None]:
    """The users' addresses that Duo was told."""
    return {call["ipaddr"] for call in site.simulator.get("/api/calls") if call["username"]}


class TestMessageAuthenticatorInRequests:
    def test_one_that_signs_does_not_silence_others_behind_its_address(self, shared: SharedSite, client: Client):
        """A proxy passes on what it gets (radsecproxy 1.9.2), some signed, some not; NAT and several programs alike."""
        shared.start()
        codes = [client.ask(b"123456", sign=sign) for sign in (False, True, False, True, False)]
        assert codes == [ACCESS_ACCEPT] * 5

    def test_eap_says_nothing_of_whether_pap_is_signed(self, shared: SharedSite, client: Client):
        """A switch has to sign 802.1X (RFC 3579), and signs no administrator's login."""
        shared.start(limit_proxy_state="no")
        identity = encode_attribute(EAP_MESSAGE, b"\x02\x01\x00\x0d\x01host/pc1")
        assert client.ask(None, identity, user=b"host/pc1", sign=True) == ACCESS_REJECT
        assert client.ask(b"123456", sign=False) == ACCESS_ACCEPT
        assert client.ask(b"123456", STATE_OF_A_PROXY, sign=False) == ACCESS_ACCEPT

    @pytest.mark.parametrize("limit", ["yes", "no"])
    def test_where_somebody_signs_proxy_state_must_be_signed(self, shared: SharedSite, client: Client, limit: str):
        """CVE-2024-3596: the attacker strips the signature, and adds the only thing that comes back."""
        shared.start(limit_proxy_state=limit)
        assert client.ask(b"123456", STATE_OF_A_PROXY, sign=True) == ACCESS_ACCEPT
        client.send(b"123456", STATE_OF_A_PROXY, sign=False)
        assert client.ask(b"123456", sign=False) == ACCESS_ACCEPT  # and nothing came before it
        (line,) = shared.log_lines("discard=")
        assert line.fields["discard"] == "message_authenticator_missing"

    @pytest.mark.skipif(RADCLIENT is None, reason="radclient is not installed (Debian: freeradius-utils)")
    def test_a_microsoft_nps_in_front_is_told_what_to_tick(self, shared: SharedSite, client: Client):
        """It sends Proxy-State, and no Message-Authenticator by default; radclient 3.2.1 does the same when told to."""
        shared.start()
        attributes = (
            "User-Name=alice,User-Password=123456,NAS-IP-Address=10.0.0.1,"
            "Proxy-State=0xfe800000000000003190a616c233831900000024"
        )
        assert "No reply" in radclient(shared, attributes, "auth", "-t", "0.2")
        assert "Access-Accept" in radclient(shared, f"{attributes},Message-Authenticator=0x00", "auth")
        (line,) = shared.log_lines("discard=")
        assert line.fields["discard"] == "proxy_state_unauthenticated"
        assert "Request must contain the message authenticator attribute" in line.text


class TestMessageAuthenticatorInReplies:
    @pytest.mark.parametrize("place", ["first", "last", "if_asked"])
    def test_it_stands_where_the_client_can_take_it(self, shared: SharedSite, client: Client, place: str):
        """MIT krb5's libkrad 1.20 refuses every reply that has it, and asks without; others look at the end."""
        shared.start(message_authenticator_in_replies_1=place)
        for sign in (False, True):
            for password, code in ((b"123456", ACCESS_ACCEPT), (b"999999", ACCESS_REJECT)):
                client.send(password, sign=sign)
                reply = client.receive()
                assert reply.code == code
                last = len(reply.octets) - 18
                offset = {"first": 20, "last": last, "if_asked": 20 if sign else None}[place]
                assert reply.offset(MESSAGE_AUTHENTICATOR) == offset

    @pytest.mark.parametrize("sign", [True, False])
    def test_a_successor_answers_as_its_predecessor_would_have(self, site: Site, sign: bool):
        """What a worker leaves of a request says whether it was signed."""
        client = Client(site)
        gateway = site.start(gateway="workers=1", message_authenticator_in_replies_1="if_asked").gateway
        client.send(b"push", user=b"trent", sign=sign)
        (push,) = site.simulator.pending()
        site.simulator.until(auth_status=1)  # so the worker knows the push by its name
        (worker,) = gateway.worker_pids()
        os.kill(worker, signal.SIGKILL)
        site.simulator.post(f"/api/pending/{push['txid']}", {"decision": "approve"})
        reply = client.receive()
        client.close()
        assert (reply.code, reply.has(MESSAGE_AUTHENTICATOR)) == (ACCESS_ACCEPT, sign)


class TestWhatLooksLikeAWrongSecret:
    def test_an_unreadable_password_is_not_blamed_on_a_secret_that_is_proven(self, shared: SharedSite, client: Client):
        """By a signature; or by the NULs that fill the password up, in the very first request of an address."""
        shared.start(unrecognised_factor="auto")
        assert client.ask(b"Az\xe9rt\xe801", user=b"user01", sign=False) == ACCESS_REJECT
        assert addresses_told(shared) == set()  # Duo was not asked about anybody
        lines = shared.log_lines()
        shared.start(unrecognised_factor="reject")
        assert client.ask(b"Az\xe9rt\xe801", sign=True) == ACCESS_REJECT
        lines += shared.log_lines()
        assert [line.fields["reason"] for line in lines] == ["unreadable_password"] * 2
        assert not [line.text for line in lines if "shared secret" in line.text]
        assert all("pw_codec" in line.fields["hint"] for line in lines)

    @pytest.mark.parametrize("sign", [True, False])
    def test_what_stands_behind_a_nul_is_rubbish(self, shared: SharedSite, client: Client, sign: bool):
        """pam_radius, FreeRADIUS#4670, privacyIDEA: C strings, sent with what lay behind them in memory."""
        shared.start()
        assert client.ask(b"123456\0\0X{Y\x141", sign=sign) == ACCESS_ACCEPT
        assert client.ask(b"123456", user=b"alice\0\xff\n", sign=sign) == ACCESS_ACCEPT
        assert client.ask(b"123456", user=b"\0alice", sign=sign) == ACCESS_REJECT
        assert [line.fields["reason"] for line in shared.log_lines()][-1] == "no_user_name"

    def test_a_name_that_is_not_utf_8_has_a_hint(self, shared: SharedSite, client: Client):
        """Käse in Latin-1."""
        shared.start()
        assert client.ask(b"123456", user=b"K\xe4se", sign=True) == ACCESS_REJECT
        (line,) = shared.log_lines()
        assert line.fields["reason"] == "bad_user_name"
        assert "pw_codec is only for passwords" in line.fields["hint"]


class TestTheUsersAddress:
    @pytest.mark.parametrize(
        ("station", "address"),
        [
            (b"203.0.113.9[4500]", "203.0.113.9"),  # strongSwan's eap-radius
            (b"203.0.113.9:41234", "203.0.113.9"),  # accel-ppp's SSTP
            (b"[2001:db8::9]:41234", "2001:db8::9"),
            (b"::ffff:203.0.113.9", "203.0.113.9"),  # a socket for both families
        ],
    )
    def test_it_reaches_duo_however_it_is_written(
        self, shared: SharedSite, client: Client, station: bytes, address: str
    ):
        shared.start()
        assert client.ask(b"123456", encode_attribute(CALLING_STATION_ID, station), sign=True) == ACCESS_ACCEPT
        assert addresses_told(shared) == {address}

    @pytest.mark.parametrize("station", [b"0.0.0.0", b"::ffff:127.0.0.1", b"00:11:22:33:44:55:66:77"])
    def test_a_wrong_one_does_not(self, shared: SharedSite, client: Client, station: bytes):
        shared.start()
        assert client.ask(b"123456", encode_attribute(CALLING_STATION_ID, station), sign=True) == ACCESS_ACCEPT
        assert addresses_told(shared) <= {None, ""}


class TestWhatIsNoLogin:
    def test_a_health_probe_is_answered_without_duo_and_without_a_line(self, shared: SharedSite, client: Client):
        """A balancer that knows no Status-Server looks for a reject within its time-out."""
        shared.start(probe_username_1="NSMonitor", failmode="safe")
        for _ in range(5):
            assert client.ask(b"Passw0rd", user=b"nsmonitor", sign=False) == ACCESS_REJECT
        assert {call["username"] for call in shared.simulator.get("/api/calls")} <= {None, ""}
        assert shared.log_lines() == []

    def test_accounting_is_acknowledged_where_the_file_says_so(self, shared: SharedSite, client: Client):
        """OpenVPN's radiusplugin throws an accepted user out again when nobody answers its accounting."""
        shared.start(accounting="acknowledge")
        client.account(secret=SharedSecret(b"another"))
        client.account(STATE_OF_A_PROXY)
        reply = client.receive()
        assert (reply.code, reply.identifier, reply.octets[20:]) == (ACCOUNTING_RESPONSE, 2, STATE_OF_A_PROXY)
        (line,) = shared.log_lines("discard=")
        assert line.fields["discard"] == "accounting_authenticator_wrong"

    def test_accounting_is_discarded_otherwise_and_the_log_names_the_key(self, shared: SharedSite, client: Client):
        shared.start()
        client.account()
        assert client.ask(b"123456", sign=False) == ACCESS_ACCEPT
        (line,) = shared.log_lines("discard=")
        assert line.fields["discard"] == "unexpected_code"
        assert "OpenVPN" in line.text
        assert "accounting=acknowledge" in line.text

    @pytest.mark.skipif(RADCLIENT is None, reason="radclient is not installed (Debian: freeradius-utils)")
    @pytest.mark.parametrize("signature", ["", ",Message-Authenticator=0x00"])
    def test_radclient_believes_the_accounting_response(self, shared: SharedSite, signature: str):
        shared.start(accounting="acknowledge")
        attributes = f"User-Name=alice,Acct-Status-Type=Start,Acct-Session-Id=1{signature}"
        said = radclient(shared, attributes, "acct")
        assert "Received Accounting-Response" in said
        assert ("Message-Authenticator" in said.partition("Received")[2]) is bool(signature)


def radclient(site: Site, attributes: str, command: str, *options: str) -> str:
    """Send one request, once; return what radclient says of it."""
    assert RADCLIENT is not None
    ended = subprocess.run(
        [RADCLIENT, "-x", "-r", "1", "-t", "20", *options, f"127.0.0.1:{site.port}", command, SECRET],
        input=f"{attributes}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.stdout + ended.stderr
