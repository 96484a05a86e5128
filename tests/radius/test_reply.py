"""Replies, octet for octet."""

import pytest

from gateway.radius import reply as reply_module
from gateway.radius.dictionary import Code
from gateway.radius.packet import decode_packet
from gateway.radius.reply import (
    SignaturePosition,
    encode_accounting_response,
    encode_reply,
    encode_texts,
    reply_basis,
    sign_reply,
)
from gateway.radius.shared_secret import SharedSecret
from tests.vectors import load, octets


@pytest.mark.parametrize("vector", load("responses"), ids=lambda vector: vector["name"])
def test_replies_of_the_vectors_are_made_octet_for_octet(vector):
    attributes = bytes.fromhex("".join(vector["input"]["attributes_after_message_authenticator"]))
    request = decode_packet(octets(vector, "request_hex"))
    shared_secret = SharedSecret(octets(vector, "secret_hex"))
    reply = sign_reply(Code(vector["input"]["code"]), request, shared_secret, attributes)
    assert reply == octets(vector, "response_hex")


def request_with(attributes: bytes):
    return decode_packet(bytes([1, 9, 0, 0])[:2] + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes)


def test_message_authenticator_comes_first_then_texts_then_proxy_state():
    request = request_with(b"\x21\x03a" + b"\x01\x03u" + b"\x21\x03b")
    reply = encode_reply(Code.ACCESS_REJECT, request, SharedSecret(b"secret"), "no")
    assert reply[20:22] == b"\x50\x12"
    assert reply[38:] == b"\x12\x04no" + b"\x21\x03a\x21\x03b"


def test_a_long_text_is_cut_between_characters():
    pieces = decode_packet(
        encode_reply(Code.ACCESS_REJECT, request_with(b""), SharedSecret(b"secret"), "ü" * 300)
    ).values(18)
    assert "".join(piece.decode() for piece in pieces) == "ü" * 300
    assert [len(piece) for piece in pieces] == [252, 252, 96]


def test_a_reply_never_exceeds_4096_octets_and_proxy_state_has_precedence():
    proxy_state = (b"\x21\xff" + bytes(253)) * 15
    reply = encode_reply(Code.ACCESS_REJECT, request_with(proxy_state), SharedSecret(b"secret"), "m" * 2000)
    assert len(reply) <= 4096
    packet = decode_packet(reply)
    assert packet.attributes(33) == proxy_state


def test_empty_texts_leave_no_attribute():
    assert encode_texts(("", ""), 100) == b""


SIGNATURE, STATES = b"\x50\x12" + bytes(16), b"\x21\x03a\x21\x02\x21\x03b"


@pytest.mark.parametrize(
    ("position", "is_signed", "offset"),
    [
        (SignaturePosition.FIRST, True, 20),
        (SignaturePosition.FIRST, False, 20),
        (SignaturePosition.LAST, True, 20 + 4 + 8),
        (SignaturePosition.LAST, False, 20 + 4 + 8),
        (SignaturePosition.IF_ASKED, True, 20),
        (SignaturePosition.IF_ASKED, False, None),
    ],
)
def test_message_authenticator_stands_where_a_client_can_take_it(position, is_signed, offset):
    secret, request = SharedSecret(b"secret"), request_with(SIGNATURE * is_signed + STATES)
    reply = decode_packet(encode_reply(Code.ACCESS_REJECT, request, secret, "no", position=position))
    assert reply.offset(80) == offset
    assert (reply.values(18), reply.attributes(33)) == ([b"no"], STATES)
    as_sent = reply.octets[:4] + request.authenticator + reply.octets[20:]
    assert secret.response_authenticator(as_sent) == reply.authenticator
    assert secret.has_signed(decode_packet(as_sent)) is (offset is not None)


@pytest.mark.parametrize("position", SignaturePosition)
def test_a_reply_never_exceeds_4096_octets_wherever_its_signature_stands(position):
    request = request_with((b"\x21\xff" + bytes(253)) * 15)
    reply = encode_reply(Code.ACCESS_REJECT, request, SharedSecret(b"secret"), "m" * 3000, position=position)
    assert len(decode_packet(reply).octets) <= 4096


@pytest.mark.parametrize("position", SignaturePosition)
@pytest.mark.parametrize("signature", [b"", SIGNATURE])
@pytest.mark.parametrize("states", [b"", STATES])
def test_what_is_kept_of_a_request_gets_the_very_reply_of_the_request(position, signature, states):
    request = request_with(b"\x01\x03u" + signature + b"\x02\x12" + bytes(16) + states)
    basis = decode_packet(reply_basis(request))
    assert not basis.has(1)
    assert not basis.has(2)
    secret = SharedSecret(b"secret")
    replies = [encode_reply(Code.ACCESS_ACCEPT, each, secret, "text", position=position) for each in (request, basis)]
    assert replies[0] == replies[1]


@pytest.mark.parametrize("position", SignaturePosition)
@pytest.mark.parametrize("signature", [b"", SIGNATURE])
def test_an_accounting_response_is_signed_if_its_request_is(position, signature):
    secret, request = SharedSecret(b"secret"), request_with(signature + b"\x28\x06\0\0\0\1" + STATES)
    reply = decode_packet(encode_accounting_response(request, secret, position))
    assert (reply.code, reply.identifier, reply.attributes(33)) == (5, 9, STATES)
    assert secret.response_authenticator(reply.octets[:4] + bytes(16) + reply.octets[20:]) == reply.authenticator
    offset = (20 + len(STATES) if position is SignaturePosition.LAST else 20) if signature else None
    assert reply.offset(80) == offset
    as_signed = decode_packet(reply.octets[:4] + bytes(16) + reply.octets[20:])
    assert secret.has_signed(as_signed) is (offset is not None)


def test_a_remembered_text_leaves_room_for_proxy_states():
    """The same text in a packet of its own, and beside Proxy-States that leave no room for all of it."""
    secret, states = SharedSecret(b"secret"), (b"\x21\xff" + bytes(253)) * 15
    for state in (b"", states, b""):
        reply = decode_packet(encode_reply(Code.ACCESS_REJECT, request_with(state), secret, "m" * 500))
        assert reply.attributes(33) == state
        assert b"".join(reply.values(18)) == b"m" * (0 if state else 500)


def test_texts_are_remembered_up_to_a_bound():
    for number in range(1_000):
        encode_reply(Code.ACCESS_REJECT, request_with(b""), SharedSecret(b"secret"), f"text {number}")
    assert len(reply_module._remembered) <= 256


def test_further_attributes_stand_between_the_texts_and_proxy_state():
    state = b"\x18\x04ab"
    reply = encode_reply(
        Code.ACCESS_CHALLENGE, request_with(b"\x21\x03a"), SharedSecret(b"secret"), "no", attributes=state
    )
    assert (reply[0], reply[38:]) == (11, b"\x12\x04no" + state + b"\x21\x03a")
    alone = encode_reply(Code.ACCESS_CHALLENGE, request_with(b""), SharedSecret(b"secret"), "no", attributes=state)
    assert alone[38:] == b"\x12\x04no" + state


def test_further_attributes_have_precedence_over_texts_and_must_fit():
    request, secret = request_with(b"\x21\xff" + bytes(253)), SharedSecret(b"secret")
    attributes = (b"\x1a\xff" + bytes(253)) * 14
    reply = encode_reply(Code.ACCESS_ACCEPT, request, secret, "m" * 2000, attributes=attributes)
    assert len(reply) <= 4096
    assert attributes + request.attributes(33) in reply
    with pytest.raises(ValueError, match="do not fit"):
        encode_reply(Code.ACCESS_ACCEPT, request, secret, attributes=attributes + attributes[:510])
