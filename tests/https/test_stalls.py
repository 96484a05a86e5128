"""Whose time a call's is: Duo's, while it holds us up, or ours, while too many calls want connections."""

import pytest

from gateway.https.plan import PoolLimits
from gateway.unavailable import Unavailable
from tests.https.stage import (
    Asked,
    Loop,
    Network,
    StagedPool,
)

ROUND_TRIP_S = 0.02
OPENING_S = 3 * ROUND_TRIP_S
ANSWER_S = 0.1


def scene(n_idle: int = 0, *, max_brief: int = 64) -> tuple[Loop, Network, StagedPool]:
    loop = Loop()
    network = Network(loop, ROUND_TRIP_S)
    pool = StagedPool(network, PoolLimits(max_brief=max_brief))
    pool.warm(n_idle)
    loop.run_until(loop.now + 1.0)
    return loop, network, pool


def ours_s(asked: Asked) -> float:
    """How much of a call's time was the gateway's own share."""
    assert asked.outcome is not None
    return asked.ended_at - asked.asked_at - asked.exchange.wire_s - asked.exchange.stalled_s


def test_a_connection_that_is_opened_for_a_call() -> None:
    loop, _, pool = scene()
    asked = Asked(pool)
    loop.run_until(loop.now + 1.0)
    assert asked.exchange.stalled_s == pytest.approx(OPENING_S)
    assert ours_s(asked) == pytest.approx(0.0)


def test_a_call_on_a_connection_that_is_there_was_not_held_up() -> None:
    loop, _, pool = scene(1)
    asked = Asked(pool)
    loop.run_until(loop.now + 1.0)
    assert asked.exchange.stalled_s == 0.0


def test_no_connection_to_be_had() -> None:
    loop, network, pool = scene()
    network.is_reachable = False
    asked = Asked(pool)
    loop.run_until(loop.now + 1.0)
    assert isinstance(asked.outcome, Unavailable)
    assert asked.exchange.stalled_s == pytest.approx(OPENING_S)


def test_no_connection_in_the_time_of_the_call() -> None:
    loop, network, pool = scene()
    network.round_trip_s = 20.0
    asked = Asked(pool, timeout_s=2.0)
    loop.run_until(loop.now + 3.0)
    assert isinstance(asked.outcome, Unavailable)
    assert ours_s(asked) == pytest.approx(0.0)
    assert asked.exchange.stalled_s > 1.9


def test_a_lost_connection_and_a_new_one() -> None:
    loop, network, pool = scene(1)
    network.connections[0].is_cut = True
    asked = Asked(pool)
    loop.run_until(loop.now + 1.0)
    assert asked.exchange.stalled_s == pytest.approx(OPENING_S)
    assert ours_s(asked) == pytest.approx(0.0)


def test_a_forgotten_connection_and_a_second_asking() -> None:
    loop, network, pool = scene(1)
    network.forget()
    asked = Asked(pool)
    loop.run_until(loop.now + 3.0)
    assert ours_s(asked) == pytest.approx(0.0)


def test_too_many_calls_for_the_connections_are_our_own_share() -> None:
    loop, _, pool = scene(2, max_brief=2)
    asked = [Asked(pool) for _ in range(8)]
    loop.run_until(loop.now + 5.0)
    turn_s = ROUND_TRIP_S + ANSWER_S
    assert [round(ours_s(each), 6) for each in asked] == pytest.approx([n * turn_s for n in (0, 0, 1, 1, 2, 2, 3, 3)])


def test_those_that_wait_behind_calls_that_duo_does_not_answer_wait_for_duo() -> None:
    """However many turns it is until theirs: the silence was Duo's, the turns after it are ours."""
    loop, network, pool = scene(2, max_brief=2)
    network.answer_s = lambda: 0.1 if loop.now > 1_001.5 else 1.9
    asked = [Asked(pool, is_question=False) for _ in range(8)]
    loop.run_until(loop.now + 5.0)
    assert all(each.outcome is not None for each in asked)
    assert max(map(ours_s, asked)) <= 3 * (ROUND_TRIP_S + ANSWER_S) + 1e-6
    assert max(each.exchange.stalled_s for each in asked) >= 1.9


def test_a_quiet_night_is_nobodys_wait() -> None:
    loop, _, pool = scene(2, max_brief=2)
    Asked(pool)
    loop.run_until(loop.now + 20.0)
    asked = [Asked(pool) for _ in range(8)]
    loop.run_until(loop.now + 5.0)
    assert ours_s(asked[-1]) > 0.0
