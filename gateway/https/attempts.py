"""Attempts to connect at the addresses of a server, several at once where one takes long (`gateway.https.race`)."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from itertools import takewhile
from typing import Any, Generic, Protocol, TypeVar

from gateway.https.race import Race
from gateway.https.resolver import Address, Resolver
from gateway.unavailable import Unavailable


class HasSocket(Protocol):
    """What an attempt opens."""

    @property
    def socket(self) -> socket.socket:
        """Which is closed if nobody wants it any more."""


Opened = TypeVar("Opened", bound=HasSocket)
Attempt = Callable[[Address, Callable[[], None]], Coroutine[Any, Any, Opened]]
"""Opens at one address by the deadline, or raises `Unavailable`; calls back whenever it comes further.

Whatever else ends it, it leaves nothing open.
"""


class Attempts(Generic[Opened]):
    """The attempts at one server, each a task; those under way are in the order in which they began."""

    def __init__(self, resolver: Resolver, host: str, port: int, attempt: Attempt[Opened]) -> None:
        """The resolver hears which addresses of this name are better tried last."""
        self._resolver = resolver
        self._host = host
        self._port = port
        self._attempt = attempt
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[asyncio.Task[Opened], Address] = {}

    async def first(self, addresses: Sequence[Address], deadline: float) -> Opened:
        """Return what is opened first, at one address of these; all other attempts are given up then.

        Raises:
            Unavailable: nothing is, by the deadline.
        """
        race = Race(addresses, self._loop.time(), deadline)
        try:
            while self._begin(race):
                wait_s = race.wait_s(self._loop.time())
                await asyncio.wait(self._under_way, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
                for task in [each for each in self._under_way if each.done()]:
                    opened = self._ended(task, race)
                    if opened is not None:
                        return opened
        finally:
            for task in self._under_way:
                _give_up(task)
        raise race.outcome

    def _begin(self, race: Race[Address]) -> bool:
        """Begin an attempt if it is time for one; return whether any is under way."""
        address = race.begin(self._loop.time())
        if address is not None:
            attempt = self._attempt(address, lambda: race.came_further(self._loop.time()))
            self._under_way[self._loop.create_task(attempt)] = address
        return bool(self._under_way)

    def _ended(self, task: asyncio.Task[Opened], race: Race[Address]) -> Opened | None:
        """Return what an attempt has opened, None if it has failed."""
        try:
            opened = task.result()
        except Unavailable as trouble:
            race.failed(trouble, self._loop.time())
            self._resolver.failed(self._host, self._port, self._under_way.pop(task))
            return None
        for earlier in takewhile(lambda each: each is not task, self._under_way):
            self._resolver.overtaken(self._under_way[earlier])
        del self._under_way[task]
        return opened


def _give_up(task: asyncio.Task[Opened]) -> None:
    """Cancel an attempt, or close what it has opened in the same moment as another one."""
    if not task.cancel() and not task.cancelled() and task.exception() is None:
        task.result().socket.close()
