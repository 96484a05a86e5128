"""CPython's own hashes and OpenSSL's are the same functions."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hashes import Hmac, NewHash, md5, sha512

HASHES = pytest.mark.parametrize(("new", "name", "block_size"), [(md5, "md5", 64), (sha512, "sha512", 128)])


@HASHES
@given(octets=st.binary(max_size=300))
def test_hash(new: NewHash, name: str, block_size: int, octets: bytes) -> None:
    assert new(octets).digest() == hashlib.new(name, octets).digest()


@HASHES
@given(key=st.binary(max_size=200), octets=st.binary(max_size=300))
def test_hmac_with_keys_shorter_and_longer_than_a_block(
    new: NewHash, name: str, block_size: int, key: bytes, octets: bytes
) -> None:
    assert Hmac(new, block_size, key).digest(octets) == hmac.digest(key, octets, name)


@HASHES
def test_one_key_is_used_again_and_again(new: NewHash, name: str, block_size: int) -> None:
    keyed = Hmac(new, block_size, b"key")
    assert [keyed.digest(octets) for octets in (b"a", b"b", b"a")] == [
        hmac.digest(b"key", octets, name) for octets in (b"a", b"b", b"a")
    ]
