"""The bench's home server: what it says to whom."""

import pytest

from bench import home_server
from bench.home_server import SECRET, USERS, answer
from gateway.radius.client import encode_access_request, sign_request, verify_reply
from gateway.radius.dictionary import Code
from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret

KEY = SharedSecret(SECRET.encode())
AUTHENTICATOR = bytes(range(16))


def asked(user: bytes, password: bytes, secret: SharedSecret = KEY) -> bytes | None:
    return answer(decode_packet(encode_access_request(1, AUTHENTICATOR, secret, user, password)), KEY, USERS)


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [
        (b"alice", b"correct horse", Code.ACCESS_ACCEPT),
        (b"alice", b"wrong horse", Code.ACCESS_REJECT),
        (b"alice", b"", Code.ACCESS_REJECT),
        (b"nobody", b"correct horse", Code.ACCESS_REJECT),
        (b"\xff", b"\xff", Code.ACCESS_REJECT),
    ],
)
def test_it_lets_in_whom_it_knows_by_their_password(user, password, code):
    reply = asked(user, password)
    assert reply is not None
    assert verify_reply(reply, AUTHENTICATOR, KEY).code == code


def test_it_says_that_it_lives():
    request = decode_packet(sign_request(Code.STATUS_SERVER, 1, AUTHENTICATOR, KEY, b""))
    reply = answer(request, KEY, USERS)
    assert reply is not None
    assert verify_reply(reply, AUTHENTICATOR, KEY).code == Code.ACCESS_ACCEPT


def test_it_is_silent_to_whom_it_does_not_share_a_secret_with():
    assert asked(b"alice", b"correct horse", SharedSecret(b"another secret")) is None


def test_its_help_tells_users_and_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        home_server.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "alice (correct horse)" in said
