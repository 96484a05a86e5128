"""One connection to the store, on which many commands are under way at once.

All commands of one turn of the loop leave in one write, and answers come in their order (RESP2). Nothing here waits for
an answer: whoever asks hands over what is called with it, once, also when the connection is lost before.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.fleet.scripts import SCRIPTS
from gateway.fleetapi.resp import (
    CONNECTION_LOST,
    MAX_STRING,
    TOO_MANY,
    Answer,
    AnswerReader,
    BadAnswerError,
    Refused,
    encode_command,
)

MAX_UNDER_WAY: Final = 4096  # commands: a store that answers in 0.5 ms has as many with 8,000,000 a second
MAX_UNSENT: Final = 1_048_576  # octets that the socket has not taken

SAYS: Final = "the store says: "
"""Before what it has said unasked, in the detail of a connection that is lost."""

OnAnswer = Callable[[Answer], None]

_PING: Final = encode_command([b"PING"])


@mypyc_attr(allow_interpreted_subclasses=True)
class ConnectionOwner:
    """Who hears what becomes of a connection; as it is, one who does not care."""

    __slots__ = ()

    def answered(self, asked_at: float, now: float) -> None:
        """Answers have come in one piece; the first of them was asked for at `asked_at`."""

    def heard(self, channel: bytes, octets: bytes) -> None:
        """A message was published to a channel that is subscribed."""

    def refused(self, refusal: Refused) -> None:
        """The store has answered with an error; who asked hears it, too."""

    def connection_lost(self, connection: "StoreConnection", detail: str) -> None:
        """It is closed, by the other side or for `detail`; everything under way has been refused."""


class Asked:
    """A command under way, and who is told the answer.

    Attributes:
        octets: of a script's, which may have to be sent again; empty of all others.
    """

    __slots__ = ("octets",)

    def __init__(self) -> None:
        self.octets = b""

    def answered(self, answer: Answer) -> None:
        """Take the answer; once, also when the connection is lost before."""
        raise NotImplementedError


@final
class Call(Asked):
    """A command whose answer is for a function."""

    __slots__ = ("_on_answer",)

    def __init__(self, on_answer: OnAnswer) -> None:
        self.octets = b""
        self._on_answer = on_answer

    def answered(self, answer: Answer) -> None:
        """Call it."""
        self._on_answer(answer)


def ignore(answer: Answer) -> None:
    """Take an answer that nobody waits for."""


class StoreConnection:
    """A protocol for an event loop's stream transport, by the methods that it calls."""

    __slots__ = (
        "_answered",
        "_asked",
        "_clock",
        "_detail",
        "_flushes",
        "_is_listening",
        "_is_open",
        "_is_paused",
        "_loop",
        "_n_answered",
        "_n_asked",
        "_owner",
        "_reader",
        "_transport",
        "_unsent",
    )

    def __init__(self, owner: ConnectionOwner, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        """Be made for `loop`; `clock` tells monotonic instants, to the microsecond."""
        self._owner = owner
        self._loop = loop
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._asked: deque[Asked] = deque()
        self._unsent: list[bytes] = []
        self._flushes: deque[tuple[int, float]] = deque()  # how many had been asked for, and when
        self._n_asked = 0
        self._n_answered = 0
        self._is_listening = False
        self._is_open = False
        self._is_paused = False
        self._detail = ""

    # What the one who asks calls.

    def ask(self, octets: bytes, on_answer: OnAnswer) -> None:
        """Send a command; `on_answer` is called later, once."""
        self._ask(Call(on_answer), octets)

    def run(self, octets: bytes, asked: Asked) -> None:
        """Run a script, as `Script.call` gives its octets; where the store does not know it any more it is told."""
        asked.octets = octets
        self._ask(asked, octets)

    def listen(self) -> None:
        """Be for channels from now on: messages come between answers."""
        self._is_listening = True

    def ping(self) -> None:
        """Ask for a sign of life, which `ConnectionOwner.answered` tells."""
        self.ask(_PING, ignore)

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._is_open

    @property
    def detail(self) -> str:
        """Why it is open no more; "" while it is."""
        return self._detail

    def waits_since(self) -> float | None:
        """Return when the oldest command that has no answer was sent; None: all have theirs."""
        return self._flushes[0][1] if self._flushes else None

    def close(self, detail: str) -> None:
        """Close at once; the owner is told, and whoever waits, in the loop's next turn."""
        self._is_open = False
        if not self._detail:
            self._detail = detail
        if self._transport is not None:
            self._transport.abort()

    def _ask(self, asked: Asked, octets: bytes) -> None:
        if not self._is_open or self._is_paused or len(self._asked) >= MAX_UNDER_WAY or len(octets) > MAX_STRING:
            self._loop.call_soon(asked.answered, self._refusal())
            return
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(octets)
        self._asked.append(asked)
        self._n_asked += 1

    def _refusal(self) -> Refused:
        if self._is_open:
            return Refused(TOO_MANY, "too much is under way to the store already")
        return Refused(CONNECTION_LOST, self._detail or "the connection to the store is closed")

    def _flush(self) -> None:
        unsent = self._unsent
        if not unsent or self._transport is None or not self._is_open:
            return
        self._unsent = []
        self._flushes.append((self._n_asked, self._clock()))
        self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    # What the transport calls.

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin."""
        self._transport = transport
        transport.set_write_buffer_limits(MAX_UNSENT)
        self._is_open = True

    def data_received(self, octets: bytes) -> None:
        """Hand out the answers that are whole."""
        if not self._is_open:
            return
        try:
            answers = self._reader.feed(octets)
        except BadAnswerError as error:
            self.close(f"the store sent {error}")
            return
        asked_at = self._flushes[0][1] if self._flushes else -1.0
        n_before = self._n_answered
        for answer in answers:
            if self._is_listening and self._is_message(answer):
                continue
            if not self._asked:
                unasked = "the store sent an answer that nobody had asked for"
                self.close(SAYS + answer.text if isinstance(answer, Refused) else unasked)
                return
            self._n_answered += 1
            asked = self._asked.popleft()
            if isinstance(answer, Refused) and self._is_repeated(asked, answer):
                continue
            asked.answered(answer)
        if self._n_answered != n_before:
            while self._flushes and self._flushes[0][0] <= self._n_answered:
                self._flushes.popleft()
            self._owner.answered(asked_at, self._clock())

    def eof_received(self) -> None:
        """The other side has closed: close as well."""
        self.close("the store closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        """Refuse everything under way."""
        self._is_open = False
        if not self._detail:
            why = getattr(error, "strerror", None) or str(error or "")
            self._detail = f"the connection to the store was lost: {why}" if why else "the store closed the connection"
        self._transport = None
        asked, self._asked = self._asked, deque()
        self._unsent = []
        self._flushes.clear()
        refusal = Refused(CONNECTION_LOST, self._detail)
        for each in asked:
            each.answered(refusal)
        self._owner.connection_lost(self, self._detail)

    def pause_writing(self) -> None:
        """Send nothing more: the store does not read."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_paused = False

    def _is_message(self, answer: Answer) -> bool:
        """Take what was published."""
        if isinstance(answer, list) and len(answer) == 3 and answer[0] == b"message":
            channel, octets = answer[1], answer[2]
            if isinstance(channel, bytes) and isinstance(octets, bytes):
                self._owner.heard(channel, octets)
                return True
        return False

    def _is_repeated(self, asked: Asked, refusal: Refused) -> bool:
        """Tell of a refusal; a script that the store has forgotten is loaded and run again, but not twice.

        What was asked of the same record in between would overtake it. That is less than a round trip to the store, and
        a login asks one thing after the other with one to Duo in between.
        """
        if refusal.code == "NOSCRIPT" and asked.octets:
            for script in SCRIPTS:
                self.ask(script.load, ignore)
            octets, asked.octets = asked.octets, b""
            self._ask(asked, octets)
            return True
        self._owner.refused(refusal)
        return False

    def __repr__(self) -> str:
        return f"<StoreConnection is_open={self._is_open} under_way={len(self._asked)}>"
