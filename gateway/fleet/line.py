"""A line to the store: one connection at a time, opened again whenever it is lost.

At once, then after a tenth of a second, and ever later up to one; a little by chance, so that a fleet whose store comes
back does not come as one. A connection that says nothing for three seconds although it was asked is given up.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from mypy_extensions import mypyc_attr

from gateway.fleet.connection import ConnectionOwner, StoreConnection
from gateway.fleet.opening import Opener
from gateway.fleetapi.resp import Refused
from gateway.unavailable import Trouble, Unavailable

TICK_S: Final = 0.1
SILENCE_S: Final = 3.0
IDLE_S: Final = 1.0  # a connection that was not asked for so long is pinged
FIRST_DELAY_S: Final = 0.1
MOST_DELAY_S: Final = 1.0

_NO_MASTER: Final = ("READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "MOVED", "CLUSTERDOWN")


@mypyc_attr(allow_interpreted_subclasses=True)
class LineOwner:
    """Who uses a line."""

    __slots__ = ()

    def opened(self, connection: StoreConnection) -> None:
        """There is a connection, and it has greeted."""
        raise NotImplementedError

    def answered(self, asked_at: float, now: float) -> None:
        """See `ConnectionOwner.answered`."""

    def heard(self, channel: bytes, octets: bytes) -> None:
        """See `ConnectionOwner.heard`."""

    def refused(self, refusal: Refused) -> None:
        """See `ConnectionOwner.refused`."""

    def lost(self, detail: str) -> None:
        """There is no connection any more, or still none, for this reason."""
        raise NotImplementedError

    def ticked(self, now: float) -> None:
        """Time goes by; ten times a second, while there is a connection."""

    def idle(self, connection: StoreConnection) -> None:
        """Nobody has asked for a while: ask for a sign of life."""
        connection.ping()


class Line(ConnectionOwner):
    """Keeps one connection open for its owner."""

    def __init__(
        self,
        opener: Opener,
        owner: LineOwner,
        clock: Callable[[], float],
        chance: Callable[[], float],
        *,
        with_scripts: bool,
    ) -> None:
        """Begin with `start`; `chance` returns a number from 0 to 1, `random.random`."""
        self._opener = opener
        self._owner = owner
        self._clock = clock
        self._chance = chance
        self._with_scripts = with_scripts
        self._connection: StoreConnection | None = None
        self._ended: asyncio.Future[None] | None = None
        self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open, and go on opening."""
        self._task = asyncio.get_running_loop().create_task(self._keep_open())
        self._task.add_done_callback(_tell)

    async def close(self) -> None:
        """Close for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            self._connection.close("closed")
            self._connection = None

    async def _keep_open(self) -> None:
        delay_s = 0.0
        while True:
            opened_at = self._clock()
            try:
                await self._open_once()
            except Unavailable as trouble:
                self._owner.lost(trouble.detail)
            if self._clock() - opened_at > MOST_DELAY_S:
                delay_s = 0.0
            await _pause(delay_s * (0.75 + 0.5 * self._chance()))
            delay_s = min(MOST_DELAY_S, max(FIRST_DELAY_S, 2 * delay_s))

    async def _open_once(self) -> None:
        """Open a connection and return when it is lost."""
        connection = await self._opener.open(self, with_scripts=self._with_scripts)
        if not connection.is_open:
            raise Unavailable(Trouble.CLOSED, connection.detail)
        self._connection = connection
        self._ended = ended = asyncio.get_running_loop().create_future()
        self._owner.opened(connection)
        while not ended.done():
            await asyncio.wait([ended], timeout=TICK_S)
            self._look(connection)

    def _look(self, connection: StoreConnection) -> None:
        """Ask for a sign of life, or give up."""
        if not connection.is_open:
            return
        now = self._clock()
        since = connection.waits_since()
        if since is None:
            if now - self._asked_at >= IDLE_S:
                self._asked_at = now
                self._owner.idle(connection)
        elif now - since > SILENCE_S:
            connection.close(f"the store says nothing for {SILENCE_S:.0f} s")
        self._owner.ticked(now)

    # What the connection calls.

    def answered(self, asked_at: float, now: float) -> None:
        """Hand on."""
        if self._connection is not None:
            self._owner.answered(asked_at, now)

    def heard(self, channel: bytes, octets: bytes) -> None:
        """Hand on."""
        self._owner.heard(channel, octets)

    def refused(self, refusal: Refused) -> None:
        """Hand on; who is no master any more, or lets us out, is left."""
        connection = self._connection
        if connection is not None:
            self._owner.refused(refusal)
            if refusal.code in _NO_MASTER:
                connection.close(f"the store refuses: {refusal.text}")

    def connection_lost(self, connection: StoreConnection, detail: str) -> None:
        """Open another one, if it was this one that was in use: of what fails before, `open` tells."""
        if connection is self._connection:
            self._connection = None
            self._owner.lost(detail)
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(None)


def _tell(task: "asyncio.Task[None]") -> None:
    """Let the loop tell of an error of our own at once, and not when somebody looks."""
    if not task.cancelled():
        task.result()


async def _pause(delay_s: float) -> None:
    await asyncio.sleep(delay_s)
