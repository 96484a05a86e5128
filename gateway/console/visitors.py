"""Who may look: a token, sessions that cannot be forged, and patience for those who guess. Pure: `now` is monotonic.

A session is its own proof: when it ends, a number of its own, and an HMAC over both with a key that never leaves this
process. A console that is started anew knows none of the former ones. What is remembered are those that were ended.
"""

import hmac
from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import NamedTuple

SESSION_S = 12 * 3600
MAX_ENDED = 1_024  # sessions that were ended before their time, remembered until then
MAX_FAILURES = 5  # then an address is heard no more for
LOCKED_OUT_S = 60.0
_MAX_ADDRESSES = 1_024  # that are remembered


class Token:
    """What visitors must know."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def __repr__(self) -> str:
        return "<Token>"

    def is_given_by(self, authorization: str) -> bool:
        """Whether the value of an Authorization header is `Bearer TOKEN`."""
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and self.is_(given.strip())

    def is_(self, given: str) -> bool:
        """Whether this text is the token; how long that takes says nothing of how much of it was right."""
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._octets)


class Sessions:
    """Makes and knows the cookies of those who have given the token."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ended: dict[str, float] = {}
        self._all_ended_until = 0.0

    def __repr__(self) -> str:
        return "<Sessions>"

    def begin(self, nonce: str, now: float) -> str:
        """Return a cookie's value; `nonce` is random and has no dot in it."""
        content = f"{now + SESSION_S:.0f}.{nonce}"
        return f"{content}.{self._proof(content)}"

    def is_valid(self, cookie: str, now: float) -> bool:
        """Whether this is the value of a session of ours that has not ended."""
        content, _, proof = cookie.rpartition(".")
        if not hmac.compare_digest(proof.encode("utf-8", "surrogateescape"), self._proof(content).encode()):
            return False
        return max(now, self._all_ended_until) < _end_of(content) and content not in self._ended

    def end(self, cookie: str, now: float) -> None:
        """End a session before its time; where too many have been, all others that are as old end with the oldest."""
        if not self.is_valid(cookie, now):
            return
        self._ended = {content: end for content, end in self._ended.items() if now < end}
        content = cookie.rpartition(".")[0]
        self._ended[content] = _end_of(content)
        if len(self._ended) > MAX_ENDED:
            self._all_ended_until = self._ended.pop(min(self._ended, key=_end_of))

    def _proof(self, content: str) -> str:
        return hmac.digest(self._key, content.encode("utf-8", "surrogateescape"), "sha256").hex()


def _end_of(content: str) -> float:
    return float(content.partition(".")[0])


class _Failures(NamedTuple):
    n: int
    until: float


class Patience:
    """Counts failures by address, and ends with those who guess. An IPv6 network of one site counts as one address."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def locked_out_s(self, address: str, now: float) -> float:
        """Return for how many seconds an address is not heard."""
        failures = self._failures.get(_site(address))
        return max(failures.until - now, 0.0) if failures is not None and failures.n >= MAX_FAILURES else 0.0

    def failed(self, address: str, now: float) -> None:
        """Count one failure; it is forgotten after a while without another."""
        site = _site(address)
        failures = self._failures.pop(site, None)
        n_before = failures.n if failures is not None and now < failures.until else 0
        self._failures[site] = _Failures(n_before + 1, now + LOCKED_OUT_S)
        if len(self._failures) > _MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(_site(address), None)


def _site(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:  # a visitor who is gone already has none
        return address
    if isinstance(known, IPv4Address):
        return address
    return str(known.ipv4_mapped or IPv6Network((int(known), 64), strict=False))
