"""Which address is tried next, and when (RFC 8305 section 5), with made-up instants."""

import pytest

from gateway.https.race import ATTEMPT_DELAY_S, Race
from gateway.unavailable import Trouble, Unavailable

NOW = 1000.0
LATER = NOW + ATTEMPT_DELAY_S


def race(places: str = "ABC", within_s: float = 5.0) -> Race[str]:
    return Race(places, NOW, NOW + within_s)


def failure(trouble: Trouble, detail: str = "why") -> Unavailable:
    return Unavailable(trouble, detail)


def test_the_first_begins_at_once_and_each_next_one_after_the_delay() -> None:
    attempts = race()
    assert [attempts.begin(NOW), attempts.begin(NOW)] == ["A", None]
    assert attempts.wait_s(NOW) == ATTEMPT_DELAY_S
    assert [attempts.begin(LATER), attempts.begin(LATER)] == ["B", None]
    assert attempts.wait_s(LATER + 0.125) == ATTEMPT_DELAY_S - 0.125


def test_where_one_fails_the_next_begins_at_once() -> None:
    attempts = race()
    attempts.begin(NOW)
    attempts.failed(failure(Trouble.CONNECT), NOW + 0.125)
    assert attempts.wait_s(NOW + 0.125) == 0.0
    assert attempts.begin(NOW + 0.125) == "B"


def test_one_that_comes_further_holds_the_next_one_back_for_another_delay() -> None:
    attempts = race()
    attempts.begin(NOW)
    attempts.came_further(NOW + 0.125)
    assert attempts.begin(LATER) is None
    assert attempts.begin(LATER + 0.125) == "B"


def test_where_none_is_left_nothing_is_waited_for_but_the_attempts() -> None:
    attempts = race("A")
    attempts.begin(NOW)
    assert attempts.wait_s(NOW) is None
    assert attempts.begin(LATER) is None


def test_after_the_deadline_none_begins_but_the_first() -> None:
    """The name may have taken all the time: that attempt says what was not reached."""
    attempts = race(within_s=0.125)
    assert attempts.begin(NOW + 0.125) == "A"
    attempts.failed(failure(Trouble.TIMEOUT), NOW + 0.125)
    assert attempts.wait_s(NOW + 0.125) is None
    assert attempts.begin(NOW + 0.125) is None


@pytest.mark.parametrize(
    ("troubles", "told"),
    [
        ([Trouble.CONNECT, Trouble.TIMEOUT], Trouble.TIMEOUT),
        ([Trouble.CERTIFICATE, Trouble.CONNECT, Trouble.TLS], Trouble.CERTIFICATE),
        ([Trouble.PROXY, Trouble.CONNECT], Trouble.PROXY),
        ([Trouble.BUSY, Trouble.CERTIFICATE], Trouble.BUSY),
        ([Trouble.CLOCK, Trouble.CONNECT], Trouble.CONNECT),
    ],
)
def test_what_came_furthest_is_told(troubles: list[Trouble], told: Trouble) -> None:
    attempts = race()
    for trouble in troubles:
        attempts.begin(NOW)
        attempts.failed(failure(trouble), NOW)
    assert attempts.outcome.trouble is told


def test_of_two_alike_the_last_is_told_and_all_that_were_tried() -> None:
    attempts = race()
    for detail in ("A refuses", "B refuses"):
        attempts.begin(NOW)
        attempts.failed(failure(Trouble.CONNECT, detail), NOW)
    assert str(attempts.outcome) == "B refuses (tried: A, B)"


def test_a_single_one_says_it_all_itself() -> None:
    attempts = race("A")
    attempts.begin(NOW)
    attempts.failed(trouble := failure(Trouble.TLS, "A closes"), NOW)
    assert attempts.outcome is trouble
