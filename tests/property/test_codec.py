"""The codec against pyrad's, which others wrote, on packets that neither has seen."""

from contextlib import suppress

import pyrad.packet
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.radius.client import encode_access_request, encode_attribute, verify_reply
from gateway.radius.dictionary import MESSAGE_AUTHENTICATOR, PROXY_STATE, REPLY_MESSAGE, Code
from gateway.radius.discards import DecodeError
from gateway.radius.packet import decode_packet
from gateway.radius.reply import encode_reply
from gateway.radius.shared_secret import SharedSecret

secrets = st.binary(min_size=1, max_size=130)
authenticators = st.binary(min_size=16, max_size=16)
names = st.binary(min_size=1, max_size=253)
passwords = st.binary(max_size=128).map(lambda octets: octets.rstrip(b"\0"))
identifiers = st.integers(0, 255)
proxy_states = st.lists(st.binary(min_size=1, max_size=40), max_size=5)


@settings(max_examples=200)
@given(secrets, authenticators, identifiers, names, passwords, proxy_states)
def test_pyrad_reads_our_requests(secret, authenticator, identifier, name, password, states):
    attributes = b"".join(encode_attribute(PROXY_STATE, state) for state in states)
    octets = encode_access_request(identifier, authenticator, SharedSecret(secret), name, password, attributes)
    theirs = pyrad.packet.AuthPacket(secret=secret, packet=octets)
    assert (theirs.id, theirs.authenticator, theirs[1]) == (identifier, authenticator, [name])
    assert theirs.get(PROXY_STATE, []) == states
    assert theirs.verify_message_authenticator()


@settings(max_examples=200)
@given(secrets, authenticators, identifiers, names, proxy_states, st.text(max_size=600))
def test_pyrad_believes_our_replies(secret, authenticator, identifier, name, states, text):
    attributes = b"".join(encode_attribute(PROXY_STATE, state) for state in states)
    shared_secret = SharedSecret(secret)
    octets = encode_access_request(identifier, authenticator, shared_secret, name, b"push", attributes)
    reply = encode_reply(Code.ACCESS_REJECT, decode_packet(octets), shared_secret, text)
    request = pyrad.packet.AuthPacket(secret=secret, packet=octets)
    theirs = request.CreateReply(packet=reply)
    assert request.VerifyReply(theirs, reply)
    assert theirs.verify_message_authenticator(original_authenticator=authenticator)
    assert theirs.get(PROXY_STATE, []) == states
    assert b"".join(theirs.get(REPLY_MESSAGE, [])) == text.encode("utf-8", "replace")
    assert verify_reply(reply, authenticator, shared_secret).octets[20] == MESSAGE_AUTHENTICATOR


@settings(max_examples=200)
@given(secrets, authenticators, passwords)
def test_pyrad_reveals_what_we_hide_and_the_reverse(secret, authenticator, password):
    shared_secret = SharedSecret(secret)
    theirs = pyrad.packet.AuthPacket(secret=secret, authenticator=authenticator)
    hidden = shared_secret.hide_user_password(password, authenticator)
    with suppress(UnicodeDecodeError):  # pyrad returns text, and drops what is none
        password.decode()
        assert theirs.PwDecrypt(hidden).encode() == password
    if password:
        assert shared_secret.reveal_user_password(theirs.PwCrypt(password), authenticator) == password


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_octets_decode_or_raise_decode_error(octets):
    with suppress(DecodeError):
        decode_packet(octets)
    framed = bytes([1, 1]) + (20 + len(octets)).to_bytes(2, "big") + bytes(16) + octets
    with suppress(DecodeError):
        packet = decode_packet(framed)
        assert sum(len(packet.attributes(kind)) for kind in range(256)) == len(octets)
