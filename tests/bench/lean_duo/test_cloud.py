"""Pushes and the referee over them; the clock is handed on."""

import math
from random import Random

import pytest

from bench.lean_duo.cloud import KEPT_S, Cloud
from bench.lean_duo.distribution import read_distribution
from bench.simulator.cloud import State


def make_cloud(approval: str = "constant:5") -> Cloud:
    return Cloud(read_distribution(approval), 60.0, Random(1), "prefix-")


@pytest.mark.parametrize(
    ("username", "after_s", "state"),
    [
        ("u000123", 5, State.ALLOWED),
        ("n000123", 5, State.DENIED),
        ("s000123", 60, State.TIMED_OUT),
        ("alice", 5, State.ALLOWED),
        ("nancy", 5, State.ALLOWED),
        ("susanne", 5, State.ALLOWED),
        ("N000123", 5, State.DENIED),
    ],
)
def test_people_go_by_their_names(username: str, after_s: float, state: State) -> None:
    cloud = make_cloud()
    push = cloud.begin(username, State.PUSHED, 100.0)
    assert cloud.next_due() == 100.0 + after_s
    assert cloud.advance(100.0 + after_s - 0.1) == []
    assert cloud.advance(100.0 + after_s) == [push]
    assert (push.state, push.is_pending) == (state, False)
    assert cloud.n_decided == {state.status: 1}


def test_who_takes_longer_than_the_push_lives_is_too_late() -> None:
    cloud = make_cloud("constant:61")
    push = cloud.begin("u000123", State.PUSHED, 0.0)
    assert cloud.advance(60.0) == [push]
    assert push.state is State.TIMED_OUT


def test_pushes_are_answered_in_the_order_of_their_instants() -> None:
    cloud = make_cloud("uniform:1,50")
    pushes = [cloud.begin(f"u{number:06d}", State.PUSHED, 0.0) for number in range(100)]
    seen = []
    while cloud.next_due() < math.inf:
        seen += cloud.advance(cloud.next_due())
    assert sorted(seen, key=lambda push: push.txid) == pushes
    assert seen != pushes


def test_a_second_push_to_the_same_user_while_one_is_pending_is_an_overlap() -> None:
    cloud = make_cloud()
    first = cloud.begin("u000123", State.PUSHED, 0.0)
    cloud.begin("u000124", State.PUSHED, 0.0)
    assert cloud.n_overlaps == 0
    cloud.begin("U000123", State.PUSHED, 1.0)
    assert (cloud.n_overlaps, cloud.overlapping, cloud.n_pending) == (1, ["u000123"], 3)
    cloud.decide(first, State.ALLOWED)
    cloud.begin("u000123", State.PUSHED, 2.0)
    assert cloud.n_overlaps == 2


def test_pushes_one_after_the_other_are_no_overlap() -> None:
    cloud = make_cloud()
    for now in (0.0, 5.0, 10.0):
        cloud.advance(now)
        cloud.begin("u000123", State.PUSHED, now)
    assert cloud.n_overlaps == 0
    assert cloud.n_pushes == {"u000123": 3}


def test_a_push_that_was_decided_otherwise_is_not_decided_again() -> None:
    cloud = make_cloud()
    push = cloud.begin("u000123", State.PUSHED, 0.0)
    cloud.decide(push, State.DENIED)
    assert cloud.advance(5.0) == []
    assert (push.state, cloud.n_pending) == (State.DENIED, 0)


def test_an_old_push_is_forgotten() -> None:
    cloud = make_cloud()
    push = cloud.begin("u000123", State.PUSHED, 0.0)
    cloud.advance(60.0 + KEPT_S - 0.1)
    assert cloud.pushes == {push.txid: push}
    cloud.advance(60.0 + KEPT_S)
    assert cloud.pushes == {}


def test_after_a_reset_it_counts_from_nothing_and_no_txid_comes_again() -> None:
    cloud = make_cloud()
    first = cloud.begin("u000123", State.PUSHED, 0.0)
    cloud.reset()
    assert (cloud.n_pending, cloud.n_pushes.total(), cloud.next_due()) == (0, 0, math.inf)
    assert cloud.begin("u000123", State.PUSHED, 0.0).txid != first.txid
    assert cloud.n_overlaps == 0
