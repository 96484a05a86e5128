"""What is not answered: strangers, wrong secrets, broken packets. And what the administrator is told."""

import random

import pytest

from tests.integration.site import Site

pytestmark = pytest.mark.integration


def test_an_unknown_client_meets_silence_and_one_line_says_what_to_do(site: Site):
    stranger, nas = site.start().nas(host="127.0.0.9"), site.nas()
    for _ in range(20):
        stranger.send("alice", "123456")
    assert nas.login("alice", "123456").is_accept
    assert not stranger.has_reply()
    lines = site.log_lines("discard=")
    assert len(lines) <= 2  # one for each worker that it met
    assert lines[0].fields["discard"] == "unknown_client"
    assert "from 127.0.0.9: no radius_ip_N of a section on this port covers this address" in lines[0].text


@pytest.mark.parametrize("require", ["auto", "no"])
def test_a_wrong_shared_secret_meets_silence_and_one_line_says_what_to_do(site: Site, require):
    wrong = site.start(require_message_authenticator=require).nas(secret="not the secret")
    wrong.send("alice", "123456")
    assert site.nas().login("alice", "123456").is_accept
    assert not wrong.has_reply()
    (line,) = site.log_lines("discard=")
    assert line.fields["discard"] == "message_authenticator_wrong"
    assert "radius_secret_N" in line.text
    assert line.fields["client"] == "radius_ip_1 of [radius_server_duo_only]"


BROKEN = [
    b"",
    b"\x01",
    bytes(19),
    bytes([1, 1, 0, 19]) + bytes(16),
    bytes([1, 1, 0, 40]) + bytes(16),
    bytes([1, 1, 0, 22]) + bytes(16) + b"\x01\x00",
    bytes([1, 1, 0, 21]) + bytes(16) + b"\x01",
    bytes([4, 1, 0, 20]) + bytes(16),
]


def test_broken_packets_meet_silence_and_the_gateway_goes_on(site: Site):
    nas, honest = site.start().nas(), site.nas()
    chance = random.Random(1)
    for octets in (*BROKEN, *(b"\x09" + chance.randbytes(100) for _ in range(200))):
        nas.send_octets(octets)
    for user in ("alice", "dave", "josé"):
        assert honest.login(user, "123456").is_accept
    assert not nas.has_reply()
    assert {line.fields["discard"] for line in site.log_lines("discard=")} == {
        "packet_too_short",
        "length_field",
        "packet_truncated",
        "attribute_truncated",
        "attribute_length",
        "unexpected_code",
    }
    assert "Traceback" not in site.log_text
