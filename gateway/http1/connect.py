"""Asking an HTTP proxy for a tunnel: the CONNECT request and its answer (RFC 9110 section 9.3.6)."""

import re
from typing import NamedTuple

from gateway.brackets import with_port

MAX_ANSWER_SIZE = 65_536  # octets of status line and headers

_status_line = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: ([^\r\n]*))?\r?\n").match


class ConnectAnswer(NamedTuple):
    """What the proxy answered: any 2xx opens the tunnel."""

    http_status: int
    reason: str


class ConnectError(Exception):
    """What answered is no HTTP proxy, or its answer has no end."""


def connect_request(host: str, port: int) -> bytes:
    """Return the octets that ask for a tunnel to `host`, where an IPv6 address is without brackets."""
    authority = with_port(host, port)
    return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode("ascii")


def read_connect_answer(octets: bytes) -> ConnectAnswer | None:
    """Return the proxy's answer, or None while `octets`, all that came so far, do not hold the whole head.

    Raises:
        ConnectError: this is no such answer, or the proxy sent something after it, although TLS begins with us.
    """
    if not b"HTTP/1."[: len(octets)] == octets[:7]:
        raise ConnectError("what answered is not an HTTP proxy")
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        if len(octets) > MAX_ANSWER_SIZE:
            raise ConnectError("the proxy's answer has no end")
        return None
    found = _status_line(octets)
    if found is None:
        raise ConnectError("the proxy's answer has no status")
    answer = ConnectAnswer(int(found[1]), (found[2] or b"").decode("ascii", "replace").strip()[:80])
    if answer.http_status // 100 == 2 and len(octets) > end + 4:
        raise ConnectError("the proxy sent something before the tunnel was used")
    return answer
