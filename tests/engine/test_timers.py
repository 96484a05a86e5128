"""Actions by instant, on a clock that is handed on."""

from typing import Any

import pytest

from gateway.engine.timers import Timers


class Diary:
    """Remembers what was done, and when."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, float]] = []

    def note(self, what: Any, now: float) -> None:
        """An action."""
        self.entries.append((what, now))


def test_without_actions_nobody_need_come_back():
    assert Timers().next is None


def test_the_next_instant_is_that_of_the_earliest_action():
    timers, diary = Timers(), Diary()
    for instant in (5.0, 2.0, 9.0):
        timers.at(instant, diary.note, instant)
    assert timers.next == 2.0


def test_what_is_due_is_done_in_the_order_of_its_instants_and_the_rest_stays():
    timers, diary = Timers(), Diary()
    for instant in (3.0, 1.0, 2.0, 4.0):
        timers.at(instant, diary.note, instant)
    timers.run(3.0)
    assert diary.entries == [(1.0, 3.0), (2.0, 3.0), (3.0, 3.0)]
    assert timers.next == 4.0


def test_nothing_is_done_early():
    timers, diary = Timers(), Diary()
    timers.at(1.0, diary.note, "it")
    timers.run(0.999999)
    assert diary.entries == []


def test_a_late_action_runs_late_and_never_twice():
    timers, diary = Timers(), Diary()
    timers.at(1.0, diary.note, "it")
    timers.run(60.0)
    timers.run(61.0)
    assert diary.entries == [("it", 60.0)]
    assert timers.next is None


def test_actions_of_one_instant_keep_their_order_and_are_never_compared():
    """Neither functions nor arguments have an order of their own."""
    timers, diary = Timers(), Diary()
    for number in range(100):
        timers.at(1.0, diary.note, {"number": number})
    timers.run(1.0)
    assert [what["number"] for what, _ in diary.entries] == list(range(100))


def test_an_action_may_add_others_and_those_that_are_due_run_at_once():
    timers, diary = Timers(), Diary()

    def add(instant: float, now: float) -> None:
        diary.note("first", now)
        timers.at(instant, diary.note, "second")

    timers.at(1.0, add, 1.5)
    timers.at(1.0, add, 9.0)
    timers.run(2.0)
    assert [what for what, _ in diary.entries] == ["first", "first", "second"]
    assert timers.next == 9.0


def test_an_action_that_raises_is_not_repeated_and_the_others_stay():
    timers, diary = Timers(), Diary()

    def fail(_what: object, _now: float) -> None:
        raise ZeroDivisionError

    timers.at(1.0, fail, None)
    timers.at(2.0, diary.note, "after it")
    with pytest.raises(ZeroDivisionError):
        timers.run(5.0)
    timers.run(6.0)
    assert diary.entries == [("after it", 6.0)]
