"""A worker process, started by the supervisor: `python -m gateway.worker SLOT ORDERS_FD`; the slot is for `ps` to show.

Everything it needs comes through inherited descriptors, which its orders name: settings in memfds, bound sockets, the
journals of workers from which it takes over, and a channel to the supervisor. When the channel closes, the supervisor
is gone: the worker ends, and leaves logins that wait for a person to its journal, which the next gateway finds.
"""

import asyncio
import contextlib
import errno
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import uvloop

from gateway.config.settings import FleetSettings, Settings, decode_settings
from gateway.duo.clients import open_duo_clients
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.digests import Digests
from gateway.ipc.holders import join, part, sign
from gateway.ipc.journal import Journal
from gateway.ipc.ledger import open_ring
from gateway.ipc.links import LinkWriter
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import (
    CANNOT_START,
    LEAVE_TIMEOUT_S,
    Orders,
    decode_orders,
    take_stderr,
)
from gateway.ipc.plan import (
    application_key,
    board_plan,
    log_plan,
)
from gateway.ipc.worker_channel import (
    STACK_SIGNAL,
    FromWorker,
    HandOver,
    Leave,
    LookAtBoard,
    Received,
    Serve,
    Spares,
    ToWorker,
    hear_supervisor,
    is_supervisor_gone,
    tell_supervisor,
)
from gateway.listeners.udp import UdpListener
from gateway.logs.events import EventLog
from gateway.logs.losses import Losses
from gateway.logs.setup import log_internal_error, log_loop_error, reopen_logs, start_logging, stop_logging
from gateway.statistics.counters import FleetCounters
from gateway.statistics.layout import Measure
from gateway.this_process import keep_memory_private, name_process, worker_name
from gateway.words.english import counted
from gateway.worker.bulletins import BulletinReader
from gateway.worker.duo_time import DuoTime
from gateway.worker.evidence import EvidenceWriter
from gateway.worker.first_factors import open_first_factors
from gateway.worker.generations import GenerationParts, Generations
from gateway.worker.heartbeat import (
    Heartbeat,
    open_board,
    private_row,
)
from gateway.worker.journal_keeper import JournalKeeper
from gateway.worker.leaving import until_drained, until_nobody_reads
from gateway.worker.passing import Inlet, Passing
from gateway.worker.service import Asker, Service
from gateway.worker.succession import Succession, read_predecessor
from gateway.worker.wiring import FLEET, build_engine, event_sections, fleet_names

if TYPE_CHECKING:
    from gateway.duo.client import DuoClient
    from gateway.engine.engine import Engine
    from gateway.failmode.bulletin import BulletinCells
    from gateway.firstfactor.client import FirstFactorClient
    from gateway.fleet.client import FleetClient
    from gateway.ipc.board import Board

log = logging.getLogger("gateway.worker")
INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
GC_THRESHOLDS = (10_000, 50, 100)  # a login leaves next to no cycles: seldom looking costs no memory


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or the supervisor's end; return the exit status."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # a terminal sends them to the whole group; the supervisor alone decides
    keep_memory_private()
    orders = decode_orders(read_memfd(int(arguments[-1])))
    sign(orders.journal_fd)
    name_process(worker_name(orders.slot))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(RunningWorker(orders).work())
        except CannotStartError as error:
            print(f"radgate worker {orders.slot}: {error}", file=sys.stderr)  # noqa: T201 -- the supervisor logs it
            return CANNOT_START
        except Exception as error:  # noqa: BLE001 -- our own mistake, told without its text as any other
            log_internal_error(f"Internal error, worker {orders.slot} exits", error)
            traceback.print_tb(error.__traceback__)
            print(f"radgate worker {orders.slot}: internal error, {type(error).__name__}", file=sys.stderr)  # noqa: T201
            return INTERNAL_ERROR
        finally:
            stop_logging()


class CannotStartError(Exception):
    """What the configuration names cannot be used; the text says what, and why."""


@contextlib.contextmanager
def _using_what_is_configured() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # a log that cannot be written, trusted roots that are none
        raise CannotStartError(str(error)) from error


class RunningWorker:
    """The parts of a worker process, and its way from start to end."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._settings = decode_settings(read_memfd(orders.generations[0].settings_fd))
        self._channel = socket.socket(fileno=orders.channel_fd)
        self._spares = Spares(len({each.bucket for each in orders.sockets}))  # each may have a successor of its own
        self._drain_timeout_s = self._settings.gateway.drain_timeout_s
        self._clients: dict[str, DuoClient] = {}
        self._askers: dict[str, Asker] = {}
        self._first_factors: dict[str, FirstFactorClient[Any]] = {}
        self._fleet: FleetClient | None = None
        self._n_buckets = max(1, len(orders.buckets))
        self._has_handed_over = False

    async def work(self) -> int:
        """Serve from the sockets until told to stop, then finish what is pending."""
        loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, self._stopped.set)
        loop.set_exception_handler(log_loop_error)
        losses = Losses()
        self._leaves = asyncio.Event()
        self._may_serve = asyncio.Event()
        if not self._orders.waits:
            self._may_serve.set()
        self._assemble(self._start_log(losses), losses)
        if is_supervisor_gone(self._channel):  # what we would take over is for the next gateway's workers
            return 0
        succession = self._succession()
        succession.begin()
        # What lives since the start is never garbage: leave it out of every collection; one before would find nothing
        # in 20 ms.
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        loop.add_reader(self._channel.fileno(), self._hear)
        take_stderr(self._orders.stderr_fd)
        tell_supervisor(self._channel, FromWorker.PREPARED)
        serving = loop.create_task(self._serve(succession))
        await self._stopped.wait()
        serving.cancel()
        return await self._stop()

    def _start_log(self, losses: Losses) -> EventLog:
        loop, spares = asyncio.get_running_loop(), self._orders.log_fds
        with _using_what_is_configured():
            event_log = start_logging(log_plan(self._settings.log), loop, spares=spares, losses=losses)
        for descriptor in spares.values():
            os.close(descriptor)
        faulthandler.register(STACK_SIGNAL, file=event_log.descriptor, all_threads=True)
        return event_log

    def _assemble(self, event_log: EventLog, losses: Losses) -> None:
        """Make the parts of the worker, and begin to show that it lives."""
        orders, fleet = self._orders, self._settings.fleet
        board = self._open_row(losses)
        self._open_generations()
        evidence_writers = {key: EvidenceWriter(counters) for key, counters in self._row.applications.items()}
        self._open_askers(evidence_writers)
        self._engine = self._build_engine()
        keeper = JournalKeeper(Journal(orders.journal_fd, orders.key))
        self._memory.note = keeper.keep_challenge
        self._service = self._build_service(keeper, event_log)
        if fleet is not None:
            with _using_what_is_configured():
                self._join_fleet(fleet, self._row.fleet)
        bulletins = {key: board.bulletin(key) for key in evidence_writers} if board is not None else {}
        self._begin_reading(keeper, evidence_writers, bulletins)

    def _open_row(self, losses: Losses) -> "Board | None":
        """Begin our row, and return its board; where there is none the row is our own."""
        orders = self._orders
        plan = board_plan(self._settings, orders.n_workers)
        board = open_board(orders.board_fd, plan)
        self._row = board.row(orders.slot) if board is not None else private_row(plan)
        self._row.begin(os.getpid(), time.monotonic_ns())
        losses.show_in(self._row)
        return board

    def _open_generations(self) -> None:
        orders = self._orders
        self._memory = memory = ChallengeMemory(UnixClock(time.time() - time.monotonic()))
        own = GenerationParts(orders.generations[0].number, self._settings, orders.key, self._row, memory)
        self._generations = Generations(own, orders.generations[1:], self._row, memory)

    def _open_askers(self, evidence_writers: dict[str, EvidenceWriter]) -> None:
        orders, settings = self._orders, self._settings
        self._duo_time = DuoTime(self._clients, asyncio.get_running_loop().call_later)
        with _using_what_is_configured():
            self._open_clients(settings, evidence_writers)
            self._first_factors = open_first_factors(settings, orders.n_workers, self._row.first_factors)
        self._askers.update(self._first_factors)

    def _build_engine(self) -> "Engine":
        orders, settings = self._orders, self._settings
        names = fleet_names(settings, orders.instance)
        tables, digests = self._generations.own.tables, Digests(orders.key)
        return build_engine(settings, tables, digests, orders.n_workers, self._n_buckets, names)

    def _begin_reading(
        self,
        keeper: JournalKeeper,
        evidence_writers: dict[str, EvidenceWriter],
        bulletins: "dict[str, BulletinCells]",
    ) -> None:
        """Take the sockets and what the supervisor posts, and look at both from now on."""
        listeners = self._take_sockets()
        self._bulletin_reader = BulletinReader(
            bulletins, self._engine, self._service.perform, self._drop_idle_connections, self._leave_pushes
        )
        row, first_factors = self._row, list(self._first_factors.values())
        Heartbeat(row, listeners, keeper, self._clients, evidence_writers, bulletins, self._beat, first_factors).start()

    def _build_service(self, keeper: JournalKeeper, event_log: EventLog) -> Service:
        orders = self._orders
        return Service(
            self._engine,
            keeper,
            event_log,
            self._askers,
            event_sections(self._settings),
            self._generations.own.listening,
            socket.gethostname(),
            orders.slot,
            open_ring(orders.ledger_fd, orders.slot),
        )

    def _take_sockets(self) -> list[UdpListener]:
        """Give the service its sockets, and return those that packets of the network come to."""
        orders, number, on_datagram = self._orders, self._generations.own.number, self._service.datagram_received
        listeners = [
            UdpListener(socket.socket(fileno=each.descriptor), each.listener, each.bucket, on_datagram)
            for each in orders.sockets
        ]
        outlets = {each.bucket: socket.socket(fileno=each.outlet_fd) for each in orders.buckets}
        inlets = [
            Inlet(each.inlet_fd, each.bucket, number, on_datagram) for each in orders.buckets if each.inlet_fd >= 0
        ]
        self._service.take_sockets(listeners, inlets, Passing(number, outlets))
        return listeners

    def _succession(self) -> Succession:
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
            self._service.perform,
            self._open_former,
            partial(self._row.count, Measure.JOURNAL_SKIPPED),
        )

    def _join_fleet(self, settings: FleetSettings, counters: FleetCounters) -> None:
        from gateway.fleet.clients import open_fleet_client  # which a host by itself starts sooner without

        self._duo_time.keep()
        duo_time, displaced = self._duo_time, self._service.displaced
        fleet = open_fleet_client(
            settings, self._orders.instance, duo_time.unix_time, counters, displaced, duo_time.ask
        )
        self._fleet = self._askers[FLEET] = fleet
        self._service.share_with(fleet)
        self._memory.share = fleet.keep_for_state

    def _beat(self, now: float) -> None:
        """Look at what has been told, by the supervisor and by Duo."""
        self._bulletin_reader.look(now)
        duo_time = self._duo_time.unix_time()
        if duo_time is not None:
            self._memory.told(duo_time, time.monotonic())
            if self._fleet is not None:
                self._fleet.duo_has_told()

    def _drop_idle_connections(self, application: str) -> None:
        self._clients[application].drop_idle_connections()

    def _leave_pushes(self, application: str, are_left: bool) -> None:
        if self._fleet is not None:
            self._fleet.leave_pushes(application, are_left=are_left)

    async def _serve(self, succession: Succession) -> None:
        await succession.complete()
        await self._may_serve.wait()
        if self._fleet is not None:
            await self._fleet.usable()  # what is read before that is pushed again, if another host has pushed it
        join(self._orders.board_fd)
        if is_supervisor_gone(self._channel):  # which ends links, too: it is no proof that predecessors have ended
            return
        self._service.serve()
        tell_supervisor(self._channel, FromWorker.SERVING)

    def _open_former(self, generation: GenerationParts) -> None:
        """Open clients for applications that only former settings know, and logins still wait for."""
        settings = generation.settings
        servers = [each for each in settings.servers if application_key(each.application) not in self._clients]
        if servers:
            former = msgspec.structs.replace(settings, servers=tuple(servers))
            self._open_clients(former)

    def _open_clients(self, settings: Settings, observers: Mapping[str, EvidenceWriter] | None = None) -> None:
        clients = open_duo_clients(settings, self._orders.n_workers, observers)
        self._clients.update(clients)
        self._askers.update(clients)

    def _hear(self) -> None:
        received = hear_supervisor(self._channel, self._spares)
        if received is not None:
            self._obey(received)
            return
        asyncio.get_running_loop().remove_reader(self._channel.fileno())
        log.error(
            "The supervisor has exited. This worker takes no new logins, "
            "finishes the pending ones that it can, and exits"
        )
        self._leave()

    def _leave(self) -> None:
        """Read nothing more, at once: of workers that end one after the other, the last would get the users of all."""
        self._stop_reading()
        self._leaves.set()
        self._stopped.set()

    def _stop_reading(self) -> None:
        self._service.stop_reading()
        part(self._orders.board_fd)

    def _obey(self, received: Received) -> None:
        word: ToWorker = received.word
        if isinstance(word, HandOver):
            self._hand_over(word, received.descriptors)
        elif isinstance(word, Serve):
            self._may_serve.set()
        elif isinstance(word, LookAtBoard):
            self._bulletin_reader.look(time.monotonic())
        elif isinstance(word, Leave):
            self._leave()
        else:
            reopen_logs()

    def _hand_over(self, word: HandOver, descriptors: list[int]) -> None:
        """Read no more, whatever comes: two workers must not read the same sockets.

        A worker that cannot tell its successors what becomes of its logins leaves at once. Its journal tells what it
        knew, and its successors read that once it is gone.
        """
        self._stop_reading()
        self._has_handed_over = True
        self._stopped.set()
        try:
            self._service.hand_over(self._links(word, descriptors))
            tell_supervisor(self._channel, FromWorker.HANDED_OVER)
        except Exception as error:  # noqa: BLE001 -- no descriptor for a link, or an internal error
            self._drain_timeout_s = 0.0
            slot, why = self._orders.slot, error.strerror if isinstance(error, OSError) else type(error).__name__
            log.error("Worker %d cannot reach its successors (%s); they get only its journal", slot, why)

    def _links(self, word: HandOver, descriptors: list[int]) -> dict[int, LinkWriter]:
        """Return the way to the successor of each bucket."""
        if len(descriptors) < len(word.successors):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        loop = asyncio.get_running_loop()
        by_bucket: dict[int, LinkWriter] = {}
        for successor, descriptor in zip(word.successors, descriptors, strict=True):
            link = LinkWriter(socket.socket(fileno=descriptor), loop)
            by_bucket.update(dict.fromkeys(successor.buckets, link))
        return by_bucket

    async def _stop(self) -> int:
        loop, service, slot = asyncio.get_running_loop(), self._service, self._orders.slot
        if service.n_pending and not self._leaves.is_set():
            log.info(
                "Worker %d takes no more requests and finishes %s", slot, counted(service.n_pending, "pending login")
            )
        fleet = self._fleet if not self._has_handed_over else None  # else it knows nothing that successors do not
        drained = until_drained(service, fleet, slot, self._drain_timeout_s, has_successors=self._has_handed_over)
        draining = loop.create_task(drained)
        leaving = loop.create_task(self._leaves.wait())
        await asyncio.wait((draining, leaving), return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if self._leaves.is_set():
            others = until_nobody_reads(self._orders.board_fd, LEAVE_TIMEOUT_S)
            await asyncio.gather(service.finish_brief(LEAVE_TIMEOUT_S), others)
            log.info("Worker %d leaves %s to the next start", slot, counted(service.n_pending, "login"))
        if self._fleet is not None:
            await self._fleet.told()
        for client in self._first_factors.values():
            client.close()
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
