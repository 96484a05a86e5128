"""The lean Duo on its sockets: who waits for what, and what goes wrong on the way."""

import math
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from random import Random
from typing import NamedTuple

from bench.lean_duo import answers
from bench.lean_duo.api import Api, Instant, Wait
from bench.lean_duo.cloud import Cloud, Push
from bench.lean_duo.connection import Connection, TlsConnection
from bench.lean_duo.distribution import Distribution
from bench.lean_duo.door import Door
from bench.lean_duo.faults import Fault, Misfortune, Schedule
from bench.lean_duo.loop import Loop
from bench.lean_duo.request import Request
from bench.simulator.certificates import Certificates
from bench.simulator.cloud import State
from bench.simulator.counts import Counts
from bench.simulator.faults import FaultKind
from bench.simulator.signature import Application

_N_PIECES = 8
_INSTEAD = {
    FaultKind.STATUS_500: answers.STATUS_500,
    FaultKind.RATE_LIMIT: answers.RATE_LIMIT,
    FaultKind.CAPTIVE_PORTAL: answers.CAPTIVE_PORTAL,
}


class Options(NamedTuple):
    """How this Duo behaves.

    Attributes:
        application: whose signatures are right.
        approval: how long people take to answer a push.
        push_expires_s: how long a push waits for its answer.
        poll_hold_s: how long a long poll waits for news before it is told `waiting` again.
        verify_every: of so many signed calls one is verified; 0 = none.
        port: of the API, 0 = any free one.
        seed: of all chance.
    """

    application: Application
    approval: Distribution
    push_expires_s: float = 60.0
    poll_hold_s: float = 20.0
    verify_every: int = 0
    port: int = 0
    seed: int = 1


class Ticket:
    """A request whose answer comes later, and what will befall that answer."""

    __slots__ = ("connection", "misfortune")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.misfortune: Misfortune | None = None
        connection.ticket = self

    @property
    def is_valid(self) -> bool:
        """Whether the connection still waits for this answer."""
        return self.connection.ticket is self


class LeanDuo:
    """A Duo that serves on a loop.

    Attributes:
        api: the calls, counted.
        cloud: pushes and the referee over them.
        schedule: what goes wrong.
        n_faults: misfortunes by kind.
    """

    def __init__(self, certificates: Certificates, options: Options, loop: Loop) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._options = options
        self._loop = loop
        self._context = certificates.server_context()
        self._connections: set[Connection] = set()
        txid_prefix = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4000-8000-"
        self.cloud = Cloud(options.approval, options.push_expires_s, Random(options.seed), txid_prefix)
        self.api = Api(self.cloud, options.application, options.verify_every)
        self.schedule = Schedule(Random(options.seed))
        self.n_faults: Counter[str] = Counter()
        self._n_answers = 0
        self._waiting: dict[str, list[Ticket]] = {}
        self._alarm_at = math.inf
        self._is_ailing = False
        self._door = Door(loop, options.port, self._accepted)

    def __repr__(self) -> str:
        return f"<LeanDuo {self.api_host} connections={self.n_connections} pending={self.cloud.n_pending}>"

    @property
    def api_host(self) -> str:
        """Host and port of the API."""
        return self._door.address

    @property
    def n_connections(self) -> int:
        """Open connections."""
        return len(self._connections)

    @property
    def n_accepted(self) -> int:
        """Connections since the start."""
        return self._door.n_accepted

    @property
    def n_polls(self) -> int:
        """Requests that wait for a person right now."""
        return sum(ticket.is_valid for tickets in self._waiting.values() for ticket in tickets)

    def counts(self) -> Counts:
        """Return what there was and is."""
        return Counts(
            n_calls=self.api.n_calls.total(),
            calls=self.api.n_calls,
            pushes=self.cloud.n_pushes.total(),
            pending=self.cloud.n_pending,
            polls=self.n_polls,
            connections=self.n_connections,
            accepted=self.n_accepted,
        )

    def close(self) -> None:
        """Cut everybody off and give the port back."""
        self._cut_all()
        self._door.close()

    # What the control port changes.

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Put faults in force beside the others; their times count from now."""
        self.schedule.add(faults, self._loop.now)
        self._apply_schedule()
        for instant in self.schedule.instants():
            self._loop.call_at(instant, self._apply_schedule)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self.schedule.clear()
        self._apply_schedule()

    def decide_all(self, state: State) -> int:
        """Let everybody who has a push pending answer it now; return how many."""
        pending = [push for push in self.cloud.pushes.values() if push.is_pending]
        for push in pending:
            self.cloud.decide(push, state)
            self._tell(push)
        return len(pending)

    def reset(self) -> None:
        """Count from nothing, with no pushes; whoever waits for one is told that time ran out."""
        self.decide_all(State.TIMED_OUT)
        self.cloud.reset()
        self.api.zero_counts()
        self.n_faults.clear()

    # One request.

    def asked(self, connection: Connection, request: Request) -> bytes | None:
        """Answer, or keep the client waiting."""
        self.api.count(request)
        if self._is_ailing:
            misfortune = self.schedule.strike(self._loop.now)
            if misfortune is not None:
                self._befall(Ticket(connection), misfortune, request)
                return None
        outcome = self._carry_out(request)
        if isinstance(outcome, bytes):
            return self._stamped(outcome)
        self._keep_waiting(Ticket(connection), outcome)
        return None

    def closed(self, connection: Connection) -> None:
        """A connection is no more."""
        self._connections.discard(connection)

    def _carry_out(self, request: Request) -> bytes | Wait:
        outcome = self.api.carry_out(request, Instant(self._loop.now, time.time()))
        self._set_alarm()
        return outcome

    def _answer_late(self, ticket: Ticket, request: Request) -> None:
        outcome = self._carry_out(request)
        if isinstance(outcome, bytes):
            self._deliver(ticket, outcome)
        else:
            self._keep_waiting(ticket, outcome)

    # Waiting for a person.

    def _keep_waiting(self, ticket: Ticket, wait: Wait) -> None:
        self._waiting.setdefault(wait.push.txid, []).append(ticket)
        if not wait.forever:
            over = partial(self._hold_over, ticket, wait.push)
            self._loop.call_at(self._loop.now + self._options.poll_hold_s, over)

    def _hold_over(self, ticket: Ticket, push: Push) -> None:
        tickets = self._waiting.get(push.txid, [])
        if ticket in tickets:
            tickets.remove(ticket)
            self._deliver(ticket, answers.STATUS[push.state])

    def _tell(self, push: Push) -> None:
        octets = answers.STATUS[push.state]
        for ticket in self._waiting.pop(push.txid, ()):
            self._deliver(ticket, octets)

    def _set_alarm(self) -> None:
        due = self.cloud.next_due()
        if due < self._alarm_at:
            self._alarm_at = due
            self._loop.call_at(due, self._advance)

    def _advance(self) -> None:
        if self._loop.now < self._alarm_at:
            return  # an earlier alarm took this one's place, and its work
        for push in self.cloud.advance(self._loop.now):
            self._tell(push)
        self._alarm_at = math.inf
        self._set_alarm()

    # What goes wrong.

    def _befall(self, ticket: Ticket, misfortune: Misfortune, request: Request) -> None:
        self.n_faults[misfortune.kind] += 1
        ticket.misfortune = misfortune
        suffer = partial(self._suffer, ticket, misfortune.kind, request)
        if misfortune.delay_s:
            self._loop.call_at(self._loop.now + misfortune.delay_s, suffer)
        else:
            suffer()

    def _suffer(self, ticket: Ticket, kind: FaultKind, request: Request) -> None:
        if not ticket.is_valid or kind is FaultKind.BLACK_HOLE:
            return
        if kind in (FaultKind.DROP, FaultKind.REFUSE):
            ticket.connection.close()
        elif kind in _INSTEAD:
            ticket.connection.answer(self._stamped(_INSTEAD[kind]))
        else:
            self._answer_late(ticket, request)

    def _deliver(self, ticket: Ticket, octets: bytes) -> None:
        """Send a late answer, if it is still waited for, as far as its misfortune allows."""
        if not ticket.is_valid:
            return
        connection, octets = ticket.connection, self._stamped(octets)
        match ticket.misfortune:
            case Misfortune(kind=FaultKind.BROKEN_JSON):
                connection.answer(answers.broken(octets))
            case Misfortune(kind=FaultKind.RESET):
                connection.send(octets[: len(octets) // 2])
                connection.reset()
            case Misfortune(kind=FaultKind.TRICKLE, spread_s=spread_s):
                self._trickle(ticket, octets, len(octets) // _N_PIECES + 1, spread_s / _N_PIECES)
            case _:
                connection.answer(octets)

    def _stamped(self, octets: bytes) -> bytes:
        self._n_answers += 1
        return answers.stamped(octets, time.time(), self._n_answers)

    def _trickle(self, ticket: Ticket, octets: bytes, size: int, pause_s: float) -> None:
        if not ticket.is_valid:
            return
        if len(octets) <= size:
            ticket.connection.answer(octets)
            return
        ticket.connection.send(octets[:size])
        self._loop.call_at(self._loop.now + pause_s, partial(self._trickle, ticket, octets[size:], size, pause_s))

    def _apply_schedule(self) -> None:
        now = self._loop.now
        self._is_ailing = bool(self.schedule.active(now))
        is_shut = self.schedule.refuses(now)
        self._door.set(shut=is_shut, held=self.schedule.holds(now))
        if is_shut:
            self._cut_all()

    # Connections.

    def _accepted(self, accepted: socket.socket) -> None:
        self._connections.add(TlsConnection(accepted, self, self._loop, self._context))

    def _cut_all(self) -> None:
        for connection in list(self._connections):
            connection.close()
