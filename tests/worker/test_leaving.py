"""Workers that leave: what they finish, what they leave to others; and without a supervisor nobody goes first."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.ipc.orders import LEAVE_TIMEOUT_S
from gateway.worker.leaving import HEARD_S, until_drained, until_nobody_reads
from tests.ipc.joining import joined


@pytest.fixture
def board(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "board", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def test_who_reads_alone_goes_at_once(board: int):
    asyncio.run(until_nobody_reads(board, 3600.0))


def test_who_does_not_waits_until_the_last_one_reads_no_more(board: int):
    async def scene() -> None:
        with joined(board) as first, joined(board) as second:
            leaving = asyncio.create_task(until_nobody_reads(board, 3600.0))
            await asyncio.sleep(0)
            first.part()
            await asyncio.sleep(0)
            assert not leaving.done()
            second.part()
            await leaving

    asyncio.run(scene())


def test_one_that_hangs_keeps_nobody_for_ever(board: int):
    async def scene() -> None:
        with joined(board):
            await until_nobody_reads(board, 0.05)

    asyncio.run(scene())


class ScriptedFleet:
    def __init__(self, *, has_others: bool) -> None:
        self.has_others = has_others


class ScriptedService:
    """Three logins: one has its answer in a moment, one waits for a person, and one for a person, known here alone."""

    def __init__(self, heard: Callable[[], None] = lambda: None) -> None:
        self.n_pending = 3
        self.waits: list[tuple[str, float]] = []
        self._heard = heard  # what happens while it is drained

    async def drain(self, timeout_s: float) -> bool:
        self.waits.append(("all", timeout_s))
        self.n_pending = min(self.n_pending, 2)
        self._heard()
        return self.n_pending == 0

    async def finish_brief(self, timeout_s: float) -> None:
        self.waits.append(("brief", timeout_s))
        self.n_pending = min(self.n_pending, 2)

    def leave(self) -> None:
        self.n_pending -= 1


def drained(service: ScriptedService, fleet: ScriptedFleet | None, timeout_s: float = 70.0, **options: bool) -> None:
    asyncio.run(until_drained(service, fleet, 0, timeout_s, **{"has_successors": False, **options}))


def test_a_host_by_itself_waits_for_people():
    service = ScriptedService()
    drained(service, None)
    assert service.waits == [("all", 70.0)]


@pytest.mark.parametrize(
    ("has_successors", "fate"), [(True, "its successor goes on with 2 logins"), (False, "2 logins get no answer")]
)
def test_what_is_left_at_the_end_is_told(caplog: pytest.LogCaptureFixture, has_successors: bool, fate: str):
    drained(ScriptedService(), None, has_successors=has_successors)
    assert f"Worker 0 stops after 70 s; {fate}" in caplog.text


def test_what_waits_for_people_is_left_to_other_hosts(caplog: pytest.LogCaptureFixture):
    service = ScriptedService()
    with caplog.at_level(logging.INFO):
        drained(service, ScriptedFleet(has_others=True))
    assert service.waits == [("brief", LEAVE_TIMEOUT_S), ("all", 70.0 - LEAVE_TIMEOUT_S)]
    assert "Worker 0 leaves 1 login to other hosts" in caplog.text


def test_who_has_just_begun_hears_of_other_hosts_first():
    fleet = ScriptedFleet(has_others=False)
    service = ScriptedService(lambda: setattr(fleet, "has_others", True))
    drained(service, fleet)
    assert service.waits == [
        ("all", HEARD_S),
        ("brief", LEAVE_TIMEOUT_S),
        ("all", 70.0 - HEARD_S - LEAVE_TIMEOUT_S),
    ]


def test_the_only_host_that_lives_waits_for_people_no_longer_than_it_may():
    service = ScriptedService()
    drained(service, ScriptedFleet(has_others=False), 0.5)
    assert service.waits == [("all", 0.5), ("all", 0.0)]
