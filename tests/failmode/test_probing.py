"""Which probe is asked when, and for how long it is waited."""

import pytest

from gateway.failmode.evidence import LONGEST_PATIENCE_S
from gateway.failmode.probing import (
    DOWN_INTERVAL_S,
    EARLY_PROBE_TIMEOUT_S,
    HURRIED_INTERVAL_S,
    PROBE_FACTOR,
    PROBE_TIMEOUT_S,
    QUIET_INTERVAL_S,
    SLOW_INTERVAL_S,
    SUSPECT_INTERVAL_S,
    Passed,
    Probe,
    ProbeKind,
    Probing,
)
from gateway.failmode.states import BreakerState

HEALTHY, SUSPECT, DOWN = BreakerState.HEALTHY, BreakerState.SUSPECT, BreakerState.DOWN


def next_round_at(probing: Probing, state: BreakerState, now: float) -> float:
    """Return when the next round begins, to 10 ms."""
    instants = (now + step / 100 for step in range(10_000))
    return next(instant for instant in instants if probing.due(state, instant) is not None)


def asked(probing: Probing, now: float = 100.0, state: BreakerState = HEALTHY) -> Probe:
    """Return the ping of a round that has begun and is over."""
    ping = probing.due(state, now)
    assert ping is not None
    assert probing.end(ping)
    return ping


def slow(seconds: float, wire_s: float | None = None) -> Probing:
    """Return the probes of an application whose ping took so long."""
    probing = Probing()
    probing.learn(asked(probing), Passed(wire_s=wire_s), 100.0 + seconds)
    return probing


def test_the_first_round_is_due_at_once_and_no_other_while_its_ping_is_under_way():
    probing = Probing()
    ping = probing.due(HEALTHY, 100.0)
    assert ping == Probe(ProbeKind.PING, EARLY_PROBE_TIMEOUT_S, 100.0)
    assert probing.under_way is ping
    assert probing.due(HEALTHY, 1_000.0) is None


def test_only_the_probe_under_way_ends():
    probing = Probing()
    ping = probing.ask(ProbeKind.PING, HEALTHY, 100.0)
    check = probing.ask(ProbeKind.CHECK, HEALTHY, 101.0)
    assert probing.is_checking
    assert (probing.end(ping), probing.end(check), probing.end(check)) == (False, True, False)
    assert not probing.is_checking


@pytest.mark.parametrize(
    ("state", "interval_s"), [(HEALTHY, QUIET_INTERVAL_S), (SUSPECT, SUSPECT_INTERVAL_S), (DOWN, DOWN_INTERVAL_S)]
)
def test_each_state_has_its_interval(state, interval_s):
    probing = Probing()
    asked(probing, 100.0, state)
    assert next_round_at(probing, state, 100.0) == pytest.approx(100.0 + interval_s)


def test_a_slow_duo_is_probed_more_often_while_it_is_healthy():
    probing = slow(2.0)
    probing.enter(HEALTHY, 110.0)
    assert next_round_at(probing, HEALTHY, 110.0) == pytest.approx(110.0 + SLOW_INTERVAL_S)


def test_a_round_can_be_hurried_and_put_off():
    probing = Probing()
    asked(probing)
    probing.hurry()
    assert next_round_at(probing, HEALTHY, 100.0) == pytest.approx(100.0 + HURRIED_INTERVAL_S)
    probing.restart(101.0)
    probing.rest(107.0)
    assert next_round_at(probing, HEALTHY, 101.0) == pytest.approx(107.0)


def test_a_suspicion_keeps_the_probe_that_is_under_way_and_every_other_state_drops_it():
    probing = Probing()
    ping = probing.ask(ProbeKind.PING, HEALTHY, 100.0)
    probing.enter(SUSPECT, 100.1)
    assert probing.under_way is ping
    probing.enter(DOWN, 100.2)
    assert probing.under_way is None


@pytest.mark.parametrize(
    ("kind", "state", "timeout_s"),
    [
        (ProbeKind.PING, HEALTHY, PROBE_FACTOR * 2.0),
        (ProbeKind.CHECK, DOWN, PROBE_FACTOR * 2.0),
        (ProbeKind.PING, DOWN, PROBE_TIMEOUT_S),
    ],
)
def test_a_slow_duo_is_waited_for_but_a_ping_of_one_that_is_down_is_one_of_many(kind, state, timeout_s):
    assert slow(2.0).ask(kind, state, 110.0).timeout_s == timeout_s


def test_patience_with_logins_is_what_the_answer_took_without_the_handshake():
    assert slow(2.0).ping_s == 2.0
    assert slow(2.0, wire_s=0.5).ping_s == 0.5


@pytest.mark.parametrize(
    ("kind", "took_s", "since", "is_late"),
    [
        (ProbeKind.PING, 2.0, 0.0, True),
        (ProbeKind.PING, LONGEST_PATIENCE_S, 0.0, True),
        (ProbeKind.PING, LONGEST_PATIENCE_S + 0.1, 0.0, False),
        (ProbeKind.PING, EARLY_PROBE_TIMEOUT_S, 0.0, False),
        (ProbeKind.PING, 2.0, 100.1, False),
        (ProbeKind.CHECK, 2.0, 0.0, False),
    ],
)
def test_a_late_ping_tells_how_slow_duo_is(kind, took_s, since, is_late):
    probe = Probe(kind, EARLY_PROBE_TIMEOUT_S, 100.0)
    assert Probing().is_late_ping(probe, since, 100.0 + took_s) is is_late
