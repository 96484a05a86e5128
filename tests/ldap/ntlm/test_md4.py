"""The test suite of RFC 1320, and lengths around a block, which an independent implementation has hashed."""

import pytest

from gateway.ldap.ntlm.md4 import md4

RFC_1320_A_5 = [
    (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
    (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
    (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
    (b"message digest", "d9130a8164549fe818874806e1c7014b"),
    (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "043f8582f241db351ce627e153e7f0e4"),
    (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
]

AROUND_A_BLOCK = [  # so many octets 0xa5, and what OpenSSL's "legacy" provider makes of them
    (55, "b3fdacaf630ca7d58381bfd01c75edc9"),
    (56, "f8ad7dfb35c576d4baaa8f518adb550c"),
    (63, "5d16ea9b038da3c054acec6ca460087b"),
    (64, "0dcb7185c8a1897c6ff062e9a91a0bcd"),
    (65, "c794570d6e5289c38126d2abeb1c4ac5"),
    (119, "6d1a37b77bae2098688df8e323520e67"),
    (120, "78c923c0fe8b9e6ce3ed9410e041d2d9"),
    (254, "81dcbbec9fa149f68796605fd444f02e"),
    (511, "e0a84c4cf96593d688ce834b3299bcd1"),
]


@pytest.mark.parametrize(("octets", "digest"), RFC_1320_A_5)
def test_suite_of_the_rfc(octets: bytes, digest: str) -> None:
    assert md4(octets).hex() == digest


@pytest.mark.parametrize(("size", "digest"), AROUND_A_BLOCK)
def test_lengths_around_the_end_of_a_block(size: int, digest: str) -> None:
    assert md4(bytes([0xA5]) * size).hex() == digest
