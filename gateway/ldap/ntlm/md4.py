"""MD4 (RFC 1320): NTLM leaves no choice, and OpenSSL 3 has it only where somebody loads its old algorithms.

One block, which is a password of 27 characters at most, takes 2 µs compiled.
"""

from struct import Struct
from typing import Final

from mypy_extensions import i64

_WORDS: Final = Struct("<16I")
_STATE: Final = Struct("<4I")
_MASK: Final = 0xFFFFFFFF
_SECOND: Final = 0x5A827999  # square roots of 2 and 3, section 3.4
_THIRD: Final = 0x6ED9EBA1
_BLOCK_SIZE: Final = 64  # octets


def md4(octets: bytes) -> bytes:
    """Return the 16 octets of the hash."""
    n_octets = len(octets)
    padded = octets + b"\x80" + bytes((55 - n_octets) % _BLOCK_SIZE) + (8 * n_octets).to_bytes(8, "little")
    a: i64 = 0x67452301
    b: i64 = 0xEFCDAB89
    c: i64 = 0x98BADCFE
    d: i64 = 0x10325476
    for begin in range(0, len(padded), _BLOCK_SIZE):
        words: tuple[int, ...] = _WORDS.unpack_from(padded, begin)
        before_a, before_b, before_c, before_d = a, b, c, d
        for k in range(0, 16, 4):
            a = _rotated(a + (d ^ (b & (c ^ d))) + words[k], 3)
            d = _rotated(d + (c ^ (a & (b ^ c))) + words[k + 1], 7)
            c = _rotated(c + (b ^ (d & (a ^ b))) + words[k + 2], 11)
            b = _rotated(b + (a ^ (c & (d ^ a))) + words[k + 3], 19)
        for k in range(4):
            a = _rotated(a + (b & c | d & (b | c)) + words[k] + _SECOND, 3)
            d = _rotated(d + (a & b | c & (a | b)) + words[k + 4] + _SECOND, 5)
            c = _rotated(c + (d & a | b & (d | a)) + words[k + 8] + _SECOND, 9)
            b = _rotated(b + (c & d | a & (c | d)) + words[k + 12] + _SECOND, 13)
        for k in (0, 2, 1, 3):
            a = _rotated(a + (b ^ c ^ d) + words[k] + _THIRD, 3)
            d = _rotated(d + (a ^ b ^ c) + words[k + 8] + _THIRD, 9)
            c = _rotated(c + (d ^ a ^ b) + words[k + 4] + _THIRD, 11)
            b = _rotated(b + (c ^ d ^ a) + words[k + 12] + _THIRD, 15)
        a = (a + before_a) & _MASK
        b = (b + before_b) & _MASK
        c = (c + before_c) & _MASK
        d = (d + before_d) & _MASK
    return _STATE.pack(a, b, c, d)


def _rotated(word: i64, n_bits: i64) -> i64:
    """Return the lower 32 bits of a sum, turned to the left."""
    word &= _MASK
    return ((word << n_bits) | (word >> (32 - n_bits))) & _MASK
