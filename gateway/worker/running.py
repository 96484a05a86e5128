"""The way of a worker process from its start to its end: it takes over, serves, hands over or drains, and ends."""

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import time

from gateway.config.settings import decode_settings
from gateway.ipc.holders import join, part
from gateway.ipc.links import LinkWriter
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import LEAVE_TIMEOUT_S, Orders, take_stderr
from gateway.ipc.worker_channel import (
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
from gateway.logs.setup import log_loop_error, reopen_logs
from gateway.words.english import counted
from gateway.worker.askers import Askers
from gateway.worker.assembly import Assembly
from gateway.worker.bulletins import BulletinReader
from gateway.worker.leaving import until_drained, until_nobody_reads
from gateway.worker.service import Service
from gateway.worker.succession import Succession

log = logging.getLogger("gateway.worker")
GC_THRESHOLDS = (10_000, 50, 100)  # a login leaves next to no cycles: seldom looking costs no memory


async def run(orders: Orders) -> None:
    """Serve from the sockets until told to stop, then finish what is pending.

    Raises:
        CannotStartError: what the configuration names cannot be used.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.set_exception_handler(log_loop_error)
    settings = decode_settings(read_memfd(orders.generations[0].settings_fd))
    channel = socket.socket(fileno=orders.channel_fd)
    parts = Assembly(orders, settings)
    if is_supervisor_gone(channel):  # what we would take over is for the next gateway's workers
        return
    succession = parts.succession()
    succession.begin()
    # What lives since the start is never garbage: leave it out of every collection; one before would find nothing
    # in 20 ms.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    drain_timeout_s = settings.gateway.drain_timeout_s
    worker = RunningWorker(
        orders, channel, parts.service, parts.askers, parts.bulletin_reader, stopped, drain_timeout_s
    )
    await worker.work(succession)


class RunningWorker:
    """A worker that does as its supervisor says.

    Args:
        stopped: set when it is to finish what is pending, and end.
    """

    def __init__(
        self,
        orders: Orders,
        channel: socket.socket,
        service: Service,
        askers: Askers,
        bulletin_reader: BulletinReader,
        stopped: asyncio.Event,
        drain_timeout_s: float,
    ) -> None:
        self._orders = orders
        self._channel = channel
        self._spares = Spares(len({each.bucket for each in orders.sockets}))  # each may have a successor of its own
        self._service = service
        self._askers = askers
        self._bulletin_reader = bulletin_reader
        self._stopped = stopped
        self._drain_timeout_s = drain_timeout_s
        self._leaves = asyncio.Event()
        self._may_serve = asyncio.Event()
        if not orders.waits:
            self._may_serve.set()
        self._has_handed_over = False

    async def work(self, succession: Succession) -> None:
        """Serve once predecessors have told what they know, until told to stop; then finish what is pending.

        Raises:
            Exception: whatever keeps this worker from serving; its slot is for another one.
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(self._channel.fileno(), self._hear)
        take_stderr(self._orders.stderr_fd)
        tell_supervisor(self._channel, FromWorker.PREPARED)
        await self._serve_until_stopped(succession)
        await self._stop()

    async def _serve_until_stopped(self, succession: Succession) -> None:
        serving, stopped = asyncio.ensure_future(self._serve(succession)), asyncio.ensure_future(self._stopped.wait())
        await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        await stopped
        serving.cancel()

    async def _serve(self, succession: Succession) -> None:
        await succession.complete()
        await self._may_serve.wait()
        if self._askers.fleet is not None:
            await self._askers.fleet.usable()  # what is read before that is pushed again, if another host has pushed it
        join(self._orders.board_fd)
        if is_supervisor_gone(self._channel):  # which ends links, too: it is no proof that predecessors have ended
            return
        self._service.serve()
        tell_supervisor(self._channel, FromWorker.SERVING)

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

    async def _stop(self) -> None:
        service, slot = self._service, self._orders.slot
        if service.n_pending and not self._leaves.is_set():
            pending = counted(service.n_pending, "pending login")
            log.info("Worker %d takes no more requests and finishes %s", slot, pending)
        await self._drain()
        if self._leaves.is_set():
            others = until_nobody_reads(self._orders.board_fd, LEAVE_TIMEOUT_S)
            await asyncio.gather(service.finish_brief(LEAVE_TIMEOUT_S), others)
            log.info("Worker %d leaves %s to the next start", slot, counted(service.n_pending, "login"))
        if self._askers.fleet is not None:
            await self._askers.fleet.told()
        self._askers.close()

    async def _drain(self) -> None:
        """Wait for what is pending, until told to leave."""
        # Who has handed over knows nothing for the fleet that successors do not.
        has_successors = self._has_handed_over
        fleet = None if has_successors else self._askers.fleet
        drained = until_drained(
            self._service, fleet, self._orders.slot, self._drain_timeout_s, has_successors=has_successors
        )
        draining, leaving = asyncio.ensure_future(drained), asyncio.ensure_future(self._leaves.wait())
        await asyncio.wait((draining, leaving), return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
