"""Which probes a breaker asks for, and which of their outcomes it believes."""

from itertools import pairwise

import pytest

from gateway.failmode.breaker import Breaker, StateChanged
from gateway.failmode.evidence import Evidence
from gateway.failmode.probing import PROBE_FACTOR, PROBE_TIMEOUT_S, SUSPECT_INTERVAL_S, Failed, Passed, Probe, ProbeKind
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from tests.failmode.scene import TIMEOUT, fair, quiet
from tests.failmode.steps import down, failing, look_until, watched


def test_all_is_probed_at_the_start_and_once_a_minute():
    site = quiet(fair).run(300)
    starts = [probe.started_at for probe in site.probes if probe.kind is ProbeKind.PING]
    assert starts[0] - 1_000.0 < 0.2
    assert [round(later - earlier) for earlier, later in pairwise(starts)] == [60] * 5
    assert [probe.kind for probe in site.probes] == [ProbeKind.PING, ProbeKind.CHECK] * 6


def test_while_down_probes_follow_the_plan_whatever_becomes_of_them():
    breaker = down(100.0)
    starts = []
    while len(starts) < 5:
        for decision in look_until(breaker, breaker._looked_at + 0.1):
            assert isinstance(decision, Probe)
            starts.append(decision.started_at)
        probe = breaker._probing.under_way
        if probe is not None and breaker._looked_at >= probe.started_at + PROBE_TIMEOUT_S:
            assert breaker.probed(probe, Failed(Trouble.TIMEOUT, ""), breaker._looked_at) == []
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([2.0] * 4, abs=0.11)


def test_a_probe_of_a_state_that_is_over_is_not_believed():
    breaker = watched(100.0)
    look_until(breaker, 100.4, (failing(1, 100.2),))
    stale = breaker._probing.under_way
    assert stale is not None
    breaker._happened(BreakerEvent.STREAK_COMPLETE, 100.5)
    assert breaker.probed(stale, Passed(0.0), 100.6) == []


def test_how_long_a_handshake_takes_makes_nobody_more_patient():
    """A ping has a connection of its own, and logins have not; its own time-out has to spare the handshake."""
    breaker = Breaker()
    (ping,) = breaker.observe([], 100.0)
    assert isinstance(ping, Probe)
    (check,) = breaker.probed(ping, Passed(0.0, wire_s=0.2), 100.9)
    assert isinstance(check, Probe)
    assert breaker.standing.ping_s == 0.2
    assert check.timeout_s == pytest.approx(0.9 * PROBE_FACTOR)


def test_a_suspicion_is_looked_into_at_once_but_not_more_often_than_a_suspicion_is():
    """Trouble that comes and goes must not make a round of probes each time."""
    breaker, now = Breaker(), 1_000.0
    decisions = breaker.observe([Evidence()], now)
    while probes := [each for each in decisions if isinstance(each, Probe)]:
        decisions = breaker.probed(probes[0], Passed(), now)
    odd = Evidence(troubled_at=now + 0.1, n_failing=1, trouble=TIMEOUT)
    assert [type(each) for each in breaker.observe([odd], now + 0.1)] == [StateChanged]
    assert breaker.observe([odd], now + SUSPECT_INTERVAL_S - 0.01) == []
    assert [type(each) for each in breaker.observe([odd], now + SUSPECT_INTERVAL_S)] == [Probe]
