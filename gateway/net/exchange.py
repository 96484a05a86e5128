"""One request and its answer, as the connection pool carries it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.duoapi.calls import DuoUnavailable
from gateway.http1.response import Response

if TYPE_CHECKING:
    from gateway.net.https_connection import HttpsConnection

Outcome: TypeAlias = Response | DuoUnavailable


class Carrier(Protocol):
    """What an exchange was given to."""

    def cancel(self, exchange: "Exchange") -> None:
        """Drop the exchange."""


class Exchange:
    """A request on its way. `on_done` is called exactly once, never within `send`; never after `cancel`.

    Attributes:
        wire_s: seconds from the request's first octet to the end of its answer, or to whatever else ended it; all
            connections together that it was written to.
    """

    __slots__ = (
        "asked_at",
        "began_at",
        "carrier",
        "connection",
        "deadline",
        "is_repeatable",
        "is_retry",
        "octets",
        "on_done",
        "waits_for_person",
        "wire_s",
    )

    def __init__(
        self,
        octets: bytes,
        deadline: float,
        on_done: Callable[[Outcome], None],
        *,
        is_repeatable: bool,
        waits_for_person: bool = False,
    ) -> None:
        """Describe the exchange.

        Args:
            octets: the whole request.
            deadline: the instant, by `time.monotonic`, at which it fails for want of an answer.
            on_done: takes the answer, or why there is none.
            is_repeatable: whether asking twice does no harm.
            waits_for_person: whether it is a long poll, which has connections of its own.
        """
        self.octets = octets
        self.deadline = deadline
        self.on_done = on_done
        self.is_repeatable = is_repeatable
        self.waits_for_person = waits_for_person
        self.is_retry = False
        self.asked_at = 0.0
        self.began_at = 0.0
        self.wire_s = 0.0
        self.carrier: Carrier | None = None
        self.connection: HttpsConnection | None = None

    def began(self, connection: "HttpsConnection", now: float) -> None:
        """Note that the request is being written to `connection`."""
        self.connection = connection
        self.began_at = now

    def ended(self, now: float) -> None:
        """Note that it has left its connection, answered or not."""
        self.connection = None
        self.wire_s += now - self.began_at

    def cancel(self) -> None:
        """Want no answer any more; a request that has been written cannot be taken back."""
        if self.carrier is not None:
            self.carrier.cancel(self)
