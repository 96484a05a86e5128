"""Requests that `radgate login` and the bench send, and the replies they believe."""

import pytest

from gateway.radius.client import encode_access_request, encode_attribute, sign_request, verify_reply
from gateway.radius.dictionary import Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

SECRET = SharedSecret(b"a shared secret")
RA = bytes(range(16))


def test_a_request_can_be_read_by_whoever_has_the_secret():
    packet = decode_packet(encode_access_request(7, RA, SECRET, b"alice", b"123456"))
    assert packet.octets[20] == 80
    assert packet.value(1) == b"alice"
    assert SECRET.has_signed(packet)
    assert SECRET.reveal_user_password(packet.values(2)[0], RA) == b"123456"


def test_a_genuine_reply_is_returned():
    request = decode_packet(encode_access_request(7, RA, SECRET, b"alice", b"123456"))
    assert verify_reply(encode_reply(Code.ACCESS_ACCEPT, request, SECRET), RA, SECRET).code == 2


def test_replies_made_with_another_secret_or_without_signature_are_refused():
    request = decode_packet(encode_access_request(7, RA, SECRET, b"alice", b"123456"))
    with pytest.raises(ValueError, match="shared secrets differ"):
        verify_reply(encode_reply(Code.ACCESS_ACCEPT, request, SharedSecret(b"other")), RA, SECRET)
    unsigned = bytes([2, 7, 0, 20]) + RA
    with pytest.raises(ValueError, match="Message-Authenticator"):
        verify_reply(unsigned[:4] + SECRET.response_authenticator(unsigned), RA, SECRET)


@pytest.mark.parametrize("size", [0, 254])
def test_values_that_no_attribute_holds_are_refused(size):
    with pytest.raises(ValueError, match="253"):
        encode_attribute(1, bytes(size))


def test_a_request_over_4096_octets_is_refused():
    with pytest.raises(ValueError, match="4096"):
        sign_request(Code.ACCESS_REQUEST, 1, RA, SECRET, bytes(4090))
