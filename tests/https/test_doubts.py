"""When a call that waits is asked a second time."""

import pytest

from gateway.https.doubts import (
    GIVE_UP_S,
    OVERDUE_S,
    PATIENCE_S,
    SCOUT_INTERVAL_S,
    Doubts,
    Judgement,
    Waiting,
    is_unheard,
)

SLOW = Waiting(began_at=0.0, deadline=10.0, is_repeatable=True, is_question=True, is_retry=False, is_unheard=False)
UNHEARD = SLOW._replace(is_unheard=True)
PASSCODE = SLOW._replace(is_question=False)
PUSH = PASSCODE._replace(is_repeatable=False)


@pytest.mark.parametrize(
    ("n_unacknowledged", "round_trip_s", "age_s", "expected"),
    [
        (1, 0.02, OVERDUE_S, True),
        (3, 0.02, OVERDUE_S, True),
        (0, 0.02, 60.0, False),
        (1, 0.02, OVERDUE_S - 0.01, False),
        (1, 0.6, 1.9, False),  # by satellite
        (1, 0.6, 2.1, True),
    ],
)
def test_octets_are_unheard_when_the_way_does_not_explain_it(
    n_unacknowledged: int, round_trip_s: float, age_s: float, expected: bool
) -> None:
    assert is_unheard(n_unacknowledged, round_trip_s, age_s) is expected


def test_what_nobody_acknowledges_is_asked_anew() -> None:
    assert Doubts().judge(UNHEARD, OVERDUE_S) is Judgement.ASK_ANEW
    assert Doubts().judge(UNHEARD._replace(is_question=False), OVERDUE_S) is Judgement.ASK_ANEW


def test_a_push_is_never_asked_twice_and_given_up_when_it_has_been_unheard_for_long() -> None:
    doubts = Doubts()
    doubts.answered_first(5.0)
    for now in (OVERDUE_S, 1.0, GIVE_UP_S, 9.9):
        assert doubts.judge(PUSH, now) is Judgement.WAIT
    unheard = PUSH._replace(is_unheard=True)
    assert doubts.judge(unheard, GIVE_UP_S - 0.1) is Judgement.WAIT
    assert doubts.judge(unheard, GIVE_UP_S) is Judgement.GIVE_UP


def test_scouts_are_questions_and_few() -> None:
    doubts = Doubts()
    assert doubts.judge(PASSCODE, OVERDUE_S) is Judgement.WAIT
    assert doubts.judge(SLOW, OVERDUE_S) is Judgement.ASK_TWICE
    doubts.asked_twice(OVERDUE_S)
    assert doubts.judge(SLOW, OVERDUE_S + SCOUT_INTERVAL_S - 0.1) is Judgement.WAIT
    assert doubts.judge(SLOW, OVERDUE_S + SCOUT_INTERVAL_S) is Judgement.ASK_TWICE


def test_a_scout_that_is_quicker_tells_of_all_that_was_asked_before_it() -> None:
    doubts = Doubts()
    doubts.asked_twice(0.7)
    doubts.answered_first(0.7)
    for call in (SLOW, PASSCODE):
        assert doubts.judge(call, 0.8) is Judgement.ASK_ANEW
        assert doubts.judge(call._replace(began_at=0.7), 1.1) is Judgement.WAIT


def test_one_that_is_unheard_puts_all_questions_in_doubt_that_wait() -> None:
    """They were acknowledged before the network lost their connections, and their answers never come."""
    doubts = Doubts()
    doubts.asked_twice(0.9)
    assert doubts.judge(SLOW, 0.9) is Judgement.WAIT
    assert doubts.judge(UNHEARD._replace(began_at=0.3), 0.9) is Judgement.ASK_ANEW
    assert doubts.judge(SLOW, 0.9) is Judgement.ASK_ANEW
    assert doubts.judge(PASSCODE, 0.9) is Judgement.WAIT
    assert doubts.judge(SLOW._replace(began_at=0.9), 1.3) is Judgement.WAIT


@pytest.mark.parametrize(("deadline", "patience_s"), [(2.0, 1.0), (5.0, 2.5), (10.0, PATIENCE_S), (60.0, PATIENCE_S)])
def test_half_of_its_time_is_all_that_a_call_waits_for_one_answer(deadline: float, patience_s: float) -> None:
    call = PASSCODE._replace(deadline=deadline)
    assert Doubts().judge(call, patience_s - 0.01) is Judgement.WAIT
    assert Doubts().judge(call, patience_s) is Judgement.ASK_TWICE


def test_a_call_asked_twice_is_asked_again_only_if_its_connection_is_as_good_as_dead() -> None:
    doubts = Doubts()
    retry = SLOW._replace(is_retry=True)
    assert doubts.judge(retry, 9.0) is Judgement.WAIT
    assert doubts.judge(retry._replace(is_unheard=True), OVERDUE_S) is Judgement.ASK_ANEW
    doubts.answered_first(5.0)
    assert doubts.judge(retry, 9.0) is Judgement.ASK_ANEW
