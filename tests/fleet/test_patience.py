"""How long is waited for the store, when nobody waits any more, and when everybody does again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fleet.patience import ARRIVAL_PATIENCE_S, ARRIVAL_S, PROBE_INTERVAL_S, Away, Patience
from gateway.fleetapi.resp import Refused

LONG_AGO = -1000.0


def connected(first_s: float = 0.020) -> Patience:
    """Return one whose arrival is over."""
    patience = Patience(first_s)
    patience.connected(LONG_AGO)
    patience.waited(LONG_AGO, LONG_AGO + ARRIVAL_S)
    patience.connected(LONG_AGO + ARRIVAL_S)
    return patience


def answers(patience: Patience, took_s: float, n: int, at: float = 0.0) -> float:
    """Let n answers come one after the other; return when the last has."""
    for _ in range(n):
        patience.answered(at, at + took_s)
        at += took_s
    return at


def probes(patience: Patience, n: int, at: float = 0.0) -> float:
    """Let n probes be done, one after the other; return when the last was."""
    for _ in range(n):
        patience.probed(at, at + 0.0001)
        at += 0.0001
    return at


def waits(patience: Patience, n: int, at: float = 0.0) -> float:
    """Let n claims wait in vain, one after the other; return when the last has."""
    for _ in range(n):
        patience.waited(at, at + patience.patience_s)
        at += patience.patience_s
    return at


def test_it_begins_as_configured_and_not_connected():
    patience = Patience(0.030)
    assert patience.patience_s == 0.030
    assert patience.away is Away.NOT_CONNECTED
    assert patience.reason == "not connected yet"
    patience.connected(0.0)
    assert not patience.is_away
    assert patience.reason == ""


def test_who_has_just_started_is_more_patient():
    patience = Patience(0.030)
    patience.connected(5.0)
    assert patience.patience_s == ARRIVAL_PATIENCE_S
    answers(patience, 0.001, 100, 5.0)
    assert patience.patience_s == ARRIVAL_PATIENCE_S


@pytest.mark.parametrize(("n_answers", "patience_s"), [(1, 0.030), (100, 0.006)])
def test_its_arrival_ends_with_what_it_was_configured_with_or_has_learned(n_answers, patience_s):
    patience = Patience(0.030)
    patience.connected(5.0)
    at = answers(patience, 0.002, n_answers, 5.0)
    answers(patience, 0.002, 1, at + ARRIVAL_S)
    assert patience.patience_s == pytest.approx(patience_s)


def test_a_store_that_stands_still_ends_the_arrival_as_well():
    patience = Patience()
    patience.connected(5.0)
    at = waits(patience, 3, 5.0)
    assert patience.away is Away.LATE
    waits(patience, 1, at + ARRIVAL_S)
    assert patience.patience_s == 0.020


def test_a_later_connection_is_no_arrival():
    patience = connected()
    patience.lost("gone", 1.0)
    patience.connected(2.0)
    assert patience.patience_s == 0.020


@pytest.mark.parametrize(
    ("took_s", "patience_s"), [(0.0001, 0.005), (0.002, 0.006), (0.004, 0.012), (0.015, 0.045), (0.019, 0.050)]
)
def test_it_follows_three_times_what_answers_take(took_s, patience_s):
    patience = connected()
    answers(patience, took_s, 100)
    assert patience.patience_s == pytest.approx(patience_s)
    assert not patience.is_away


@pytest.mark.parametrize("first_s", [0.001, 0.1])
def test_what_is_configured_beyond_the_bounds_widens_them(first_s):
    patience = connected(first_s)
    answers(patience, first_s, 300)
    assert patience.patience_s == pytest.approx(first_s if first_s > 0.05 else 0.003)


def test_one_in_a_hundred_that_is_slow_does_not_count():
    patience = connected()
    at = 0.0
    for _ in range(5):
        at = answers(patience, 0.001, 99, at)
        at = answers(patience, 0.018, 1, at)
    assert patience.patience_s < 0.010


def test_three_late_answers_in_a_row_and_nobody_waits():
    patience = connected()
    at = waits(patience, 2)
    assert not patience.is_away
    waits(patience, 1, at)
    assert patience.away is Away.LATE
    assert patience.reason == "3 answers in a row took longer than 20 ms"


def test_an_answer_in_time_between_them_begins_anew():
    patience = connected()
    at = 0.0
    for _ in range(10):
        at = waits(patience, 2, at)
        at = answers(patience, 0.001, 1, at)
    assert not patience.is_away


def test_answers_that_took_long_and_were_there_when_they_were_looked_for_are_not_late():
    patience = connected()
    answers(patience, 0.200, 20)
    assert not patience.is_away


def test_what_was_under_way_with_a_late_answer_counts_with_it():
    patience = connected()
    for n in range(64):
        patience.waited(n / 10_000, 0.020 + n / 10_000)
    assert not patience.is_away


def test_a_store_that_stands_still_is_away_after_three_times_the_patience():
    patience = connected()
    now = 0.0
    waiting = [n / 1000 for n in range(500)]
    while not patience.is_away:
        asked_at = waiting.pop(0)
        now = asked_at + patience.patience_s
        patience.waited(asked_at, now)
    assert 0.055 < now < 0.070


def test_an_answer_that_was_waited_for_in_vain_and_comes_counts_once():
    patience = connected()
    for n in range(2):
        patience.waited(n, n + 0.020)
        patience.answered(n, n + 0.030)
    assert not patience.is_away


def late() -> Patience:
    patience = connected()
    waits(patience, 3)
    assert patience.is_away
    return patience


def test_three_answers_in_time_in_a_row_and_it_is_back():
    patience = late()
    at = answers(patience, 0.001, 2, 1.0)
    at = answers(patience, 0.030, 1, at)
    at = answers(patience, 0.001, 2, at)
    assert patience.is_away
    answers(patience, 0.001, 1, at)
    assert not patience.is_away
    assert patience.reason == ""


def test_what_was_asked_before_it_was_away_does_not_bring_it_back():
    patience = connected(0.100)
    patience.refused(Refused("OOM", ""), 5.0)
    for _ in range(10):
        patience.probed(4.999, 5.001)
    assert patience.is_away


def test_it_is_probed_a_few_times_a_second_while_it_is_away_and_connected():
    patience = late()
    assert patience.wants_probe(1.0)
    assert not patience.wants_probe(1.0 + 0.9 * PROBE_INTERVAL_S)
    assert patience.wants_probe(1.0 + 1.1 * PROBE_INTERVAL_S)
    patience.lost("gone", 2.0)
    assert not patience.wants_probe(3.0)
    patience.connected(4.0)
    assert not patience.wants_probe(4.0)


@pytest.mark.parametrize(
    ("code", "away", "told"),
    [
        ("OOM", Away.FULL, "maxmemory-policy volatile-ttl"),
        ("READONLY", Away.READ_ONLY, "is it a replica"),
        ("LOADING", Away.READ_ONLY, "is it starting"),
        ("MISCONF", Away.READ_ONLY, "is its disk full"),
        ("NOPERM", Away.NOT_ALLOWED, "the user's rights"),
        ("WRONGPASS", Away.NOT_ALLOWED, "the password"),
        ("MOVED", Away.CLUSTER, "name an address that has all keys"),
    ],
)
def test_what_the_store_does_not_do_is_told_to_an_administrator(code, away, told):
    patience = connected()
    patience.refused(Refused(code, f"{code} its own words"), 1.0)
    assert patience.away is away
    assert told in patience.reason
    assert patience.reason.endswith(f"({code} its own words)")


@pytest.mark.parametrize("code", ["ERR", "WRONGTYPE", "NOSCRIPT", "TOOMANY"])
def test_a_refusal_of_one_command_alone_is_none_of_the_store(code):
    patience = connected()
    patience.refused(Refused(code, ""), 1.0)
    assert not patience.is_away


def test_any_error_for_a_probe_is_one_of_the_store():
    patience = connected()
    patience.probe_refused(Refused("ERR", "ERR its own words"), 1.0)
    assert patience.away is Away.REFUSED
    assert patience.reason == "it refuses what a claim does (ERR its own words)"
    patience.probe_refused(Refused("NOPERM", "NOPERM more of them"), 2.0)
    assert patience.away is Away.NOT_ALLOWED


@pytest.mark.parametrize("code", ["OOM", "NOPERM", "CLUSTERDOWN"])
def test_what_refuses_claims_and_answers_to_all_else_is_back_by_its_probes_alone(code):
    patience = connected()
    patience.refused(Refused(code, ""), 1.0)
    at = answers(patience, 0.001, 20, 2.0)
    assert patience.is_away
    probes(patience, 2, at)
    patience.probe_refused(Refused(code, ""), at + 1.0)
    at = probes(patience, 2, at + 2.0)
    assert patience.is_away
    probes(patience, 1, at)
    assert not patience.is_away


def test_a_probe_that_is_refused_in_time_does_not_bring_it_back():
    patience = connected()
    for n in range(1, 20):
        patience.refused(Refused("OOM", ""), n + 0.001)
        patience.answered(n, n + 0.001)
    assert patience.away is Away.FULL


def test_a_connection_that_is_lost_and_found_again():
    patience = late()
    patience.lost("connection refused by 127.0.0.1:6379", 2.0)
    assert patience.reason == "connection refused by 127.0.0.1:6379"
    answers(patience, 0.001, 10, 3.0)
    assert patience.away is Away.NOT_CONNECTED
    patience.connected(4.0)
    assert not patience.is_away


def test_a_clock_that_goes_back_harms_nothing():
    patience = connected()
    patience.answered(10.0, 5.0)
    assert not patience.is_away


steps = st.lists(st.tuples(st.sampled_from("awrpxlc"), st.floats(0, 0.2), st.floats(0, 0.2)), max_size=60)


@given(steps, st.floats(0.001, 0.1))
def test_whatever_happens_it_has_its_bounds_and_comes_back(happened, first_s):
    patience, now = connected(first_s), 0.0
    for what, took, later in happened:
        asked_at, now = now, now + took + later
        match what:
            case "a":
                patience.answered(asked_at, asked_at + took)
            case "w":
                patience.waited(asked_at, asked_at + took)
            case "r":
                patience.refused(Refused("OOM", ""), now)
            case "p":
                patience.probed(asked_at, asked_at + took)
            case "x":
                patience.probe_refused(Refused("ERR", ""), now)
            case "l":
                patience.lost("gone", now)
            case "c":
                patience.connected(now)
        assert min(0.005, first_s) <= patience.patience_s <= max(0.050, first_s)
        assert patience.is_away == (patience.reason != "")
    if patience.away is Away.NOT_CONNECTED:
        patience.connected(now)
    answers(patience, 0.0001, 3, now)
    probes(patience, 3, now)
    assert not patience.is_away
