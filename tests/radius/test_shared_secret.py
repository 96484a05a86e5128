"""Hidden passwords and both authenticators, against vectors, the standard library and pyrad."""

import hashlib
import hmac
import os

import pyrad.packet
import pytest

from gateway.radius.packet import decode_packet
from gateway.radius.shared_secret import SharedSecret
from tests.vectors import load, octets

REQUESTS = load("requests")
WITH_PASSWORD = [
    vector
    for vector in REQUESTS
    if "user_password_hex" in vector["expected"] and vector["name"] != "many-attributes"  # discarded unread
]
RA = bytes(range(16))


@pytest.mark.parametrize("vector", WITH_PASSWORD, ids=lambda vector: vector["name"])
def test_passwords_of_the_vectors_are_revealed(vector):
    packet = decode_packet(octets(vector, "request_hex"))
    shared_secret = SharedSecret(octets(vector, "secret_hex"))
    clear = shared_secret.reveal_user_password(packet.values(2)[0], packet.authenticator)
    assert clear == bytes.fromhex(vector["expected"]["user_password_hex"])


@pytest.mark.parametrize("size", range(129))
def test_what_is_hidden_is_revealed_at_every_length(size):
    shared_secret = SharedSecret(b"a shared secret")
    password = b"p" * size
    hidden = shared_secret.hide_user_password(password, RA)
    assert len(hidden) in range(16, 129, 16)
    assert shared_secret.reveal_user_password(hidden, RA) == password


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 40, 100, 128])
def test_pyrad_hides_the_same(size):
    password = b"x" * size
    theirs = pyrad.packet.AuthPacket(secret=b"s3cret", authenticator=RA).PwCrypt(password) if size else b""
    if size:
        assert SharedSecret(b"s3cret").hide_user_password(password, RA) == theirs


def test_interior_nuls_belong_to_the_password():
    shared_secret = SharedSecret(b"secret")
    hidden = shared_secret.hide_user_password(b"a\0b\0\0", RA)
    assert shared_secret.reveal_user_password(hidden, RA) == b"a\0b"


@pytest.mark.parametrize("size", [0, 1, 15, 17, 24, 129, 144, 253])
def test_a_value_of_odd_length_is_not_revealed_in_part(size):
    assert SharedSecret(b"secret").reveal_user_password(bytes(size), RA) is None


def test_a_password_over_128_octets_is_refused():
    with pytest.raises(ValueError, match="128"):
        SharedSecret(b"secret").hide_user_password(bytes(129), RA)


@pytest.mark.parametrize("size", [1, 16, 63, 64, 65, 200])
def test_message_authenticator_is_hmac_md5_for_secrets_of_every_length(size):
    secret, message = os.urandom(size), os.urandom(100)
    assert SharedSecret(secret).message_authenticator(message) == hmac.digest(secret, message, "md5")


def test_response_authenticator_is_md5_over_packet_and_secret():
    assert SharedSecret(b"xyz").response_authenticator(b"octets") == hashlib.md5(b"octetsxyz").digest()


@pytest.mark.parametrize("vector", REQUESTS, ids=lambda vector: vector["name"])
def test_signatures_of_the_vectors_are_judged_right(vector):
    if vector["name"] not in (
        "ma-first",
        "ma-middle",
        "ma-wrong-legacy",
        "ma-all-zero",
        "ma-wrong-secret",
        "secret-utf8",
    ):
        return
    packet = decode_packet(octets(vector, "request_hex"))
    is_right = SharedSecret(octets(vector, "secret_hex")).has_signed(packet)
    assert is_right == (vector["expected"]["disposition"] == "process")


def test_an_empty_secret_is_refused():
    with pytest.raises(ValueError, match="empty"):
        SharedSecret(b"")


def test_repr_hides_the_secret():
    assert "hunter2" not in repr(SharedSecret(b"hunter2"))


def test_accounting_is_authenticated_by_the_md5_of_the_packet_with_zeros():
    """RFC 2866 section 3."""
    attributes = b"\x28\x06\0\0\0\1"
    header = bytes([4, 9, 0, 26])
    authenticator = hashlib.md5(header + bytes(16) + attributes + b"secret").digest()
    packet = decode_packet(header + authenticator + attributes)
    assert SharedSecret(b"secret").has_authenticated(packet)
    assert not SharedSecret(b"another").has_authenticated(packet)
    assert not SharedSecret(b"secret").has_authenticated(decode_packet(header + bytes(16) + attributes))
