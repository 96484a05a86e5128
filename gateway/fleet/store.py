"""The store, as a worker has it: asked without waiting, and never more than one connection away.

While there is no connection, or too much is under way, what is asked is refused at once. Whether a claim is worth
waiting for is `Store.patience`'s to say.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from mypy_extensions import mypyc_attr

from gateway.fleet.connection import Asked, Call, OnAnswer, StoreConnection, ignore
from gateway.fleet.line import Line, LineOwner
from gateway.fleet.opening import Opener
from gateway.fleet.patience import Patience
from gateway.fleet.scripts import CLAIM, PROBE, Script
from gateway.fleetapi.names import PROBE_KEYS
from gateway.fleetapi.resp import NOT_ANSWERED, NOT_CONNECTED, Answer, Refused, encode_command

_PROBES: Final = [CLAIM.call(key, PROBE) for key in PROBE_KEYS]


@mypyc_attr(allow_interpreted_subclasses=True)
class StoreOwner:
    """Who hears whether there is a store; as it is, one who does not care."""

    __slots__ = ()

    def store_connected(self) -> None:
        """There is a connection. It may be to another server than before, and that one may know nothing."""

    def store_lost(self, detail: str) -> None:
        """There is none any more, or still none, for this reason."""

    def store_answered(self) -> None:
        """Answers have come, and everybody has theirs; `Store.patience` knows what they took."""


class Store(LineOwner):
    """Asks scripts, publishes, and keeps the connection for it."""

    def __init__(
        self,
        opener: Opener,
        patience: Patience,
        owner: StoreOwner,
        call_soon: Callable[..., object],
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        """Begin with `start`.

        Args:
            opener: knows the way.
            patience: told of all that answers take.
            owner: hears of connections.
            call_soon: the loop's.
            clock: monotonic, to the microsecond.
            chance: returns a number from 0 to 1, `random.random`.
        """
        self.patience: Final = patience
        self._owner = owner
        self._call_soon = call_soon
        self._clock = clock
        self._opener = opener
        self._connection: StoreConnection | None = None
        self._n_probes = 0
        self._line = Line(opener, self, clock, chance, with_scripts=True)

    def start(self) -> None:
        """Connect, and go on connecting."""
        self._line.start()

    async def close(self) -> None:
        """Close for good; what is under way is refused."""
        await self._line.close()

    def run(self, script: Script, key: bytes, arguments: Sequence[bytes], asked: Asked) -> None:
        """Run a script; `asked` is told its answer or a `Refused`, once, in a later turn of the loop."""
        connection = self._connection
        if connection is None:
            self._refuse(asked)
        else:
            connection.run(script.call(key, arguments), asked)

    def publish(self, channel: bytes, octets: bytes) -> None:
        """Send a message to whoever is subscribed; it may be lost."""
        self.command([b"PUBLISH", channel, octets])

    def command(self, words: Sequence[bytes], on_answer: OnAnswer = ignore) -> None:
        """Ask anything else: `on_answer` is called as `run` tells `Asked`."""
        connection = self._connection
        if connection is None:
            self._refuse(Call(on_answer))
        else:
            connection.ask(encode_command(words), on_answer)

    def look(self, callback: Callable[[], None]) -> None:
        """Call back once what has come by now is read: only then it is known that an answer is late.

        A loop that was busy in a callback runs its timers before it reads again, and an answer may wait in the socket.
        What is called soon by what is called soon comes after that.
        """
        self._call_soon(self._call_soon, callback)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    def _refuse(self, asked: Asked) -> None:
        self._call_soon(asked.answered, Refused(NOT_CONNECTED, "there is no connection to the store"))

    # What the line calls.

    def opened(self, connection: StoreConnection) -> None:
        """Use it from now on."""
        self._connection = connection
        self.patience.connected(self._clock())
        self._opener.use(connection)
        self._owner.store_connected()

    def lost(self, detail: str) -> None:
        """Do without."""
        self._connection = None
        self.patience.lost(detail, self._clock())
        self._opener.use(None)
        self._owner.store_lost(detail)

    def answered(self, asked_at: float, now: float) -> None:
        """Learn what answers take."""
        self.patience.answered(asked_at, now)
        self._owner.store_answered()

    def refused(self, refusal: Refused) -> None:
        """Learn what the store does not do."""
        self.patience.refused(refusal, self._clock())

    def ticked(self, now: float) -> None:
        """Ask for a sign of life, while nobody else asks."""
        if self._connection is not None and self.patience.wants_probe(now):
            self.idle(self._connection)

    def idle(self, connection: StoreConnection) -> None:
        """Do what a claim does: a server that is full, or became a replica, still answers to PING."""
        probe = _PROBES[self._n_probes % len(_PROBES)]  # a node of a cluster may have the keys of some
        self._n_probes += 1
        connection.run(probe, Call(partial(self._probed, self._clock())))

    def _probed(self, asked_at: float, answer: Answer) -> None:
        if not isinstance(answer, Refused):
            self.patience.probed(asked_at, self._clock())
        elif answer.code not in NOT_ANSWERED:
            self.patience.probe_refused(answer, self._clock())
