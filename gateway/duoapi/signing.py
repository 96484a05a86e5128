"""Signatures of Duo's API: canonical parameters, canonical request, HMAC, Authorization header.

`Signer` is the way of every call: version 2 with SHA-512, keyed once. What is signed are the text of the Date header,
the method, the host, the path and the encoded parameters, each on a line; tests hold it against Duo's own vectors.

Nothing here reads a clock: the text of the Date header is an argument, and the very same text must go into the header.
"""

import binascii
import re
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import Final
from urllib.parse import quote

from gateway.hashes import Hmac, sha512

Params = Iterable[tuple[str, str]]

_SHA512_BLOCK_SIZE: Final = 128  # octets, FIPS 180-4
_hexlify: Final = binascii.hexlify
_is_plain = re.compile(r"[A-Za-z0-9._~-]*").fullmatch


def percent_encode(text: str) -> str:
    """Return `text` as UTF-8 with all octets but `A-Z a-z 0-9 - . _ ~` as `%XX`, in capitals; a blank is `%20`."""
    if (text.isalnum() and text.isascii()) or _is_plain(text):  # the first a tenth of the second's cost
        return text
    return quote(text, safe="~")


def encode_params(params: Params) -> str:
    """Return the parameters percent-encoded, sorted by encoded key and then value, joined `k=v&k=v`.

    What is signed, and also what is sent: as form body or as query.
    """
    pairs = list(params)
    if not _is_plain("".join([key + value for key, value in pairs])):
        pairs = [(percent_encode(key), percent_encode(value)) for key, value in pairs]
    pairs.sort()
    return "&".join([f"{key}={value}" for key, value in pairs])


def quickest_base64() -> Callable[[bytes], bytes]:
    """Return that of mypyc's library: Python's own takes 27 instructions for each octet, a quarter of a signature."""
    try:
        quickest: Callable[[bytes], bytes] = import_module("librt.base64").b64encode
    except (ImportError, AttributeError):
        return partial(binascii.b2a_base64, newline=False)
    return quickest


_base64: Final = quickest_base64()


class Signer:
    """Makes Authorization headers of one application: signature version 2, HMAC-SHA-512.

    What is the same for all requests to a path within a second, and in all headers, is written once.
    """

    __slots__ = ("_beginnings", "_canonical_host", "_hmac", "_scheme", "_user_rest")

    def __init__(self, ikey: str, secret_key: bytes, host: str) -> None:
        """Key the signer.

        Args:
            ikey: the application's integration key.
            secret_key: its secret key, the 40 octets as displayed.
            host: the API host name, without port; its letter case does not matter.
        """
        user = ikey.encode("ascii") + b":"
        n_whole = len(user) // 3 * 3  # octets that base64 writes whatever follows: all of a usual key
        self._scheme = b"Basic " + _base64(user[:n_whole])
        self._user_rest = user[n_whole:]
        self._canonical_host = host.lower()
        self._hmac = Hmac(sha512, _SHA512_BLOCK_SIZE, secret_key)
        self._beginnings: dict[str, _Beginning] = {}

    def authorization(self, date: str, method: str, path: str, params: bytes) -> bytes:
        """Return the value of the Authorization header.

        Args:
            date: the text of the Date header.
            method: in capitals, always the same for a path.
            path: without the query.
            params: what `encode_params` returned, as ASCII.
        """
        beginning = self._beginnings.get(path)
        if beginning is None or beginning.date != date:
            beginning = self._beginnings[path] = _Beginning(
                date, f"{date}\n{method}\n{self._canonical_host}\n{path}\n".encode()
            )
        signature = _hexlify(self._hmac.digest(beginning.octets + params))
        return self._scheme + _base64(self._user_rest + signature)


class _Beginning:
    """What is signed in front of the parameters of all requests to a path that have this date."""

    __slots__ = ("date", "octets")

    def __init__(self, date: str, octets: bytes) -> None:
        self.date = date
        self.octets = octets
