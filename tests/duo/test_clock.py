"""Duo's time: what carries it on, what corrects it, and what does not."""

from email.utils import formatdate

import pytest

from gateway.duo.clock import DuoClock, unix_time_of

UNIX = 1741083330.5
START = 1_000.0  # the instant at which the clocks of these tests begin


def clock() -> DuoClock:
    return DuoClock(UNIX, START)


def test_the_wall_clock_is_read_at_the_start_and_carried_on() -> None:
    assert clock().unix_time(START) == UNIX
    assert clock().date(START + 3600.0) == formatdate(int(UNIX) + 3600)


def test_a_date_is_made_once_a_second() -> None:
    running = clock()
    date = running.date(START)
    assert running.date(START + 0.4) is date
    assert running.date(START + 0.6) == formatdate(int(UNIX) + 1)


@pytest.mark.parametrize(
    ("duo_time", "took_s"),
    [
        (int(UNIX), 0.1),
        (int(UNIX), 2.6),  # Duo read its clock right after the question, and the answer was slow
        (int(UNIX) + 3, 2.6),  # Duo read its clock right before the answer, 0.1 s into its second
    ],
)
def test_a_clock_that_may_agree_is_left_alone(duo_time: int, took_s: float) -> None:
    running = clock()
    assert running.told(duo_time, START, START + took_s) == 0.0
    assert running.unix_time(START) == UNIX
    assert running.told_at == START + took_s


@pytest.mark.parametrize("error_s", [3600, -3600, 10, -10])
def test_a_clock_that_is_off_is_set_to_the_middle_of_what_may_be(error_s: int) -> None:
    running = clock()
    duo_time = int(UNIX) + error_s
    correction_s = running.told(duo_time, START, START + 0.2)
    assert running.unix_time(START + 0.1) == pytest.approx(duo_time + 0.5)
    assert correction_s == pytest.approx(duo_time + 0.5 - (UNIX + 0.1))
    assert running.told(duo_time, START, START + 0.2) == 0.0


def test_a_date_of_the_same_second_follows_a_correction() -> None:
    running = clock()
    running.date(START)
    running.told(int(UNIX) + 60, START, START)
    assert running.date(START) == formatdate(int(UNIX) + 60)


@pytest.mark.parametrize("duo_time", [0, -1, -(10**30), 7_258_118_400, 2**63, 10**30])
def test_a_time_that_no_clock_shows_is_not_heard(duo_time: int) -> None:
    running = clock()
    assert running.told(duo_time, START, START + 0.1) == 0.0
    assert running.unix_time(START) == UNIX
    assert (running.is_told, running.told_at) == (False, float("-inf"))


@pytest.mark.parametrize("duo_time", [1, 7_258_118_399])
def test_the_bounds_of_what_is_heard_can_be_dates(duo_time: int) -> None:
    running = clock()
    running.told(duo_time, START, START)
    assert running.date(START) == formatdate(duo_time)


@pytest.mark.parametrize(
    ("date", "unix_time"),
    [
        ("Mon, 23 Nov 2026 09:00:00 GMT", 1_795_424_400),
        ("Monday, 23-Nov-26 09:00:00 GMT", 1_795_424_400),
        ("Mon, 23 Nov 2026 09:00:00 -0000", 0),
        ("Mon, 99 Nov 2026 09:00:00 GMT", 0),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_a_date_header_is_read_if_it_says_an_instant(date: str, unix_time: int) -> None:
    assert unix_time_of(date) == unix_time
