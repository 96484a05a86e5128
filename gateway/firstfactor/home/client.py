"""Asking the home servers of one section: `plan` decides, this has the sockets, the clock and the addresses."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from gateway.engine.asking import Asking
from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor, Refused
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

OnAnswer = Callable[[Answer | Unavailable], None]
OnChanged = Callable[[HomeServer], None]
_GRAIN_S: Final = 0.02  # a busy client's timers: as many of them at once as fall into it
_clock: Final = time.monotonic


class HomeClient(Reader):
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
        self._loop = asyncio.get_running_loop()
        self._plan = HomePlan(servers, limits, draw or Octets(os.urandom).draw)
        self._nas_attribute = nas_attribute(nas_ip) if nas_ip else b""
        self._on_changed = on_changed
        self._counters = counters
        self._sockets: dict[int, HomeSocket] = {}
        self._pending: set[Asked] = set()
        self._known = {number: found for number, home in enumerate(homes) if (found := as_address(home))}
        names = {number: home for number, home in enumerate(homes) if number not in self._known}
        self._names = Names(names, self._found, self._not_found)
        self._retries: dict[int, asyncio.TimerHandle] = {}  # by home server, of those that there is no way to yet
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_asking = False
        self._is_closed = False

    def start(self) -> None:
        """Find out where the home servers are; questions may come before."""
        for number, found in self._known.items():
            self._found(number, found)
        self._names.start()

    def ask(self, question: CheckFirstFactor, on_answer: OnAnswer) -> "PendingQuestion":
        """Ask; `on_answer` hears the answer or why there is none, once, and never before this returns.

        The question forgets its credentials as soon as it is answered.
        """
        pending = PendingQuestion(self, question, on_answer)
        self._pending.add(pending)
        self._is_asking = True
        try:
            self._perform(self._plan.ask(pending, _clock()))
        finally:
            self._is_asking = False
        return pending

    def close(self) -> None:
        """Drop all questions without a word, and close all sockets."""
        self._is_closed = True
        self._names.close()
        for number in tuple(self._retries):
            self._retry_no_more(number)
        for pending in self._pending:
            pending.question.forget()
        self._pending.clear()
        for udp in self._sockets.values():
            udp.close()
        self._sockets.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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

    @property
    def n_pending(self) -> int:
        """Questions without an answer yet."""
        return len(self._pending)

    def drop(self, pending: "PendingQuestion") -> None:
        """Forget a cancelled question."""
        self._pending.discard(pending)
        self._count(pending, None, 0.0)
        self._perform(self._plan.cancel(pending, _clock()))

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

    def _timer_due(self) -> None:
        self._timer = None
        self._perform(self._plan.timer(_clock()))

    def _perform(self, effects: list[Effect]) -> None:
        if self._is_closed:
            return
        for effect in effects:
            if isinstance(effect, SendRequest):
                udp = self._sockets.get(effect.number)
                if udp is not None:
                    udp.send(effect.octets)
            elif isinstance(effect, Answered):
                self._answered(effect)
            elif isinstance(effect, OpenPort):
                effects.extend(self._open(effect))
            elif isinstance(effect, ClosePort):
                self._sockets.pop(effect.number).close()
            elif self._on_changed is not None:
                self._on_changed(effect.server)
        self._arm()

    def _answered(self, effect: Answered) -> None:
        pending = effect.asked
        self._pending.discard(pending)
        self._count(pending, effect.result, effect.at)
        if self._is_asking:
            self._loop.call_soon(self._deliver, effect)
        else:
            pending.answered(effect.result)

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

    def _deliver(self, effect: Answered) -> None:
        if not self._is_closed:
            effect.asked.answered(effect.result)

    def _open(self, effect: OpenPort) -> list[Effect]:
        """Open a port; return what follows where that fails, which may be to open the next one, again and again."""
        try:
            self._sockets[effect.number] = HomeSocket(self._loop, effect.number, effect.location, self)
        except OSError as error:
            return self._plan.failed(effect.number, error.strerror or str(error), _clock())
        return []

    def _arm(self) -> None:
        """Have the plan called at its next instant."""
        due = self._plan.next_timer
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(_GRAIN_S, due - _clock())
        self._timer_at = due
        self._timer = self._loop.call_later(delay_s, self._timer_due)


def _word_of(answer: Answer) -> str:
    """Return the answer's word in counters."""
    if isinstance(answer, Accepted):
        return ACCEPTED
    return REJECTED if isinstance(answer, Refused) else CHALLENGED


@mypyc_attr(free_list_len=1)
class PendingQuestion(Asked, Asking):
    """A question that has been asked; `cancel` when its answer is of no more interest."""

    __slots__ = ("_client", "_on_answer")

    def __init__(self, client: HomeClient, question: CheckFirstFactor, on_answer: OnAnswer) -> None:
        super().__init__(question)
        self._client: HomeClient | None = client
        self._on_answer = on_answer

    def cancel(self) -> None:
        """Drop the question: its `on_answer` is not called any more."""
        client, self._client = self._client, None
        if client is not None:
            client.drop(self)

    def took_s(self, now: float) -> float:
        """Return the seconds since it was asked: to wait for a place or an address is to wait for the home server."""
        return now - self.asked_at

    def answered(self, result: Answer | Unavailable) -> None:
        """Tell whoever has asked, unless that is cancelled."""
        if self._client is not None:
            self._client = None
            self._on_answer(result)
