"""Duo's time, from whichever application has told it last."""

from collections.abc import Callable

import pytest

from gateway.duoapi.calls import Answer, Call, Ping, Time
from gateway.unavailable import Trouble, Unavailable
from gateway.worker.duo_time import INTERVAL_S, DuoTime


class Client:
    """An application's, which answers what it is given."""

    def __init__(self, duo_time: float | None, answer: Answer | Unavailable) -> None:
        self.duo_time = duo_time
        self.answer = answer
        self.n_asked = 0

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> None:
        assert isinstance(call, Ping)
        self.n_asked += 1
        on_answer(self.answer)


class Waiting(list[tuple[float, Callable[[], None]]]):
    """What is to be called later."""

    def later(self, after_s: float, act: Callable[[], None]) -> None:
        self.append((after_s, act))

    def pass_by(self) -> None:
        (_, act) = self.pop()
        act()


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


TOLD = Time(1_700_000_000)


def test_who_has_told_it_at_the_start_is_believed_and_nobody_is_asked_yet(waiting: Waiting):
    silent, told = Client(None, TOLD), Client(5.0, TOLD)
    duo_time = DuoTime({"a": silent, "b": told}, waiting.later)
    assert duo_time.unix_time() == 5.0
    assert DuoTime({"a": silent}, waiting.later).unix_time() is None
    assert (silent.n_asked, told.n_asked) == (0, 0)


def test_each_is_asked_in_its_turn_about_once_a_minute_and_the_last_to_answer_is_believed(waiting: Waiting):
    a, b = Client(5.0, TOLD), Client(7.0, TOLD)
    duo_time = DuoTime({"a": a, "b": b}, waiting.later)
    duo_time.keep()
    for believed in (5.0, 7.0, 5.0):
        assert duo_time.unix_time() == believed
        ((after_s, _),) = waiting
        assert 0.75 * INTERVAL_S <= after_s <= 1.25 * INTERVAL_S
        waiting.pass_by()
    assert (a.n_asked, b.n_asked) == (2, 2)


@pytest.mark.parametrize("answer", [Unavailable(Trouble.CONNECT, ""), Time(None)], ids=["away", "tells no time"])
def test_who_tells_nothing_changes_nothing(waiting: Waiting, answer: Answer | Unavailable):
    a, b = Client(5.0, TOLD), Client(7.0, answer)
    duo_time = DuoTime({"a": a, "b": b}, waiting.later)
    duo_time.keep()
    waiting.pass_by()
    assert duo_time.unix_time() == 5.0
    assert (a.n_asked, b.n_asked) == (2, 1)


class SlowClient(Client):
    """One that answers when it is told to."""

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> None:
        self.n_asked += 1
        self.on_answer = on_answer


def test_who_is_being_asked_is_not_asked_again_and_then_the_next_one_is_as_long_as_nobody_tells_it(waiting: Waiting):
    a, b, c = SlowClient(None, TOLD), SlowClient(7.0, TOLD), SlowClient(None, TOLD)
    duo_time = DuoTime({"a": a, "b": b, "c": c}, waiting.later)
    duo_time.ask()
    duo_time.ask()
    assert (a.n_asked, b.n_asked, c.n_asked) == (1, 0, 0)
    a.on_answer(Unavailable(Trouble.CONNECT, ""))
    assert (a.n_asked, b.n_asked, c.n_asked) == (1, 1, 0)
    b.on_answer(TOLD)
    assert (duo_time.unix_time(), c.n_asked) == (7.0, 0)
    duo_time.ask()
    assert (a.n_asked, b.n_asked, c.n_asked) == (1, 1, 1)
    for client in (c, a, b):
        client.on_answer(Time(None))
    assert (a.n_asked, b.n_asked, c.n_asked) == (2, 2, 1)
    duo_time.ask()
    assert (a.n_asked, b.n_asked, c.n_asked) == (2, 2, 2)
