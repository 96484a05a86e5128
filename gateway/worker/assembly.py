"""The parts of a worker, made of its orders: each needs those before it."""

import asyncio
import contextlib
import faulthandler
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from gateway.config.settings import Settings
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.digests import Digests
from gateway.ipc.journal import Journal
from gateway.ipc.ledger import open_ring
from gateway.ipc.orders import Orders
from gateway.ipc.plan import board_plan, log_plan
from gateway.ipc.worker_channel import STACK_SIGNAL
from gateway.listeners.udp import UdpListener
from gateway.logs.events import EventLog
from gateway.logs.losses import Losses
from gateway.logs.setup import start_logging
from gateway.statistics.layout import Measure
from gateway.worker.askers import Askers
from gateway.worker.bulletins import BulletinReader
from gateway.worker.evidence import EvidenceWriter
from gateway.worker.generations import GenerationParts, Generations
from gateway.worker.heartbeat import Heartbeat, open_board, private_row
from gateway.worker.journal_keeper import JournalKeeper
from gateway.worker.passing import Inlet, Passing
from gateway.worker.service import Service
from gateway.worker.succession import Succession, read_predecessor
from gateway.worker.wiring import build_engine, event_sections, fleet_names

if TYPE_CHECKING:
    from gateway.engine.engine import Engine


class CannotStartError(Exception):
    """What the configuration names cannot be used; the text says what, and why."""


class Assembly:
    """A worker that is whole, shows that it lives, and reads nothing yet.

    Attributes:
        askers: whom its logins ask.
        bulletin_reader: looks at what the supervisor posts on the board.
        service: its engine on its loop.
    """

    def __init__(self, orders: Orders, settings: Settings) -> None:
        """Make the parts, on the running loop.

        Raises:
            CannotStartError: see there.
        """
        self._orders = orders
        self._settings = settings
        losses = Losses()
        event_log = self._start_log(losses)
        self._open_row(losses)
        self._memory = ChallengeMemory(UnixClock(time.time() - time.monotonic()))
        self._generations = self._open_generations()
        self._observers = {key: EvidenceWriter(counters) for key, counters in self._row.applications.items()}
        self.askers = self._open_askers()
        self._engine = self._build_engine()
        self._keeper = JournalKeeper(Journal(orders.journal_fd, orders.key))
        self._memory.note = self._keeper.keep_challenge
        self.service = self._build_service(event_log)
        self._join_fleet()
        listeners = self._take_sockets()
        self.bulletin_reader = self._read_bulletins()
        self._begin_heartbeat(listeners)

    def succession(self) -> Succession:
        """Return what takes over from the worker's predecessors, whose journals it has read."""
        orders = self._orders
        buckets = frozenset(each.bucket for each in orders.sockets)
        return Succession(
            [
                read_predecessor(each, orders.key, self._generations, self._n_buckets, buckets)
                for each in orders.predecessors
            ],
            self._generations,
            buckets,
            self._engine,
            self._memory,
            self.service.perform,
            lambda generation: self.askers.open_former(generation.settings),
            partial(self._row.count, Measure.JOURNAL_SKIPPED),
        )

    @property
    def _n_buckets(self) -> int:
        return max(1, len(self._orders.buckets))

    def _start_log(self, losses: Losses) -> EventLog:
        loop, spares = asyncio.get_running_loop(), self._orders.log_fds
        with _using_what_is_configured():
            event_log = start_logging(log_plan(self._settings.log), loop, spares=spares, losses=losses)
        for descriptor in spares.values():
            os.close(descriptor)
        faulthandler.register(STACK_SIGNAL, file=event_log.descriptor, all_threads=True)
        return event_log

    def _open_row(self, losses: Losses) -> None:
        """Begin our row; where there is no board it is our own."""
        orders = self._orders
        plan = board_plan(self._settings, orders.n_workers)
        self._board = open_board(orders.board_fd, plan)
        self._row = self._board.row(orders.slot) if self._board is not None else private_row(plan)
        self._row.begin(os.getpid(), time.monotonic_ns())
        losses.show_in(self._row)

    def _open_generations(self) -> Generations:
        orders, row, memory = self._orders, self._row, self._memory
        own = GenerationParts(orders.generations[0].number, self._settings, orders.key, row, memory)
        return Generations(own, orders.generations[1:], row, memory)

    def _open_askers(self) -> Askers:
        askers = Askers(self._orders.n_workers)
        with _using_what_is_configured():
            askers.open(self._settings, self._observers, self._row.first_factors)
        return askers

    def _build_engine(self) -> "Engine":
        orders, settings = self._orders, self._settings
        names = fleet_names(settings, orders.instance)
        tables, digests = self._generations.own.tables, Digests(orders.key)
        return build_engine(settings, tables, digests, orders.n_workers, self._n_buckets, names)

    def _build_service(self, event_log: EventLog) -> Service:
        orders = self._orders
        return Service(
            self._engine,
            self._keeper,
            event_log,
            self.askers.by_name,
            event_sections(self._settings),
            self._generations.own.listening,
            socket.gethostname(),
            orders.slot,
            open_ring(orders.ledger_fd, orders.slot),
        )

    def _join_fleet(self) -> None:
        fleet = self._settings.fleet
        if fleet is not None:
            with _using_what_is_configured():
                self.askers.join_fleet(fleet, self._orders.instance, self._row.fleet, self.service, self._memory)

    def _take_sockets(self) -> list[UdpListener]:
        """Give the service its sockets, and return those that packets of the network come to."""
        orders, number, on_datagram = self._orders, self._generations.own.number, self.service.datagram_received
        listeners = [
            UdpListener(socket.socket(fileno=each.descriptor), each.listener, each.bucket, on_datagram)
            for each in orders.sockets
        ]
        outlets = {each.bucket: socket.socket(fileno=each.outlet_fd) for each in orders.buckets}
        inlets = [
            Inlet(each.inlet_fd, each.bucket, number, on_datagram) for each in orders.buckets if each.inlet_fd >= 0
        ]
        self.service.take_sockets(listeners, inlets, Passing(number, outlets))
        return listeners

    def _read_bulletins(self) -> BulletinReader:
        board, askers = self._board, self.askers
        self._bulletins = {key: board.bulletin(key) for key in self._observers} if board is not None else {}
        return BulletinReader(
            self._bulletins, self._engine, self.service.perform, askers.drop_idle_connections, askers.leave_pushes
        )

    def _begin_heartbeat(self, listeners: list[UdpListener]) -> None:
        askers = self.askers
        first_factors = list(askers.first_factors.values())
        Heartbeat(
            self._row, listeners, self._keeper, askers.duo, self._observers, self._bulletins, self._beat, first_factors
        ).start()

    def _beat(self, now: float) -> None:
        """Look at what has been told, by the supervisor and by Duo."""
        self.bulletin_reader.look(now)
        self.askers.tell_duo_time(self._memory)


@contextlib.contextmanager
def _using_what_is_configured() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a log that cannot be written, trusted roots that are none
        raise CannotStartError(str(error)) from error
