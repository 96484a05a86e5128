"""A call that has been asked, until its answer: whose time it takes, and what it was asked again for."""

import asyncio
from collections.abc import Callable

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import Answer, AuthStatus, Call
from gateway.duoapi.flavours import V2, Flavour
from gateway.engine.asking import Asking
from gateway.https.exchange import Exchange, ExchangeOutcome, Recipient
from gateway.unavailable import Unavailable

OnAnswer = Callable[[Answer | Unavailable], None]


class CallOwner:
    """Who has asked a call, and hears what becomes of it: a `client.DuoClient`."""

    def heard(self, pending: "PendingCall", outcome: ExchangeOutcome, now: float) -> None:
        """Take what the pool brings."""
        raise NotImplementedError

    def asked_anew(self, pending: "PendingCall", now: float) -> None:
        """Hear that its connection was dead, and that it is asked on another one."""
        raise NotImplementedError

    def drop(self, pending: "PendingCall") -> None:
        """Forget a cancelled call."""
        raise NotImplementedError


@mypyc_attr(free_list_len=1)
class PendingCall(Recipient, Asking):
    """A call that has been asked; `cancel` when its answer is of no more interest.

    Attributes:
        asked_at: when, by `time.monotonic`.
        dated_at: when it was signed, by the clock that carries Duo's time on.
        wire_s: seconds of it on the wire, all repetitions together: whole when `on_answer` is called.
        held_s: seconds for which Duo held it up otherwise: it took long to connect, wanted to be asked later (429), or
            its time was asked for. The rest until the answer went into waits for a connection that others of our calls
            had, and into our own work.
        timer: ends such a wait of the call's.
        was_redated: whether it has been asked again by Duo's clock.
        was_resigned: whether it has been asked again with the other secret key.
    """

    __slots__ = (
        "_owner",
        "asked_at",
        "call",
        "dated_at",
        "deadline",
        "exchange",
        "flavour",
        "held_s",
        "held_since",
        "n_waits",
        "on_answer",
        "timer",
        "was_redated",
        "was_resigned",
        "wire_s",
    )

    def __init__(self, owner: CallOwner, call: Call, on_answer: OnAnswer, asked_at: float, deadline: float) -> None:
        self._owner = owner
        self.call = call
        self.on_answer = on_answer
        self.asked_at = asked_at
        self.deadline = deadline
        self.dated_at = 0.0
        self.wire_s = self.held_s = self.held_since = 0.0
        self.flavour: Flavour = V2
        self.exchange: Exchange | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.n_waits = 0
        self.was_redated = self.was_resigned = False

    def held(self, since: float, timer: asyncio.TimerHandle) -> None:
        """Note that Duo holds it up from an instant on, until `timer` at the latest."""
        self.held_since = since
        self.timer = timer

    def released(self, now: float) -> None:
        """Note that it is held up no more."""
        self.held_s += now - self.held_since
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def took_s(self, now: float) -> float:
        """Return how many seconds of it, until its answer `now`, were Duo's or a person's.

        Of a long poll that is all: nobody waits for its connection but itself.
        """
        return now - self.asked_at if type(self.call) is AuthStatus else self.wire_s + self.held_s

    def cancel(self) -> None:
        """Drop the call: its `on_answer` is not called any more. What Duo has begun goes on there."""
        if self.exchange is not None:
            self.exchange.cancel()
        if self.timer is not None:
            self.timer.cancel()
        self._owner.drop(self)

    def responded(self, outcome: ExchangeOutcome, now: float) -> None:
        """Take what the pool brings."""
        exchange = self.exchange
        if exchange is not None:
            self.wire_s += exchange.wire_s
            self.held_s += exchange.stalled_s
            self.exchange = None  # no reference cycle: the collector would have to find one for every call
        self._owner.heard(self, outcome, now)

    def asked_anew(self, now: float) -> None:
        """Hear that its connection was dead."""
        self._owner.asked_anew(self, now)
