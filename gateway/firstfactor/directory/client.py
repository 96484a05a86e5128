"""Asking the directory of one section: `plan` decides, this has the connections, the clock and the addresses."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor
from gateway.firstfactor.client import FirstFactorClient
from gateway.firstfactor.directory.connection import DirectoryConnection
from gateway.firstfactor.directory.effects import Answered, Close, Effect, Open, Send, Turned
from gateway.firstfactor.directory.host import Asked, Host
from gateway.firstfactor.directory.opening import Endpoint, open_ldap
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.https.resolver import Resolver
from gateway.statistics.counters import FirstFactorCounters
from gateway.statistics.layout import ACCEPTED, REJECTED
from gateway.unavailable import Trouble, Unavailable

if TYPE_CHECKING:
    import asyncio

OnChanged = Callable[[Host], None]
OnTurned = Callable[[CheckFirstFactor, Host], None]
_clock: Final = time.monotonic


class DirectoryClient(FirstFactorClient[Asked]):
    """Asks questions, many at once, from `start` to `close`.

    Args:
        plan: of the section.
        endpoints: where each of its hosts is, in their order.
        open_timeout_s: how long it may take to open a connection.
        on_changed: is told of a host that does not answer, or is back.
        on_turned: is told of each question and the host that it goes to; None where nobody wants to know.
        counters: what to count with; None to count nothing.
    """

    def __init__(
        self,
        plan: DirectoryPlan,
        endpoints: Sequence[Endpoint],
        open_timeout_s: float,
        *,
        on_changed: OnChanged | None = None,
        on_turned: OnTurned | None = None,
        counters: FirstFactorCounters | None = None,
    ) -> None:
        super().__init__(counters)
        self._plan = plan
        self._endpoints = list(endpoints)
        self._open_timeout_s = open_timeout_s
        self._on_changed = on_changed
        self._on_turned = on_turned
        self._resolver = Resolver(_clock)
        self._connections: dict[int, DirectoryConnection] = {}
        self._openings: dict[int, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Open what searches need; questions may come before."""
        self._perform(self._plan.start(_clock()))

    def close(self) -> None:
        """Drop all questions without a word, and close all connections."""
        super().close()
        for task in self._openings.values():
            task.cancel()
        self._openings.clear()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The hosts and how they are."""
        return self._plan.hosts

    def show(self) -> None:
        """Show on the board how the hosts are."""
        if self._counters is not None:
            for host in self.hosts:
                self._counters.hosts[host.name].show(host.heard_at, host.failed_at, host.trouble)

    @property
    def n_connections(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    def _received(self, number: int, octets: bytes) -> None:
        self._perform(self._plan.received(number, octets, _clock()))

    def _connection_lost(self, number: int, text: str, is_unsent: bool) -> None:
        self._connections.pop(number, None)
        self._perform(self._plan.lost(number, text, _clock(), is_unsent=is_unsent))

    def _asked(self, question: CheckFirstFactor) -> Asked:
        return Asked(question)

    def _put(self, asked: Asked, now: float) -> None:
        self._perform(self._plan.ask(asked, now))

    def _withdraw(self, asked: Asked, now: float) -> None:
        self._count(asked, None)
        self._perform(self._plan.cancel(asked, now))

    def _due(self, now: float) -> None:
        self._perform(self._plan.timer(now))

    def _perform(self, effects: list[Effect]) -> None:
        if self._is_closed:
            return
        for effect in effects:
            if isinstance(effect, Send):
                connection = self._connections.get(effect.number)
                if connection is not None:
                    connection.send(effect.octets, looks=effect.looks)
            elif isinstance(effect, Answered):
                self._count(effect.asked, effect.result)
                self._answered(effect.asked, effect.result)
            elif isinstance(effect, Open):
                self._openings[effect.number] = self._loop.create_task(self._open(effect.number, effect.host))
            elif isinstance(effect, Close):
                self._close(effect.number)
            elif isinstance(effect, Turned):
                if self._on_turned is not None:
                    self._on_turned(effect.asked.question, effect.host)
            elif self._on_changed is not None:
                self._on_changed(effect.host)
        self._arm(self._plan.next_timer)

    async def _open(self, number: int, host: Host) -> None:
        try:
            opened = await open_ldap(self._endpoints[host.index], self._resolver, self._open_timeout_s)
        except Unavailable as trouble:
            self._failed(number, trouble)
        except Exception as error:
            # Whatever it was, the plan must hear of it: somebody waits for this connection.
            self._failed(number, Unavailable(Trouble.CONNECT, f"cannot connect: {type(error).__name__}"))
            raise
        else:
            del self._openings[number]
            self._connections[number] = DirectoryConnection(
                number, opened, self._received, self._connection_lost, self._loop
            )
            self._perform(self._plan.opened(number, opened.channel_bindings, _clock()))

    def _failed(self, number: int, trouble: Unavailable) -> None:
        self._openings.pop(number, None)
        self._perform(self._plan.failed(number, trouble, _clock()))

    def _close(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is not None:
            connection.close()

    def _count(self, asked: Asked, result: Answer | Unavailable | None) -> None:
        """Count what became of a question at each host that it was at; None: nobody waits any more."""
        counters, now = self._counters, _clock()
        if counters is None:
            return
        if result is not None:
            counters.ended(max(0.0, now - asked.asked_at))
            if not isinstance(result, Unavailable) and result.host in counters.hosts:  # else it was refused here
                word = ACCEPTED if isinstance(result, Accepted) else REJECTED
                counters.hosts[result.host].answered(word, max(0.0, now - asked.sent_at))
        for index, (_, trouble) in asked.complaints.items():
            counters.hosts[self.hosts[index].name].troubled(trouble)
