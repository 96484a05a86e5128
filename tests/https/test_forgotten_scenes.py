"""Scenes of forgotten connections that take seconds, on a stage where they take none."""

import pytest

from gateway.http1.response import Response
from gateway.https.deadlines import TICK_S
from gateway.https.doubts import (
    GIVE_UP_S,
    OVERDUE_S,
    SCOUT_INTERVAL_S,
)
from gateway.https.plan import PoolLimits
from gateway.https.second_askings import POLL_OVERDUE_S
from gateway.unavailable import Trouble, Unavailable
from tests.https.stage import (
    Asked,
    Loop,
    Network,
    StagedPool,
)

ROUND_TRIP_S = 0.02
ASKED_ON_A_NEW_ONE_S = 4 * ROUND_TRIP_S + 0.1  # connect, TLS, and an answer after 0.1 s
MOMENT_S = 0.01


def scene(n_idle: int = 0, *, is_proxied: bool = False, spare: int = 8) -> tuple[Loop, Network, StagedPool]:
    loop = Loop()
    network = Network(loop, ROUND_TRIP_S, is_proxied=is_proxied)
    pool = StagedPool(network, PoolLimits(spare=spare))
    pool.warm(n_idle)
    loop.run_until(loop.now + 1.0)
    assert pool.counts == (n_idle, 0, 0, 0)
    return loop, network, pool


def took_s(asked: Asked) -> float:
    assert isinstance(asked.outcome, Response)
    return asked.ended_at - asked.asked_at


def test_in_a_quiet_hour_the_first_login_takes_less_than_a_second() -> None:
    loop, network, pool = scene(n_idle=9)
    network.forget()
    first = Asked(pool)
    loop.run_until(loop.now + 1.0)
    second = Asked(pool, is_question=False)
    loop.run_until(loop.now + 1.0)
    assert took_s(first) <= OVERDUE_S + 2 * TICK_S + ASKED_ON_A_NEW_ONE_S + MOMENT_S
    assert took_s(second) <= ROUND_TRIP_S + 0.1 + MOMENT_S
    assert pool.counts == (1, 0, 0, 0)


@pytest.mark.parametrize("is_question", [True, False])
def test_calls_under_way_that_had_been_acknowledged_are_asked_anew_as_well(is_question: bool) -> None:
    """A passcode may be with Duo already: it waits until a second asking has shown that it is not Duo who is slow."""
    loop, network, pool = scene(n_idle=20)
    network.answer_s = lambda: 0.3
    under_way = [Asked(pool, is_question=is_question) for _ in range(5)]
    loop.run_until(loop.now + 0.2)
    network.forget()
    network.answer_s = lambda: 0.1
    later = Asked(pool)
    loop.run_until(loop.now + 2.0)
    assert took_s(later) < 1.0
    assert all(took_s(each) < 1.0 + 0.2 for each in under_way)


def test_a_push_on_a_forgotten_connection_is_sent_once_and_given_up() -> None:
    loop, network, pool = scene(n_idle=3)
    loop.run_until(loop.now + 1.0)
    network.forget()
    push = Asked(pool, is_repeatable=False, is_question=False)
    loop.run_until(loop.now + GIVE_UP_S + 2 * TICK_S)
    assert isinstance(push.outcome, Unavailable)
    assert push.outcome.trouble is Trouble.TIMEOUT
    assert push.outcome.detail == "no sign of life from duo.test for 3.0 s"
    assert push.outcome.may_have_acted
    assert len(network.carriers_of(push)) == 1
    assert pool.counts == (0, 0, 0, 0)


def test_a_push_after_others_have_found_out_is_sent_on_a_new_connection() -> None:
    loop, network, pool = scene(n_idle=9)
    network.forget()
    Asked(pool)
    loop.run_until(loop.now + OVERDUE_S + 2 * TICK_S)
    push = Asked(pool, is_repeatable=False, is_question=False)
    loop.run_until(loop.now + 1.0)
    assert took_s(push) <= ASKED_ON_A_NEW_ONE_S + MOMENT_S


def test_behind_a_proxy_one_scout_speaks_for_all() -> None:
    loop, network, pool = scene(n_idle=60, is_proxied=True)
    network.forget()
    calls = [Asked(pool, is_question=number % 2 == 0) for number in range(40)]
    loop.run_until(loop.now + 3.0)
    assert max(map(took_s, calls)) < 1.2
    assert pool.counts.idle == len(network.open_connections) == 40


def test_a_slow_duo_gets_few_calls_twice_and_loses_none() -> None:
    loop, network, pool = scene(n_idle=60)
    network.answer_s = lambda: 1.5
    calls = [Asked(pool, is_question=number % 2 == 0) for number in range(50)]
    loop.run_until(loop.now + 5.0)
    assert all(took_s(call) == pytest.approx(1.5 + ROUND_TRIP_S) for call in calls)
    n_scouts = sum(len(connection.carried) for connection in network.connections) - len(calls)
    assert n_scouts <= 1.5 / SCOUT_INTERVAL_S
    assert not any(call.n_times_asked_anew for call in calls)


def test_a_call_is_moved_again_when_its_second_connection_is_forgotten_too() -> None:
    loop, network, pool = scene(n_idle=1)
    network.forget()
    call = Asked(pool)
    while len(network.open_connections) < 2:
        loop.run_until(loop.now + MOMENT_S)
    network.forget()
    loop.run_until(loop.now + 2.0)
    assert took_s(call) < 2.0


def test_after_a_pause_of_our_own_nobody_is_asked_twice() -> None:
    """The answers lie unread in the sockets."""
    loop, network, pool = scene(n_idle=4)
    network.answer_s = lambda: 5.0 + TICK_S
    calls = [Asked(pool) for _ in range(4)]
    assert pool._timer is not None
    loop.run_until(loop.now + TICK_S)
    pool._timer.cancel()
    pool._timer = loop.call_later(5.0, pool._tick)  # type: ignore[assignment]
    loop.run_until(loop.now + 6.0)
    assert not any(call.exchange.is_retry for call in calls)


def test_a_long_poll_whose_way_was_cut_is_over_when_there_is_no_other_way() -> None:
    """Where nobody logs in it is all that can tell; the kernel would go on repeating what nobody acknowledges."""
    loop, network, pool = scene()
    network.answer_s = lambda: 60.0
    poll = Asked(pool, waits_for_person=True, timeout_s=75.0)
    while not network.carriers_of(poll):
        loop.run_until(loop.now + MOMENT_S)
    network.forget()
    network.is_reachable = False
    loop.run_until(loop.now + POLL_OVERDUE_S + 1.0)
    assert isinstance(poll.outcome, Unavailable)
    assert poll.outcome.trouble is Trouble.CONNECT
    assert pool.counts == (0, 0, 0, 0)


def test_what_there_is_no_room_to_ask_anew_goes_on_waiting_for_its_first_answer() -> None:
    """Whoever counts the calls that wait in vain must go on counting this one."""
    loop, network, pool = scene(n_idle=1)
    network.forget()
    call = Asked(pool)
    pool._plan._limits = PoolLimits(max_waiting=0)
    loop.run_until(loop.now + 1.0)
    assert call.n_times_asked_anew == 0
    pool._plan._limits = PoolLimits()
    loop.run_until(loop.now + 1.0)
    assert took_s(call) < 2.0


@pytest.mark.parametrize("is_cut", [False, True])
def test_however_often_a_call_is_moved_it_counts_as_asked_anew_once(is_cut: bool) -> None:
    """Where new connections carry nothing either, those who wait are waiting in vain."""
    loop, network, pool = scene(n_idle=1)
    network.loses_requests = True
    network.forget()
    network.connections[0].is_cut = is_cut
    call = Asked(pool)
    loop.run_until(loop.now + 9.0)
    assert call.outcome is None
    assert len(network.connections) > 5
    assert call.n_times_asked_anew == (0 if is_cut else 1)


def test_a_long_poll_is_looked_at_once() -> None:
    loop, network, pool = scene(n_idle=2, spare=0)
    network.answer_s = lambda: 20.0
    slow, lost = [Asked(pool, waits_for_person=True, timeout_s=75.0) for _ in range(2)]
    (carrier,) = network.carriers_of(lost)
    carrier.forgotten_at = loop.now
    loop.run_until(loop.now + 30.0)
    assert not slow.exchange.is_retry
    assert took_s(slow) < took_s(lost) < 23.0


def test_without_new_connections_calls_end_in_their_time() -> None:
    loop, network, pool = scene(n_idle=9)
    network.forget()
    network.is_reachable = False
    calls = [Asked(pool, timeout_s=timeout_s) for timeout_s in (2.0, 10.0)]
    loop.run_until(loop.now + 10.1)
    for call in calls:
        assert isinstance(call.outcome, Unavailable)
        assert not call.outcome.may_have_acted
    assert pool.counts == (0, 0, 0, 0)
    assert not network.open_connections
