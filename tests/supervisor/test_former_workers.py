"""Workers of a gateway that is gone: whether they are waited for, killed, or in the way."""

import asyncio
import logging

import pytest

from gateway.supervisor import former_workers
from gateway.supervisor.former_workers import former_workers_gone
from gateway.supervisor.journals import Journals
from gateway.supervisor.run_dir import RunDirUnusable


class HeldJournals(Journals):
    """One journal, which somebody has.

    Attributes:
        pid: of whom; 0 if nobody says so.
        looks: after so many looks nobody has it.
        is_ended: its holder was killed.
    """

    def __init__(self, looks: int = 1_000_000, pid: int = 0, *, obeys: bool = False) -> None:
        super().__init__()
        self.looks, self.pid, self.obeys, self.is_ended = looks, pid, obeys, False

    @property
    def held(self) -> list[int]:
        """Count the looks."""
        self.looks -= 1
        return [7] if self.looks > 0 and not (self.is_ended and self.obeys) else []

    def end_holder(self, descriptor: int) -> int:
        """Take note."""
        self.is_ended = True
        return self.pid


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORMER_GONE_S", "_KILLED_GONE_S", "_LOOK_EVERY_S"):
        monkeypatch.setattr(former_workers, name, 0.0)


def test_where_there_are_none_nothing_is_said(capfd):
    asyncio.run(former_workers_gone(Journals()))
    assert capfd.readouterr().err == ""


def test_one_that_ends_is_waited_for(monkeypatch, capfd):
    monkeypatch.setattr(former_workers, "FORMER_GONE_S", 60.0)
    journals = HeldJournals(looks=5)
    asyncio.run(former_workers_gone(journals))
    assert "a gateway died here; waiting up to 60 s for its workers to end: 1 journal in use" in capfd.readouterr().err
    assert not journals.is_ended


def test_one_that_hangs_is_killed(caplog):
    with caplog.at_level(logging.ERROR):
        asyncio.run(former_workers_gone(HeldJournals(pid=4711, obeys=True)))
    assert "A worker of the previous gateway (pid 4711) hangs and is killed" in caplog.text


def test_one_that_nobody_can_kill_is_in_the_way(caplog):
    with pytest.raises(RunDirUnusable, match="do not end; end them, or write another run_dir"):
        asyncio.run(former_workers_gone(HeldJournals()))
    assert "A worker of the previous gateway hangs and cannot be found" in caplog.text
    assert "pid 0" not in caplog.text
