"""Vectors of RFC 6229, and that a stream goes on."""

import pytest

from gateway.ldap.ntlm.rc4 import Rc4

RFC_6229 = [
    ("0102030405", "b2396305f03dc027ccc3524a0a1118a8"),
    ("0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"),
    ("833222772a", "80ad97bdc973df8a2e879e92a497efda"),
]


@pytest.mark.parametrize(("key", "stream"), RFC_6229)
def test_stream(key: str, stream: str) -> None:
    assert Rc4(bytes.fromhex(key)).crypt(bytes(16)).hex() == stream


def test_stream_goes_on_where_it_was() -> None:
    whole, pieces = Rc4(b"key"), Rc4(b"key")
    assert whole.crypt(b"one and two") == pieces.crypt(b"one ") + pieces.crypt(b"") + pieces.crypt(b"and two")


def test_what_was_sealed_is_unsealed_with_the_same_key() -> None:
    assert Rc4(b"key").crypt(Rc4(b"key").crypt(b"text")) == b"text"
