"""Asking the directory of one section: `plan` decides, this has the connections, the clock and the addresses."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from gateway.engine.asking import Asking
from gateway.engine.first_factor import Accepted, Answer, CheckFirstFactor
from gateway.firstfactor.directory.connection import ConnectionOwner, DirectoryConnection
from gateway.firstfactor.directory.effects import Answered, Close, Effect, Open, Send
from gateway.firstfactor.directory.host import Asked, Host
from gateway.firstfactor.directory.opening import Endpoint, open_ldap
from gateway.firstfactor.directory.plan import DirectoryPlan
from gateway.https.resolver import Resolver
from gateway.statistics.counters import FirstFactorCounters
from gateway.statistics.layout import ACCEPTED, REJECTED
from gateway.unavailable import Trouble, Unavailable

OnAnswer = Callable[[Answer | Unavailable], None]
OnChanged = Callable[[Host], None]
_GRAIN_S: Final = 0.02  # a busy client's timers: as many of them at once as fall into it
_clock: Final = time.monotonic


class DirectoryClient(ConnectionOwner):
    """Asks questions, many at once, from `start` to `close`.

    Args:
        plan: of the section.
        endpoints: where each of its hosts is, in their order.
        open_timeout_s: how long it may take to open a connection.
        on_changed: is told of a host that does not answer, or is back.
        counters: what to count with; None to count nothing.
    """

    def __init__(
        self,
        plan: DirectoryPlan,
        endpoints: Sequence[Endpoint],
        open_timeout_s: float,
        *,
        on_changed: OnChanged | None = None,
        counters: FirstFactorCounters | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._plan = plan
        self._endpoints = list(endpoints)
        self._open_timeout_s = open_timeout_s
        self._on_changed = on_changed
        self._counters = counters
        self._resolver = Resolver(_clock)
        self._connections: dict[int, DirectoryConnection] = {}
        self._openings: dict[int, asyncio.Task[None]] = {}
        self._pending: set[Asked] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_asking = False
        self._is_closed = False

    def start(self) -> None:
        """Open what searches need; questions may come before."""
        self._perform(self._plan.start(_clock()))

    def ask(self, question: CheckFirstFactor, on_answer: OnAnswer) -> "PendingQuestion":
        """Ask; `on_answer` hears the answer or why there is none, once, and never before this returns.

        The question forgets its password as soon as it is answered.
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
        """Drop all questions without a word, and close all connections."""
        self._is_closed = True
        for pending in self._pending:
            pending.question.forget()
        self._pending.clear()
        for task in self._openings.values():
            task.cancel()
        self._openings.clear()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
    def n_pending(self) -> int:
        """Questions without an answer yet."""
        return len(self._pending)

    @property
    def n_connections(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    def drop(self, pending: "PendingQuestion") -> None:
        """Forget a cancelled question."""
        self._pending.discard(pending)
        self._count(pending, None)
        self._perform(self._plan.cancel(pending, _clock()))

    def received(self, number: int, octets: bytes) -> None:
        """Take what a connection has read."""
        self._perform(self._plan.received(number, octets, _clock()))

    def connection_lost(self, number: int, text: str, *, is_unsent: bool) -> None:
        """Hear of a connection that has ended."""
        self._connections.pop(number, None)
        self._perform(self._plan.lost(number, text, _clock(), is_unsent=is_unsent))

    def _timer_due(self) -> None:
        self._timer = None
        self._perform(self._plan.timer(_clock()))

    def _perform(self, effects: list[Effect]) -> None:
        if self._is_closed:
            return
        for effect in effects:
            if isinstance(effect, Send):
                connection = self._connections.get(effect.number)
                if connection is not None:
                    connection.send(effect.octets, looks=effect.looks)
            elif isinstance(effect, Answered):
                self._answered(effect)
            elif isinstance(effect, Open):
                self._openings[effect.number] = self._loop.create_task(self._open(effect.number, effect.host))
            elif isinstance(effect, Close):
                self._close(effect.number)
            elif self._on_changed is not None:
                self._on_changed(effect.host)
        self._arm()

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
            self._connections[number] = DirectoryConnection(number, opened, self, self._loop)
            self._perform(self._plan.opened(number, opened.channel_bindings, _clock()))

    def _failed(self, number: int, trouble: Unavailable) -> None:
        self._openings.pop(number, None)
        self._perform(self._plan.failed(number, trouble, _clock()))

    def _close(self, number: int) -> None:
        connection = self._connections.pop(number, None)
        if connection is not None:
            connection.close()

    def _answered(self, effect: Answered) -> None:
        pending = effect.asked
        self._pending.discard(pending)
        self._count(pending, effect.result)
        if self._is_asking:
            self._loop.call_soon(self._deliver, effect)
        else:
            pending.answered(effect.result)

    def _deliver(self, effect: Answered) -> None:
        if not self._is_closed:
            effect.asked.answered(effect.result)

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


@mypyc_attr(free_list_len=1)
class PendingQuestion(Asked, Asking):
    """A question that has been asked; `cancel` when its answer is of no more interest."""

    __slots__ = ("_client", "_on_answer")

    def __init__(self, client: DirectoryClient, question: CheckFirstFactor, on_answer: OnAnswer) -> None:
        super().__init__(question)
        self._client: DirectoryClient | None = client
        self._on_answer = on_answer

    def cancel(self) -> None:
        """Drop the question: its `on_answer` is not called any more."""
        client, self._client = self._client, None
        if client is not None:
            client.drop(self)

    def took_s(self, now: float) -> float:
        """Return the seconds since it was asked: to wait for a place is to wait for the directory."""
        return now - self.asked_at

    def answered(self, result: Answer | Unavailable) -> None:
        """Tell whoever has asked, unless that is cancelled."""
        if self._client is not None:
            self._client = None
            self._on_answer(result)
