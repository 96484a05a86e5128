"""Where home servers are: names are looked up off the loop, at the start and every five minutes, the last known
addresses stay.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.logs.setup import log_internal_error
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import NAS_IP_ADDRESS, NAS_IPV6_ADDRESS

REFRESH_S = 300.0
RETRY_S = 5.0
"""While a name has never been resolved."""


class HostPort(NamedTuple):
    """A home server as the file has it."""

    host: str
    port: int


class Found(NamedTuple):
    """What `socket` wants."""

    family: int
    sockaddr: tuple[Any, ...]


def as_address(home: HostPort) -> Found | None:
    """Return where a home server is that is given by its address; None for one with a name."""
    try:
        found = socket.getaddrinfo(home.host, home.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # the latter: no name that DNS could hold
        return None
    return Found(found[0][0], found[0][4])


class Names:
    """Home servers with names, and where they are.

    Args:
        homes: by any number.
        on_found: is told where one is, each time it is looked up.
        on_failed: is told why one could not be looked up.
    """

    def __init__(
        self,
        homes: Mapping[int, HostPort],
        on_found: Callable[[int, Found], None],
        on_failed: Callable[[int, str], None],
    ) -> None:
        self._homes = homes
        self._on_found = on_found
        self._on_failed = on_failed
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look up, each name by itself: DNS may hang for one of them."""
        self._tasks = [asyncio.create_task(self._watch(number, home)) for number, home in self._homes.items()]

    def close(self) -> None:
        """Look up no more."""
        for task in self._tasks:
            task.cancel()

    async def _watch(self, number: int, home: HostPort) -> None:
        known: Found | None = None
        while True:
            try:
                found = await _look_up(home)
            except (OSError, UnicodeError) as error:
                reason = (isinstance(error, OSError) and error.strerror) or str(error)
                _tell(home, self._on_failed, number, f"cannot be resolved: {reason}")
            else:
                if known not in found:  # else it stays, in whatever order DNS tells them
                    known = found[0]
                _tell(home, self._on_found, number, known)
            await asyncio.sleep(RETRY_S if known is None else REFRESH_S)


def _tell(home: HostPort, hear: Callable[..., None], *arguments: object) -> None:
    """Say what was found out; an internal error there does not end the looking up."""
    try:
        hear(*arguments)
    except Exception as error:  # noqa: BLE001 -- told without its text, as any of our own mistakes
        log_internal_error(f"Internal error with the address of {home.host}", error)


async def _look_up(home: HostPort) -> list[Found]:
    found = await asyncio.get_running_loop().getaddrinfo(home.host, home.port, type=socket.SOCK_DGRAM)
    return [Found(family, sockaddr) for family, _, _, _, sockaddr in found]


def own_nas_attribute(found: Found) -> bytes:
    """Return NAS-IP-Address or NAS-IPv6-Address with the address that we have towards a home server; empty for none."""
    with contextlib.suppress(OSError), socket.socket(found.family, socket.SOCK_DGRAM) as udp:
        udp.connect(found.sockaddr)
        return nas_attribute(udp.getsockname()[0])
    return b""


def nas_attribute(address: str) -> bytes:
    """Return NAS-IP-Address or NAS-IPv6-Address, encoded."""
    if ":" in address:
        return encode_attribute(NAS_IPV6_ADDRESS, socket.inet_pton(socket.AF_INET6, address.partition("%")[0]))
    return encode_attribute(NAS_IP_ADDRESS, socket.inet_aton(address))
