"""Logins that take too long, and what is kept of those that do not."""

import pytest

from gateway.engine.deadlines import Deadlines
from gateway.engine.login import Login
from gateway.engine.pending import PendingLogin
from gateway.engine.timers import Timers
from tests.engine.scene import ALLOWED, GO_ON, Stage, section_of


class Waiting:
    """Deadlines on a clock that is handed on, and who has expired when."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.expired: list[tuple[int, float]] = []
        self.deadlines = Deadlines(self.timers, lambda pending, now: self.expired.append((pending.number, now)))

    def begin(self, number: int, length_s: float, started_at: float, now: float | None = None) -> PendingLogin:
        """A login begins, or began at another worker."""
        section = section_of(response_deadline_s=length_s)
        login = Login(section.mode.policy, "alice")
        pending = PendingLogin(number, login, section, b"key %d" % number, 0, started_at)
        self.deadlines.begin(pending, length_s, started_at if now is None else now)
        return pending

    def run(self, *instants: float) -> list[tuple[int, float]]:
        """Call the timers at these instants."""
        for instant in instants:
            self.timers.run(instant)
        return self.expired


def test_each_expires_at_its_own_instant():
    waiting = Waiting()
    for number, length_s, started_at in ((1, 10.0, 0.0), (2, 10.0, 1.0), (3, 5.0, 2.0)):
        waiting.begin(number, length_s, started_at)
    assert waiting.timers.next == 7.0
    assert waiting.run(7.0, 10.0, 11.0) == [(3, 7.0), (1, 10.0), (2, 11.0)]
    assert waiting.timers.next is None


def test_late_ones_expire_together():
    waiting = Waiting()
    for number in (1, 2, 3):
        waiting.begin(number, 10.0, float(number))
    assert waiting.run(12.5) == [(1, 12.5), (2, 12.5)]
    assert waiting.timers.next == 13.0


def test_one_that_another_worker_began_comes_before_those_that_are_younger():
    waiting = Waiting()
    waiting.begin(1, 10.0, 5.0)
    waiting.begin(2, 10.0, 1.0, now=6.0)
    assert waiting.run(11.0, 15.0) == [(2, 11.0), (1, 15.0)]


@pytest.mark.parametrize("instants", [(12.0,), (10.0, 12.0)])
def test_what_is_decided_does_not_expire(instants):
    waiting = Waiting()
    first, second = waiting.begin(1, 10.0, 0.0), waiting.begin(2, 10.0, 2.0)
    first.login.decided_elsewhere()
    assert waiting.run(*instants) == [(2, 12.0)]
    second.login.decided_elsewhere()
    assert waiting.timers.next is None


def test_what_is_decided_is_forgotten_with_the_next_one():
    waiting = Waiting()
    for number in range(1000):
        waiting.begin(number, 600.0, number / 1000).login.decided_elsewhere()
    assert repr(waiting.deadlines) == "<Deadlines 1>"
    assert waiting.timers.next == 600.0


def test_decided_logins_of_an_engine_leave_no_timers():
    """Before, each was kept until its deadline, with what was typed."""
    stage = Stage(response_deadline_s=600.0)
    for number in range(50):
        stage.login(f"u{number}", "123456", identifier=number, now=number / 10)
        stage.answer(GO_ON, now=number / 10)
        stage.answer(ALLOWED, now=number / 10)
    assert stage.engine.n_pending == 0
    stage.engine.timer(500.0)
    assert stage.engine.next_timer == 600.0
    stage.engine.timer(600.0)
    assert stage.engine.next_timer is None
