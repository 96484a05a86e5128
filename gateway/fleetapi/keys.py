"""The file with the fleet's key: 32 octets a line, which all hosts have alike.

One line, or two while the key is changed, host by host: the first seals, both open. So the new key is written below the
old one on every host first, then above it, and at last the old one is removed.
"""

import base64
import binascii
from typing import Final

KEY_SIZE: Final = 32  # octets
MAX_KEYS: Final = 2

_BOM: Final = b"\xef\xbb\xbf"
_HEX_SIZE: Final = 2 * KEY_SIZE


class BadFleetKeyError(ValueError):
    """The file holds no key, or something else; the text says in which line, and never what stands there."""


def encode_fleet_key(key: bytes) -> bytes:
    """Return the line that holds a key: base64, 44 characters."""
    return base64.b64encode(key) + b"\n"


def decode_fleet_keys(content: bytes) -> list[bytes]:
    """Return the one or two keys of a file, the one that seals first; base64 or hexadecimal digits.

    Raises:
        BadFleetKeyError: it holds none, too many, one twice, or something else.
    """
    lines = content.removeprefix(_BOM).splitlines()
    keys = [_decode(line.strip(), number) for number, line in enumerate(lines, 1) if line.strip()]
    if not keys:
        raise BadFleetKeyError("it holds no key; make one with radgate fleet-key FILE")
    if len(keys) > MAX_KEYS:
        raise BadFleetKeyError(f"it holds {len(keys)} keys; leave the one that seals and one more that opens")
    if len(set(keys)) != len(keys):
        raise BadFleetKeyError("both lines hold the same key; remove one")
    return keys


def _decode(line: bytes, number: int) -> bytes:
    try:
        key = bytes.fromhex(line.decode()) if len(line) == _HEX_SIZE else base64.b64decode(line, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_SIZE:
        text = f"line {number} holds no key: 32 octets in base64 or hexadecimal digits are 44 or 64 characters"
        raise BadFleetKeyError(f"{text}; make one with radgate fleet-key FILE")
    if len(set(key)) < KEY_SIZE // 4:  # by chance one key in 2^100
        raise BadFleetKeyError(f"line {number} holds a stand-in, no random key; make one with radgate fleet-key FILE")
    return key
