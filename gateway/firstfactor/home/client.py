"""Asking the home servers of one section: `plan` decides, this has the sockets, the clock and the addresses."""

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor, Refused
from gateway.firstfactor.client import FirstFactorClient
from gateway.firstfactor.home.addresses import (
    RETRY_S,
    Found,
    HostPort,
    Names,
    as_address,
    nas_attribute,
    own_nas_attribute,
)
from gateway.firstfactor.home.asked import Asked
from gateway.firstfactor.home.drawing import Octets
from gateway.firstfactor.home.effects import Answered, ClosePort, Effect, OpenPort, SendRequest
from gateway.firstfactor.home.plan import HomePlan
from gateway.firstfactor.home.server import HomeServer, Limits, Location
from gateway.firstfactor.home.sockets import HomeSocket, Reader
from gateway.statistics.counters import FirstFactorCounters
from gateway.statistics.layout import ACCEPTED, CHALLENGED, REJECTED
from gateway.unavailable import Unavailable

if TYPE_CHECKING:
    import asyncio

OnChanged = Callable[[HomeServer], None]
_clock: Final = time.monotonic


class HomeClient(FirstFactorClient[Asked], Reader):
    """Asks questions, many at once, from `start` to `close`.

    Args:
        servers: in the order of the section.
        homes: where each of them is.
        limits: how they are asked.
        nas_ip: what we call ourselves; empty for the address that we have towards each.
        draw: returns so many unpredictable octets; None for the kernel's.
        on_changed: is told of a home server that does not answer, or is back.
        counters: what to count with; None to count nothing.
    """

    def __init__(
        self,
        servers: Sequence[HomeServer],
        homes: Sequence[HostPort],
        limits: Limits,
        *,
        nas_ip: str = "",
        draw: Callable[[int], bytes] | None = None,
        on_changed: OnChanged | None = None,
        counters: FirstFactorCounters | None = None,
    ) -> None:
        super().__init__(counters)
        self._plan = HomePlan(servers, limits, draw or Octets(os.urandom).draw)
        self._nas_attribute = nas_attribute(nas_ip) if nas_ip else b""
        self._on_changed = on_changed
        self._sockets: dict[int, HomeSocket] = {}
        self._known = {number: found for number, home in enumerate(homes) if (found := as_address(home))}
        names = {number: home for number, home in enumerate(homes) if number not in self._known}
        self._names = Names(names, self._found, self._not_found)
        self._retries: dict[int, asyncio.TimerHandle] = {}  # by home server, of those that there is no way to yet

    def start(self) -> None:
        """Find out where the home servers are; questions may come before."""
        for number, found in self._known.items():
            self._found(number, found)
        self._names.start()

    def close(self) -> None:
        """Drop all questions without a word, and close all sockets."""
        super().close()
        self._names.close()
        for number in tuple(self._retries):
            self._retry_no_more(number)
        for udp in self._sockets.values():
            udp.close()
        self._sockets.clear()

    @property
    def servers(self) -> tuple[HomeServer, ...]:
        """The home servers and how they are."""
        return self._plan.servers

    def show(self) -> None:
        """Show on the board how the home servers are, and count the replies that were not believed."""
        if self._counters is not None:
            for server in self.servers:
                counters = self._counters.hosts[server.name]
                counters.show(server.heard_at, server.failed_at, server.trouble)
                for reason, n in server.take_discards():
                    counters.discarded(reason, n)

    def received(self, number: int, datagram: bytes) -> None:
        """Take what a socket has read."""
        self._perform(self._plan.received(number, datagram, _clock()))

    def refused(self, number: int, why: str) -> None:
        """Hear of a socket that nobody receives at its other end."""
        self._perform(self._plan.refused(number, why, _clock()))

    def unsent(self, number: int) -> None:
        """Hear of a socket from which nothing leaves: we may have another address now, and call ourselves by it."""
        server = next((each for each in self.servers if number in each.ports), None)
        if server is None or server.ports[number].is_left:
            return
        self._perform(self._plan.unsent(number))
        location = server.location
        if location is not None and location.nas_attribute:  # else that is being found out
            self._found(server.index, Found(location.family, location.sockaddr))

    def _found(self, number: int, found: Found) -> None:
        if self._is_closed:
            return
        self._retry_no_more(number)
        own = self._nas_attribute or own_nas_attribute(found)
        if not own:  # there is no way to it yet, as while a machine starts
            self._retries[number] = self._loop.call_later(RETRY_S, self._found, number, found)
        location = Location(found.family, found.sockaddr, own)
        self._perform(self._plan.located(self.servers[number], location, _clock()))

    def _retry_no_more(self, number: int) -> None:
        """Let go of the address that a home server was last found at, if there was no way to it."""
        retry = self._retries.pop(number, None)
        if retry is not None:
            retry.cancel()

    def _not_found(self, number: int, why: str) -> None:
        self._perform(self._plan.lost(self.servers[number], why, _clock()))

    def _asked(self, question: CheckFirstFactor) -> Asked:
        return Asked(question)

    def _put(self, asked: Asked, now: float) -> None:
        self._perform(self._plan.ask(asked, now))

    def _withdraw(self, asked: Asked, now: float) -> None:
        self._count(asked, None, 0.0)
        self._perform(self._plan.cancel(asked, now))

    def _due(self, now: float) -> None:
        self._perform(self._plan.timer(now))

    def _perform(self, effects: list[Effect]) -> None:
        if self._is_closed:
            return
        for effect in effects:
            if isinstance(effect, SendRequest):
                udp = self._sockets.get(effect.number)
                if udp is not None:
                    udp.send(effect.octets)
            elif isinstance(effect, Answered):
                self._count(effect.asked, effect.result, effect.at)
                self._answered(effect.asked, effect.result)
            elif isinstance(effect, OpenPort):
                effects.extend(self._open(effect))
            elif isinstance(effect, ClosePort):
                self._sockets.pop(effect.number).close()
            elif self._on_changed is not None:
                self._on_changed(effect.server)
        self._arm(self._plan.next_timer)

    def _count(self, asked: Asked, result: Answer | Unavailable | None, now: float) -> None:
        """Count what became of a question at each home server that it was sent to; None: nobody waits any more."""
        counters = self._counters
        if counters is None:
            return
        answered_by = ""
        if result is not None:
            counters.ended(max(0.0, now - asked.asked_at))
            if not isinstance(result, Unavailable):
                answered_by = result.host
                counters.hosts[answered_by].answered(_word_of(result), max(0.0, now - asked.sent_at))
        if asked.complaints:
            self._count_complaints(asked, counters, answered_by)

    def _count_complaints(self, asked: Asked, counters: FirstFactorCounters, answered_by: str) -> None:
        for index, (_, trouble) in asked.complaints.items():
            name = self.servers[index].name
            if name != answered_by:  # one that was starting again, and has answered then
                counters.hosts[name].troubled(trouble)

    def _open(self, effect: OpenPort) -> list[Effect]:
        """Open a port; return what follows where that fails, which may be to open the next one, again and again."""
        try:
            self._sockets[effect.number] = HomeSocket(self._loop, effect.number, effect.location, self)
        except OSError as error:
            return self._plan.failed(effect.number, error.strerror or str(error), _clock())
        return []


def _word_of(answer: Answer) -> str:
    """Return the answer's word in counters."""
    if isinstance(answer, Accepted):
        return ACCEPTED
    return REJECTED if isinstance(answer, Refused) else CHALLENGED
