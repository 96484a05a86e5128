"""What a worker shows of itself ten times a second on the board: that its loop turns, how late, and a few gauges."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.duo.client import DuoClient
from gateway.failmode.bulletin import (
    Bulletin,
    BulletinCells,
)
from gateway.ipc.board import (
    Board,
    BoardError,
)
from gateway.listeners.udp import UdpListener
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import (
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.worker.evidence import EvidenceWriter
from gateway.worker.journal_keeper import JournalKeeper

if TYPE_CHECKING:
    from gateway.firstfactor.client import FirstFactorClient

log = logging.getLogger("gateway.worker")

BEAT_S = 0.1
_NOTHING = Bulletin(0, False, 0, 0)  # nobody has told anything


def open_board(descriptor: int, plan: BoardPlan) -> Board | None:
    """Return the supervisor's board; None if it is of another version, for a worker must serve all the same."""
    try:
        return Board(descriptor, plan)
    except BoardError as error:
        log.warning("Nothing of this worker is counted until the gateway is restarted: %s", error)
        return None


def private_row(plan: BoardPlan) -> WorkerRow:
    """Return a row that nobody else sees."""
    layout = row_layout(plan)
    return WorkerRow([0] * layout.n_cells, layout, plan)


class Heartbeat:
    """Writes the worker's row, from `start` on.

    Connections are shown by the first of the applications that share them, so that their sum is right.
    """

    def __init__(
        self,
        row: WorkerRow,
        listeners: Sequence[UdpListener],
        keeper: JournalKeeper,
        clients: Mapping[str, DuoClient],
        evidence_writers: Mapping[str, EvidenceWriter],
        bulletins: Mapping[str, BulletinCells],
        on_beat: Callable[[float], None],
        first_factors: "Sequence[FirstFactorClient[Any]]" = (),
    ) -> None:
        self._row = row
        self._listeners = listeners
        self._keeper = keeper
        self._clients = clients
        shown_by = {clients[key].pool: counters for key, counters in reversed(row.applications.items())}
        self._pools = tuple(shown_by.items())
        self._evidence_writers = evidence_writers
        self._bulletins = bulletins
        self._on_beat = on_beat
        self._first_factors = first_factors
        self._n_received = self._n_unsent = 0
        self._loop = asyncio.get_running_loop()
        self._due_ns = 0

    def start(self) -> None:
        """Beat now, and from now on."""
        self._due_ns = time.monotonic_ns()
        self._beat()

    def _beat(self) -> None:
        now_ns = time.monotonic_ns()
        self._row.beat(now_ns, now_ns - self._due_ns)
        self._due_ns = now_ns + int(BEAT_S * 1e9)
        self._loop.call_later(BEAT_S, self._beat)
        self._keeper.note_sleep(now_ns / 1e9)
        self._count_datagrams()
        self._row.gauge(Measure.JOURNAL_LEFT_OUT, self._keeper.n_left_out)
        for pool, counters in self._pools:
            counts = pool.counts
            counters.connected(counts.idle, counts.busy)
        for key, counters in self._row.applications.items():
            counters.signed_with(self._clients[key].signs_with_next_key)
            bulletin = self._bulletins[key].read() if key in self._bulletins else _NOTHING
            self._evidence_writers[key].show(now_ns / 1e9, bulletin.since_ns / 1e9, bulletin.ping_ns / 1e9)
        for client in self._first_factors:
            client.show()
        self._on_beat(now_ns / 1e9)

    def _count_datagrams(self) -> None:
        n_received = sum(listener.n_received for listener in self._listeners)
        n_unsent = sum(listener.n_unsent for listener in self._listeners)
        self._row.count(Measure.DATAGRAMS, n_received - self._n_received)
        self._row.count(Measure.UNSENT, n_unsent - self._n_unsent)
        self._n_received, self._n_unsent = n_received, n_unsent
