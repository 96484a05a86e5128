"""Who signed a request? Made from Duo's rules alone, so that it can judge the gateway's own signing code.

The signed text has five lines: date, METHOD, lower-case host without port, path, parameters; each name and value
percent-encoded with only A-Z a-z 0-9 - . _ ~ left as is, sorted and joined. Its HMAC, in hex, is the password of HTTP
Basic. SHA-1 and SHA-512 are accepted, told apart by length.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from bench.simulator.cloud import CallRefused

CLOCK_TOLERANCE_S = 300  # as in the test double of Duo's Unix client

_DIGESTS = {40: "sha1", 128: "sha512"}  # by length of the hex signature


class Application(NamedTuple):
    """Keys that may call. `kind` is `auth`, or `radius_v1` for one that may not use API v2.

    `more_skeys` sign as well as `skey` does, which the real Duo has not: it ends a key with the next one's beginning.
    """

    ikey: str
    skey: str
    kind: str = "auth"
    more_skeys: tuple[str, ...] = ()


class SignedRequest(NamedTuple):
    """What the signature covers, and the signature; empty text for a header that is absent."""

    method: str
    host: str
    path: str
    parameters: Iterable[tuple[str, str]]
    date: str
    authorization: str


def verify(request: SignedRequest, applications: Mapping[str, Application], unix_now: float) -> Application:
    """The application that signed the request.

    Raises:
        CallRefused: 40101 no credentials, 40102 unknown ikey, 40103 wrong signature, 40104 no readable date,
            40105 clock off.
    """
    ikey, signature = _credentials(request.authorization)
    application = applications.get(ikey)
    if application is None:
        raise CallRefused(40102)
    signed_at = _unix_time(request.date)
    if signed_at is None:
        raise CallRefused(40104)
    if abs(unix_now - signed_at) > CLOCK_TOLERANCE_S:
        raise CallRefused(40105)
    digest = _DIGESTS.get(len(signature))
    if digest is None or not any(
        hmac.compare_digest(sign(request, skey, digest, host), signature)
        for skey in (application.skey, *application.more_skeys)
        for host in _hosts(request.host)
    ):
        raise CallRefused(40103)
    return application


def sign(request: SignedRequest, skey: str, digest: str, host: str | None = None) -> str:
    """The hex signature of a request; `digest` is `sha1` or `sha512`, `host` replaces the request's."""
    text = "\n".join(
        (
            request.date,
            request.method.upper(),
            (request.host if host is None else host).lower(),
            request.path,
            canonical_parameters(request.parameters),
        )
    )
    return hmac.new(skey.encode(), text.encode("utf-8", "surrogateescape"), digest).hexdigest()


def canonical_parameters(parameters: Iterable[tuple[str, str]]) -> str:
    """The fifth line: encoded pairs in the order of their encoded names, then values."""
    return "&".join(f"{name}={value}" for name, value in sorted((_encode(k), _encode(v)) for k, v in parameters))


def _encode(text: str) -> str:
    return quote(text, safe="")  # the unreserved four are always safe for quote()


def _credentials(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise CallRefused(40101)
    try:
        ikey, colon, signature = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError):
        raise CallRefused(40101) from None
    if not colon:
        raise CallRefused(40101)
    return ikey, signature


def _hosts(host: str) -> tuple[str, ...]:
    """The host as it may stand in the signed text: without port, and an IPv6 address with or without its brackets."""
    if host.startswith("["):
        address = host[1:].partition("]")[0]
        return f"[{address}]", address
    return (host.partition(":")[0],)


@lru_cache(maxsize=64)  # requests of one second share their date
def _unix_time(date: str) -> int | None:
    parsed = parsedate_tz(date)
    if parsed is None:
        return None
    try:
        return int(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None
