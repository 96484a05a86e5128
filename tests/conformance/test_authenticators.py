"""Request and Response Authenticator, and the arithmetic of Message-Authenticator."""

import ast
import hashlib
import hmac
import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

import gateway
from gateway.radius import shared_secret
from gateway.radius.client import verify_reply
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import sign_reply
from gateway.radius.shared_secret import SharedSecret
from gateway.supervisor import login_helper
from gateway.supervisor.login_helper import LoginOrders
from tests.conformance.wire import RA, accept, forged, pap, signed
from tests.engine.scene import SECRET, Stage
from tests.vectors import load, octets

PUBLISHED = [vector for name in ("rfc2865-section7", "rfc5997-section6") for vector in load(name)]


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector["name"])
def test_U1_the_response_authenticator_is_that_of_the_published_exchanges(vector):
    """RFC 2865 section 7, RFC 5997 section 6."""
    request, response = octets(vector, "request_hex"), octets(vector, "response_hex")
    as_sent = response[:4] + request[4:20] + response[20:]
    assert SharedSecret(octets(vector, "secret_hex")).response_authenticator(as_sent) == response[4:20]


@pytest.mark.parametrize("vector", load("responses"), ids=lambda vector: vector["name"])
def test_U1_replies_are_made_octet_for_octet(vector):
    """RFC 2865 section 3, RFC 3579 section 3.2: the Response Authenticator after the Message-Authenticator."""
    attributes = bytes.fromhex("".join(vector["input"]["attributes_after_message_authenticator"]))
    request = decode_packet(octets(vector, "request_hex"))
    secret = SharedSecret(octets(vector, "secret_hex"))
    reply = sign_reply(Code(vector["input"]["code"]), request, secret, attributes)
    assert reply == octets(vector, "response_hex")


def test_U1_the_reply_to_a_login_has_the_right_response_authenticator():
    """RFC 2865 section 3."""
    reply = accept(Stage(), signed(pap()))
    assert reply[4:20] == hashlib.md5(reply[:4] + RA + reply[20:] + b"a shared secret").digest()


def test_U2_message_authenticator_covers_the_packet_with_its_own_value_zero():
    """RFC 3579 section 3.2: in a reply, the header carries the Request Authenticator meanwhile."""
    request = signed(pap())
    assert request[22:38] == hmac.digest(b"a shared secret", request[:22] + bytes(16) + request[38:], "md5")
    reply = accept(Stage(), request)
    as_computed = reply[:4] + RA + reply[20:22] + bytes(16) + reply[38:]
    assert reply[22:38] == hmac.digest(b"a shared secret", as_computed, "md5")


def test_U2_message_authenticator_covers_nothing_behind_length():
    """RFC 3579 section 3.2."""
    assert SECRET.has_signed(decode_packet(signed(pap()) + b"padding"))


@pytest.mark.parametrize("vector", load("rfc5997-section6"), ids=lambda vector: vector["name"])
def test_U2_the_published_message_authenticators_are_right(vector):
    """RFC 5997 section 6."""
    assert SharedSecret(octets(vector, "secret_hex")).has_signed(decode_packet(octets(vector, "request_hex")))


def test_U4_message_authenticators_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    """draft-ietf-radext-deprecating-radius, Constant Time Comparisons."""
    compared = []

    def compare(expected: bytes, received: bytes) -> bool:
        compared.append(received)
        return hmac.compare_digest(expected, received)

    monkeypatch.setattr(shared_secret, "compare_digest", compare)
    request = signed(pap())
    stage = Stage()
    stage.receive(request)
    stage.receive(forged(request))
    assert compared == [request[22:38], forged(request)[22:38]]


def test_U4_no_authenticator_is_compared_with_an_operator():
    """draft-ietf-radext-deprecating-radius, Constant Time Comparisons: `==` tells by its time how much was right."""
    package = Path(gateway.__file__).parent
    found = [
        f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}"
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(is_an_authenticator(side) for side in (node.left, *node.comparators))
    ]
    assert found == []


def is_an_authenticator(side: ast.expr) -> bool:
    """Whether an expression is named as one, or is a call that makes one."""
    if isinstance(side, ast.Call):
        side = side.func
    name = side.attr if isinstance(side, ast.Attribute) else side.id if isinstance(side, ast.Name) else ""
    return name.endswith(("authenticator", "signature"))


def test_U6_each_request_of_radgate_login_has_a_new_random_authenticator(monkeypatch: pytest.MonkeyPatch):
    """RFC 2865 section 3: the only requests that the gateway originates."""
    drawn: list[bytes] = []

    def draw(size: int) -> bytes:
        drawn.append(os.getrandom(size))
        return drawn[-1]

    monkeypatch.setattr(login_helper, "os", SimpleNamespace(urandom=draw))
    secret = SharedSecret(b"of the operator")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        orders = LoginOrders(
            family=socket.AF_INET,
            source="127.0.0.1",
            destination="127.0.0.1",
            port=silent.getsockname()[1],
            shared_secret=b"of the operator",
            user=b"alice",
            password=b"push",
            timeout_s=0.01,
        )
        for _ in range(2):
            assert login_helper.log_in(orders).text == "no answer within 0.01 s"
        requests = [decode_packet(silent.recv(4096)) for _ in range(2)]
    assert [request.authenticator for request in requests] == drawn
    assert drawn[0] != drawn[1]
    assert all(request.octets[20] == MESSAGE_AUTHENTICATOR and secret.has_signed(request) for request in requests)


def test_U1_a_reply_is_believed_by_its_authenticators_alone():
    """RFC 2865 section 3: `radgate login` refuses what another secret has made."""
    reply = accept(Stage(), signed(pap()))
    assert verify_reply(reply, RA, SECRET).code == Code.ACCESS_ACCEPT
    for wrong in (reply[:4] + bytes(16) + reply[20:], reply[:22] + bytes(16) + reply[38:]):
        with pytest.raises(ValueError, match="Authenticator"):
            verify_reply(wrong, RA, SECRET)
