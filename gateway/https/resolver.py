"""Addresses of a host name: looked up once a minute at most, and again after a failure to connect."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from gateway.brackets import with_port
from gateway.unavailable import Trouble, Unavailable

MAX_AGE_S = 60.0
AVOID_S = 60.0  # how long an address that failed, or was overtaken, is tried after the others
FRESH_S = 0.25  # from a failure on, for how long an attempt waits for what DNS says by now


class Address(NamedTuple):
    """Where to connect to: what `socket` wants, and a text for people."""

    family: int
    sockaddr: tuple[Any, ...]

    def __str__(self) -> str:
        host, port = self.sockaddr[:2]
        return with_port(host, port)


class _Entry(NamedTuple):
    addresses: list[Address]
    valid_until: float
    fresh_until: float = 0.0  # until then a newer answer is waited for: an address has failed


class Resolver:
    """Looks up and remembers: one look-up serves all who wait, and the last known addresses while DNS is away."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Use `clock`, the loop's."""
        self._clock = clock
        self._entries: dict[tuple[str, int], _Entry] = {}
        self._lookups: dict[tuple[str, int], asyncio.Task[list[Address]]] = {}
        self._failed_at: dict[Address, float] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Return where to try, the families by turns, those that have failed or were overtaken lately last.

        Just after a failure that is what DNS says by now: the name may lead elsewhere. It is not waited for long, for
        DNS may hang.

        Raises:
            Unavailable: the name cannot be resolved, and never was.
        """
        await self._be_fresh(host, port)
        known = self.known(host, port)
        return self._in_order(await asyncio.shield(self._start_lookup(host, port))) if known is None else known

    def known(self, host: str, port: int) -> list[Address] | None:
        """Return the same without waiting; None for a name that was never resolved."""
        entry = self._entries.get((host, port))
        if entry is None:
            return None
        if self._clock() >= entry.valid_until:
            self._start_lookup(host, port)
        return self._in_order(entry.addresses)

    async def _be_fresh(self, host: str, port: int) -> None:
        entry, lookup = self._entries.get((host, port)), self._lookups.get((host, port))
        if entry is not None and lookup is not None and (left_s := entry.fresh_until - self._clock()) > 0:
            await asyncio.wait([lookup], timeout=left_s)

    def _start_lookup(self, host: str, port: int) -> asyncio.Task[list[Address]]:
        """Look up, once for all; a caller with an older answer does not wait for it, for DNS may hang."""
        lookup = self._lookups.get((host, port))
        if lookup is None:
            lookup = asyncio.ensure_future(self._look_up(host, port))
            self._lookups[host, port] = lookup
            lookup.add_done_callback(lambda done: self._end_lookup(host, port, done))
        return lookup

    def failed(self, host: str, port: int, address: Address) -> None:
        """Try `address` last for a while, and look `host` up again before the next attempt."""
        now = self._failed_at[address] = self._clock()
        entry = self._entries.get((host, port))
        if entry is not None:
            self._entries[host, port] = entry._replace(valid_until=0.0, fresh_until=now + FRESH_S)
            self._start_lookup(host, port)

    def overtaken(self, address: Address) -> None:
        """Try `address` last for a while: another one, which was tried later, has answered sooner."""
        self._failed_at[address] = self._clock()

    async def _look_up(self, host: str, port: int) -> list[Address]:
        try:
            addresses = await self._getaddrinfo(host, port)
        except (OSError, UnicodeError) as error:  # the latter: no name that DNS could hold
            entry = self._entries.get((host, port))
            if entry is None:
                reason = (isinstance(error, OSError) and error.strerror) or str(error)
                raise Unavailable(Trouble.DNS, f"cannot resolve {host}: {reason}") from error
            addresses = entry.addresses
        self._entries[host, port] = _Entry(addresses, self._clock() + MAX_AGE_S)
        return addresses

    def _end_lookup(self, host: str, port: int, lookup: asyncio.Task[list[Address]]) -> None:
        del self._lookups[host, port]
        if not lookup.cancelled():
            lookup.exception()  # those who waited may all have gone

    async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return by_turns(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))

    def _in_order(self, addresses: list[Address]) -> list[Address]:
        if not self._failed_at:
            return addresses
        now = self._clock()
        for address in [address for address, at in self._failed_at.items() if now - at > AVOID_S]:
            del self._failed_at[address]
        return sorted(addresses, key=lambda address: self._failed_at.get(address, 0.0))


def by_turns(addresses: Iterable[Address]) -> list[Address]:
    """Return them with their families by turns, the first one's first (RFC 8305 section 4)."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address.family, []).append(address)
    rounds = zip_longest(*families.values())
    return [address for address in chain.from_iterable(rounds) if address is not None]
