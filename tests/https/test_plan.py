"""The pool's plan, with texts as calls and connections and made-up instants."""

from typing import Any

import pytest

from gateway.https.plan import (
    MOST_OPENINGS,
    PoolLimits,
    PoolPlan,
    affordable_openings,
)

ANY_AGE = float("inf")


def plan(**limits: Any) -> PoolPlan[str, str]:
    return PoolPlan(PoolLimits(**{"spare": 0, **limits}))


def ask(pool: PoolPlan[str, str], call: str, now: float = 0.0, max_idle_s: float = ANY_AGE) -> str | None:
    return pool.ask(call, waits_for_person=False, max_idle_s=max_idle_s, now=now)


def poll(pool: PoolPlan[str, str], call: str, now: float = 0.0) -> str | None:
    return pool.ask(call, waits_for_person=True, max_idle_s=ANY_AGE, now=now)


def with_idle(pool: PoolPlan[str, str], *connections: str, now: float = 0.0) -> PoolPlan[str, str]:
    for connection in connections:
        ask(pool, f"opener of {connection}", now)
    pool.begin_openings()
    for connection in connections:
        pool.opened(connection, now)
    for connection in connections:
        pool.released(connection, now)
    return pool


def test_first_call_waits_for_an_opening_and_gets_it() -> None:
    pool = plan()
    assert ask(pool, "call") is None
    assert len(pool.begin_openings()) == 1
    assert pool.begin_openings() == []
    assert repr(pool) == "<PoolPlan idle=0 busy=0 opening=1 waiting=1>"
    assert pool.opened("c1", now=1.0) == "call"
    assert repr(pool) == "<PoolPlan idle=0 busy=1 opening=0 waiting=0>"
    assert pool.released("c1", now=2.0) is None
    assert repr(pool) == "<PoolPlan idle=1 busy=0 opening=0 waiting=0>"


def test_a_tick_has_so_many_openings_and_a_few_more_for_long_polls() -> None:
    pool = plan(polls_a_tick=3)
    pool.afford(2)
    for number in range(10):
        ask(pool, f"call {number}")
    assert len(pool.begin_openings()) == 2
    assert pool.begin_openings() == []
    for number in range(10):
        poll(pool, f"poll {number}")
    assert len(pool.begin_openings()) == 3
    assert pool.begin_openings() == []
    pool.afford(2)
    assert len(pool.begin_openings()) == 5


@pytest.mark.parametrize(
    ("busy_s", "elapsed_s", "n_openings"),
    [(0.0, 0.05, MOST_OPENINGS), (0.025, 0.05, 31), (0.05, 0.05, 1), (0.07, 0.05, 1), (0.0, 0.0, 1), (1.0, 2.0, 31)],
)
def test_what_the_loop_has_to_spare_may_go_into_handshakes(busy_s: float, elapsed_s: float, n_openings: int) -> None:
    assert affordable_openings(busy_s, elapsed_s, 0.05) == n_openings


def test_newest_idle_connection_comes_first() -> None:
    pool = with_idle(plan(), "c1", "c2", "c3")
    assert [ask(pool, "a"), ask(pool, "b"), ask(pool, "c")] == ["c3", "c2", "c1"]


def test_connection_idle_for_too_long_does_not_suit() -> None:
    """A call that must not be repeated does not risk a connection that the server is about to close."""
    pool = with_idle(plan(), "c1", now=10.0)
    assert ask(pool, "auth", now=13.5, max_idle_s=3.0) is None
    assert len(pool.begin_openings()) == 1
    assert ask(pool, "preauth", now=13.5) == "c1"
    assert pool.released("c1", now=14.0) == "auth"


def test_retry_takes_no_idle_connection() -> None:
    pool = with_idle(plan(), "c1", now=10.0)
    assert ask(pool, "retry", now=10.0, max_idle_s=-1.0) is None


def test_opened_connection_serves_the_brief_calls_first_then_who_waits_longest() -> None:
    pool = plan()
    ask(pool, "brief")
    poll(pool, "poll")
    ask(pool, "later")
    assert len(pool.begin_openings()) == 3
    assert [pool.opened(connection, 1.0) for connection in ("c1", "c2", "c3")] == ["brief", "later", "poll"]


def test_idle_connections_are_spared_for_brief_calls() -> None:
    pool = plan(spare=1)
    assert len(pool.warm(2)) == 2
    assert [pool.opened(connection, 0.0) for connection in ("c1", "c2")] == [None, None]
    assert poll(pool, "first") == "c2"
    assert poll(pool, "second") is None
    assert len(pool.begin_openings()) == 1
    assert ask(pool, "brief") == "c1"
    assert pool.released("c1", now=1.0) is None  # spared, though a long poll waits: a new one is on its way to that
    assert pool.opened("c3", now=2.0) == "second"


def test_a_released_connection_beyond_the_spare_ones_serves_a_long_poll() -> None:
    pool = with_idle(plan(spare=1), "c1", "c2")
    assert ask(pool, "a") == "c2"
    assert poll(pool, "poll") is None
    assert pool.released("c2", now=1.0) == "poll"


def test_warming_opens_what_is_missing() -> None:
    pool = with_idle(plan(), "c1", "c2")
    assert ask(pool, "a") == "c2"
    assert len(pool.warm(4)) == 2
    assert pool.warm(4) == []  # what is being opened counts, too
    pool.opened("c3", now=1.0)
    assert pool.warm(4) == pool.warm(1) == []


def test_warming_counts_as_opening() -> None:
    pool = plan(max_opening=2)
    pool.warm(2)
    ask(pool, "a")
    assert pool.begin_openings() == []
    assert pool.opened("c1", 0.0) == "a"


def test_released_connection_serves_who_waits_and_spares_the_opening() -> None:
    pool = with_idle(plan(), "c1")
    ask(pool, "a")
    ask(pool, "b")
    pool.begin_openings()
    assert pool.released("c1", now=1.0) == "b"
    assert pool.opened("c2", now=2.0) is None
    assert pool.n_idle == 1


def test_brief_calls_wait_for_their_bound_alone() -> None:
    pool = with_idle(plan(max_brief=1), "c1")
    assert ask(pool, "first") == "c1"
    assert ask(pool, "second") is None
    assert pool.begin_openings() == []
    assert poll(pool, "poll") is None
    assert len(pool.begin_openings()) == 1
    assert pool.opened("c2", now=1.0) == "poll"
    assert pool.released("c1", now=2.0) == "second"


def test_no_brief_call_waits_for_a_connection_that_a_long_poll_occupies() -> None:
    pool = plan(max_brief=2, max_patient=500, max_opening=1000, polls_a_tick=1000)
    for number in range(500):
        poll(pool, f"poll {number}")
    for number in range(len(pool.begin_openings())):
        pool.opened(f"c{number}", now=0.0)
    assert pool.n_busy == 500
    assert not pool.has_room(True)
    ask(pool, "brief")
    pool.afford(1)
    assert len(pool.begin_openings()) == 1
    assert pool.opened("another", now=1.0) == "brief"


def test_openings_are_bounded() -> None:
    pool = plan(max_opening=2)
    for number in range(5):
        ask(pool, f"call {number}")
    assert len(pool.begin_openings()) == 2
    pool.opened("c1", now=0.0)
    assert len(pool.begin_openings()) == 1


def test_failed_opening_fails_those_who_waited_all_the_while() -> None:
    pool = plan()
    ask(pool, "early")
    poll(pool, "early poll")
    openings = pool.begin_openings()
    ask(pool, "late")
    assert pool.open_failed(openings[0]) == ["early", "early poll"]
    assert pool.n_waiting == 1
    assert pool.n_opening == 1


def test_failed_opening_beside_one_that_succeeded_fails_one_call() -> None:
    pool = plan()
    for name in ("a", "b", "c"):
        ask(pool, name)
    openings = pool.begin_openings()
    assert pool.opened("c1", now=0.0) == "a"
    assert pool.open_failed(openings[1]) == ["b"]
    assert pool.n_waiting == 1


def test_failed_opening_spares_calls_held_back_by_their_bound() -> None:
    pool = with_idle(plan(max_brief=1), "c1")
    ask(pool, "busy")
    ask(pool, "held back")
    poll(pool, "poll")
    (opening,) = pool.begin_openings()
    assert pool.open_failed(opening) == ["poll"]
    assert pool.n_waiting == 1


def test_closed_connection_is_forgotten_whether_busy_or_idle() -> None:
    pool = with_idle(plan(), "c1", "c2")
    ask(pool, "a")
    pool.closed("c1")
    pool.closed("c2")
    pool.closed("c3")
    assert repr(pool) == "<PoolPlan idle=0 busy=0 opening=0 waiting=0>"


def test_forgotten_call_is_not_served() -> None:
    pool = plan()
    ask(pool, "a")
    poll(pool, "b")
    pool.begin_openings()
    pool.forget("a")
    pool.forget("b")
    assert pool.opened("c1", now=0.0) is None


def test_idle_connections_expire_by_age_and_number() -> None:
    pool = plan(idle_timeout_s=30.0, max_idle=2)
    with_idle(pool, "c1", "c2", "c3")
    assert pool.expire_idle(now=1.0) == ["c1"]
    assert pool.expire_idle(now=29.9) == []
    assert pool.expire_idle(now=30.0) == ["c2", "c3"]


def test_release_of_an_unknown_connection_is_our_bug() -> None:
    with pytest.raises(KeyError):
        plan().released("c1", now=0.0)


def test_idle_connections_not_heard_of_since_are_dropped() -> None:
    pool = with_idle(plan(), "c1", "c2")
    pool.warm(3)
    pool.opened("c3", now=5.0)
    assert pool.drop_idle(5.0) == ["c1", "c2"]
    assert pool.drop_idle(5.0) == []
    assert pool.drop_idle(ANY_AGE) == ["c3"]
    assert pool.n_idle == 0


def test_calls_that_wait_are_found_by_age() -> None:
    pool = plan()
    for number in range(4):
        ask(pool, f"call {number}")
        poll(pool, f"poll {number}")
    pool.begin_openings()
    for number in range(8):
        pool.opened(f"c{number}", now=float(number))
    assert pool.busy_since(2.0) == ["c0", "c1", "c2"]
    pool.closed("c0")
    pool.released("c1", 9.0)
    assert pool.busy_since(2.0) == ["c2"]
    assert pool.polling_since(4.0, 6.0) == ["c6", "c5"]
    assert pool.polling_since(6.0, 6.5) == []
