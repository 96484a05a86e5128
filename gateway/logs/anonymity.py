"""The names of users in logs: where they stand, so that they can be replaced."""

import re
from collections.abc import Iterable, Iterator

_PLACES = (
    re.compile(rb"\(\('[^'\n]*', \d+\), ([^\n]+?), \d+\): "),  # a login's line
    re.compile(rb'"username": ?"((?:[^"\\\n]|\\.)+)"'),  # authevents.log
    re.compile(rb"for username '((?:[^'\\\n]|\\.)+)'"),  # with debug=true
    re.compile(rb'for username \\?"((?:[^"\\\n]|\\.)+?)\\?"'),
)
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


def name_users(texts: Iterable[bytes], others: Iterable[bytes] = ()) -> dict[bytes, bytes]:
    """Return an alias for each name of a user in the texts, in each spelling: `user-0001` for the first, and so on.

    The same name has the same alias everywhere, whatever its letters' case; `others` are names from elsewhere.
    """
    aliases: dict[bytes, bytes] = {}
    spellings: dict[bytes, bytes] = {}
    for spelling in _names(texts, others):
        if spelling != b"-":  # no name
            alias = b"user-%04d" % (len(aliases) + 1)
            spellings[spelling] = aliases.setdefault(_plain(spelling), alias)
    return spellings


def _names(texts: Iterable[bytes], others: Iterable[bytes]) -> Iterator[bytes]:
    for text in texts:
        for place in _PLACES:
            yield from (match[1] for match in place.finditer(text))
    yield from others


def _plain(spelling: bytes) -> bytes:
    """Return a name without the escapes of logs and JSON."""
    text = spelling.replace(rb"\\", b"\\").replace(rb"\"", b'"')
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), text).lower()
