"""One request and its answer, as the connection pool carries it."""

from typing import Final, TypeAlias

from mypy_extensions import mypyc_attr, trait

from gateway.http1.response import Response
from gateway.unavailable import Unavailable

_ALL: Final = float("inf")

ExchangeOutcome: TypeAlias = Response | Unavailable


@trait
class Carrier:
    """What an exchange was given to: a `pool.HttpsPool`."""

    __slots__ = ()

    def cancel(self, exchange: "Exchange") -> None:
        """Drop the exchange: its recipient hears no more of it."""
        raise NotImplementedError

    def send_anew(self, exchange: "Exchange", now: float) -> None:
        """Write the exchange to a connection that is new or about to be opened."""
        raise NotImplementedError

    def take_back(self, exchange: "Exchange", now: float) -> None:
        """Take the exchange from its connection, which is closed, or from the queue."""
        raise NotImplementedError

    def fail(self, exchange: "Exchange", trouble: Unavailable) -> None:
        """Tell its recipient, as soon as this has returned, why there is no answer."""
        raise NotImplementedError

    def drop_idle(self, since: float = _ALL) -> None:
        """Close idle connections of which nothing has been heard since an instant; all without one."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Recipient:
    """Who wants the answer."""

    __slots__ = ()

    def responded(self, outcome: ExchangeOutcome, now: float) -> None:
        """Take the answer, or why there is none: exactly once, never within `send`; never after `cancel`."""
        raise NotImplementedError

    def asked_anew(self, now: float) -> None:
        """Hear that the request has been lost on its way, and is sent again on a new connection."""
        raise NotImplementedError


class Connection:
    """What an exchange is written to: a `connection.HttpsConnection`, which knows of exchanges, not they of it."""

    __slots__ = ()


@mypyc_attr(free_list_len=1)
class Exchange:
    """A request on its way.

    Attributes:
        due_with: the exchanges that fail with it without an answer, itself included while it is waited for.
        is_retry: whether it has had its second chance.
        second: the same request on another connection, while both are out: the first answer counts.
        wire_s: seconds from the request's first octet to the end of its answer, or to whatever else ended it; all
            connections together that it was written to.
        stalled_s: seconds off the wire for which the other side is to blame: see `stalled`.
        silence_before_s: what the pool had counted as silence when it was asked, the present one included.
    """

    __slots__ = (
        "asked_at",
        "began_at",
        "carrier",
        "connection",
        "deadline",
        "due_with",
        "is_question",
        "is_repeatable",
        "is_retry",
        "octets",
        "recipient",
        "second",
        "silence_before_s",
        "stalled_s",
        "waits_for_person",
        "wire_s",
    )

    def __init__(
        self,
        octets: bytes,
        deadline: float,
        recipient: Recipient,
        *,
        is_repeatable: bool,
        is_question: bool = False,
        waits_for_person: bool = False,
    ) -> None:
        """Describe the exchange.

        Args:
            octets: the whole request.
            deadline: the instant, by `time.monotonic`, at which it fails if there is no answer.
            recipient: takes the answer.
            is_repeatable: whether asking twice does no harm.
            is_question: whether it changes nothing there, so that it may be asked twice on a mere suspicion.
            waits_for_person: whether it is a long poll, which has connections of its own.
        """
        self.octets = octets
        self.deadline = deadline
        self.recipient = recipient
        self.is_repeatable = is_repeatable
        self.is_question = is_question
        self.waits_for_person = waits_for_person
        self.is_retry = False
        self.asked_at = 0.0
        self.began_at = 0.0
        self.wire_s = self.stalled_s = self.silence_before_s = 0.0
        self.carrier: Carrier | None = None
        self.connection: Connection | None = None
        self.second: Exchange | None = None
        self.due_with: set[Exchange] | None = None

    def began(self, connection: Connection, now: float) -> None:
        """Note that the request is being written to `connection`."""
        self.connection = connection
        self.began_at = now

    def ended(self, now: float) -> None:
        """Note that it has left its connection, answered or not."""
        self.connection = None
        self.wire_s += now - self.began_at

    def forget_deadline(self) -> None:
        """Let its deadline pass without a word."""
        if self.due_with is not None:
            self.due_with.discard(self)

    def stalled(self, now: float, most_s: float = _ALL) -> None:
        """Note that the time off the wire so far, at most `most_s`, went into connecting, or into waiting for a
        connection while no answer came.
        """
        self.stalled_s = max(0.0, min(now - self.asked_at - self.wire_s, most_s))

    def cancel(self) -> None:
        """Want no answer any more; a request that has been written cannot be taken back."""
        if self.carrier is not None:
            self.carrier.cancel(self)
