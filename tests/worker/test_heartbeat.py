"""What a worker shows of itself at each beat."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.failmode.bulletin import (
    Bulletin,
    BulletinCells,
)
from gateway.ipc.board import Board
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import (
    BoardPlan,
    Measure,
    row_layout,
)
from gateway.statistics.reading import read_row
from gateway.worker.heartbeat import (
    BEAT_S,
    Heartbeat,
    open_board,
    private_row,
)
from tests.compiled import only_interpreted
from tests.statistics.scene import (
    DUO,
    PLAN,
    Row,
)

pytestmark = only_interpreted  # what stands in for its parts is not of their types


class Pool:
    """Connections to show."""

    def __init__(self, idle: int = 0, busy: int = 0) -> None:
        self.counts = SimpleNamespace(idle=idle, busy=busy)


class Scene:
    """A row, what it is made of, and a loop that takes note.

    Attributes:
        shown: to the supervisor as evidence: the instant, since when, and what a ping took.
        beats: whoever is told of each.
        looks: when the journal's keeper was to look whether the machine has slept.
        later: what is to be done later, and after how long.
    """

    def __init__(self) -> None:
        self.row = Row()
        self.looks: list[float] = []
        self.listeners = [SimpleNamespace(n_received=0, n_unsent=0) for _ in range(2)]
        self.memory = SimpleNamespace(n_left_out=0, note_sleep=self.looks.append)
        self.client = SimpleNamespace(pool=Pool(), signs_with_next_key=False)
        self.bulletins = {DUO: BulletinCells([0] * 8)}
        self.shown: list[tuple[float, float, float]] = []
        self.beats: list[float] = []
        self.later: list[tuple[float, Callable[[], None]]] = []

    def show(self, now: float, since: float, ping_s: float) -> None:
        """Take note."""
        self.shown.append((now, since, ping_s))

    def call_later(self, after_s: float, act: Callable[[], None]) -> None:
        """Take note."""
        self.later.append((after_s, act))

    def start(self) -> None:
        """Beat for the first time."""
        listeners: Any = self.listeners
        memory: Any = self.memory
        clients: Any = {DUO: self.client}
        evidence_writers: Any = {DUO: self}
        row = self.row.writer
        Heartbeat(row, listeners, memory, clients, evidence_writers, self.bulletins, self.beats.append).start()

    def beat(self) -> None:
        """Beat once more."""
        self.later.pop(0)[1]()


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: scene)
    return scene


def test_it_beats_at_once_and_again_and_tells_of_it(scene):
    scene.start()
    assert scene.row.read().signs_of_life.heartbeat_ns / 1e9 == scene.beats[0] > 0
    assert [after_s for after_s, _ in scene.later] == [BEAT_S]
    scene.beat()
    assert len(scene.beats) == 2
    assert scene.looks == scene.beats
    assert len(scene.later) == 1


def test_what_sockets_have_counted_since_is_added(scene):
    scene.start()
    scene.listeners[0].n_received, scene.listeners[1].n_received = 3, 4
    scene.listeners[1].n_unsent = 2
    for _ in range(2):
        scene.beat()
    scene.listeners[0].n_received += 1
    scene.beat()
    totals = scene.row.totals
    assert totals.counters[(Measure.DATAGRAMS,)] == 8
    assert totals.counters[(Measure.UNSENT,)] == 2


def test_connections_and_what_the_journal_left_out_are_shown_as_they_are(scene):
    scene.start()
    for idle in (5, 1):
        scene.client.pool.counts = SimpleNamespace(idle=idle, busy=2)
        scene.memory.n_left_out = idle
        scene.beat()
        gauges = scene.row.totals.gauges
        assert sorted(number for key, number in gauges.items() if key[0] is Measure.CONNECTIONS) == sorted([idle, 2])
        assert gauges[(Measure.JOURNAL_LEFT_OUT,)] == idle


def test_connections_that_applications_share_are_shown_by_the_first_of_them(scene):
    plan = BoardPlan(1, (), ("a", "b", "c"))
    layout = row_layout(plan)
    cells = [0] * layout.n_cells
    shared, own = (SimpleNamespace(pool=Pool(idle, busy), signs_with_next_key=False) for idle, busy in ((4, 3), (2, 1)))
    clients: Any = {"a": shared, "b": shared, "c": own}
    writers: Any = dict.fromkeys(clients, scene)
    nobody: Any = scene.memory
    Heartbeat(WorkerRow(cells, layout, plan), (), nobody, clients, writers, {}, scene.beats.append).start()
    gauges = read_row(cells, layout).totals.gauges
    shown = [gauges[Measure.CONNECTIONS, name, state] for name in "abc" for state in ("idle", "busy")]
    assert shown == [4, 3, 0, 0, 2, 1]


def test_evidence_is_of_what_the_supervisor_does_not_know_yet(scene):
    scene.start()
    scene.bulletins[DUO].post(Bulletin(0, False, 0, 7_000_000_000, 20_000_000))
    scene.beat()
    assert [(since, ping_s) for _, since, ping_s in scene.shown] == [(0.0, 0.0), (7.0, 0.02)]
    del scene.bulletins[DUO]  # a board of another version
    scene.beat()
    assert scene.shown[-1][1:] == (0.0, 0.0)


def test_a_board_of_another_version_is_none_and_the_worker_counts_for_itself(caplog):
    board = Board.create(PLAN)
    assert open_board(board.descriptor, PLAN) is not None
    other = PLAN._replace(sections=("radius_server_duo_only", "another", "and_another"))
    assert open_board(board.descriptor, other) is None
    assert "Nothing of this worker is counted" in caplog.text
    assert isinstance(private_row(other), WorkerRow)
    assert row_layout(other).n_cells > row_layout(PLAN).n_cells
    board.close()
