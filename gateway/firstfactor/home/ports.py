"""Requests that are out, by port and Identifier: 256 at a time for each local port (RFC 2865 section 3)."""

from collections import deque
from typing import Final

from mypy_extensions import mypyc_attr

N_IDENTIFIERS: Final = 256


@mypyc_attr(allow_interpreted_subclasses=True)
class Request:
    """A request, one at a time: of a question, or one that asks a home server whether it lives.

    Attributes:
        port: where it is out; None if it is not.
        identifier, authenticator, octets: as they are sent; a retransmission is the same.
        n_sent: how many times.
        sent_at: when for the first time.
    """

    __slots__ = ("authenticator", "identifier", "n_sent", "octets", "port", "sent_at")

    def __init__(self) -> None:
        self.port: Port | None = None
        self.identifier = 0
        self.authenticator = b""
        self.octets = b""
        self.n_sent = 0
        self.sent_at = 0.0


class Port:
    """A local port from which one home server is asked.

    Attributes:
        number: by which its socket is known.
        requests: those that are out, by Identifier.
        is_left: whether nothing new is sent from it: the home server has another address now, or we have.
    """

    __slots__ = ("_free", "is_left", "number", "requests")

    def __init__(self, number: int) -> None:
        self.number = number
        self.requests: dict[int, Request] = {}
        self.is_left = False
        self._free = deque(range(N_IDENTIFIERS))

    @property
    def is_full(self) -> bool:
        """Whether every Identifier is in use."""
        return not self._free

    def take(self, request: Request) -> None:
        """Give a request the Identifier that has been unused for the longest: late replies find none of ours."""
        request.identifier = identifier = self._free.popleft()
        request.port = self
        self.requests[identifier] = request

    def release(self, request: Request) -> None:
        """Forget a request and its octets: whatever comes for it now was not asked for."""
        del self.requests[request.identifier]
        self._free.append(request.identifier)
        request.port = None
        request.octets = b""
        request.n_sent = 0
