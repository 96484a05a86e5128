"""A store as a worker has it, for tests: what it is told is kept, and what it is asked can be awaited."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.fleet.connection import Call
from gateway.fleet.mailbox import Mailbox
from gateway.fleet.opening import Opener, StoreAccess
from gateway.fleet.patience import Patience
from gateway.fleet.scripts import Script
from gateway.fleet.store import Store, StoreOwner
from gateway.fleetapi.address import parse_addresses
from gateway.https.resolver import Resolver
from gateway.https.tls import TrustStore

if TYPE_CHECKING:
    from gateway.fleetapi.resp import Answer


class Stage(StoreOwner):
    """A store and whoever uses it."""

    def __init__(self, opener: Opener) -> None:
        loop = asyncio.get_running_loop()
        self.store = Store(opener, Patience(), self, loop.call_soon, time.monotonic, lambda: 0.5)
        self.n_connected = 0
        self.losses: list[str] = []
        self._changed = asyncio.Event()

    def store_connected(self) -> None:
        self.n_connected += 1
        self._changed.set()

    def store_lost(self, detail: str) -> None:
        self.losses.append(detail)
        self._changed.set()

    def run(self, script: Script, key: bytes, *arguments: bytes) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.store.run(script, key, arguments, Call(answer.set_result))
        return answer

    def command(self, *words: bytes) -> "asyncio.Future[Answer]":
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.store.command(words, answer.set_result)
        return answer

    async def until_connected(self, n: int = 1) -> None:
        """Wait for the nth connection."""
        while self.n_connected < n:
            await self._change()

    async def until_lost(self, n: int = 1) -> str:
        """Wait for the nth loss, or attempt in vain, and return why."""
        while len(self.losses) < n:
            await self._change()
        return self.losses[n - 1]

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def opener(
    addresses: str,
    password: str = "",
    ca_file: str | None = None,
    resolver: Resolver | None = None,
) -> Opener:
    access = StoreAccess(parse_addresses(addresses), password, TrustStore(ca_file) if ca_file else None)
    return Opener(access, resolver or Resolver(time.monotonic), time.monotonic)


@asynccontextmanager
async def on_stage(
    addresses: str, password: str = "", ca_file: str | None = None, resolver: Resolver | None = None
) -> AsyncIterator[Stage]:
    """A store that has begun to connect."""
    stage = Stage(opener(addresses, password, ca_file, resolver))
    stage.store.start()
    try:
        yield stage
    finally:
        await stage.store.close()


class Letters:
    """What has come to a mailbox, and how often it began or ceased to hear."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self._changed = asyncio.Event()
        self.n_changes = 0

    def put(self, channel: bytes, octets: bytes) -> None:
        self._queue.put_nowait((channel, octets))

    async def next(self) -> tuple[bytes, bytes]:
        return await self._queue.get()

    def change(self) -> None:
        self.n_changes += 1
        self._changed.set()

    async def until_changed(self, n: int) -> None:
        while self.n_changes < n:
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def mailbox(addresses: str, *channels: bytes, password: str = "") -> AsyncIterator[tuple[Mailbox, Letters]]:
    """A mailbox that has begun to subscribe, and the store whose it is."""
    letters, way = Letters(), opener(addresses, password)
    stage = Stage(way)
    box = Mailbox(way, channels, letters.put, time.monotonic, lambda: 0.5, letters.change)
    stage.store.start()
    box.start()
    try:
        yield box, letters
    finally:
        await box.close()
        await stage.store.close()
