"""What was asked before the process or the machine stood still counts for nothing."""

from gateway.failmode.breaker import PAUSE_S, Breaker
from gateway.failmode.evidence import Evidence
from gateway.failmode.probing import Failed, Probe
from gateway.unavailable import Trouble
from tests.failmode.scene import BEGIN, HEALTHY, SUSPECT, TIMEOUT, Site, outage, quiet
from tests.failmode.steps import watched


def test_a_machine_that_was_suspended_under_load_begins_nothing():
    """All calls under way have lost their connections."""
    site = Site(outage(BEGIN - 0.3, BEGIN, (9.0, Trouble.CLOSED))).run_to(BEGIN)
    site.sleep(25.0).run(20)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_machine_that_was_suspended_in_a_quiet_hour_begins_nothing():
    site = quiet(outage(BEGIN, BEGIN + 1, (9.0, Trouble.CLOSED)))
    for number in range(20):
        site.login(f"user-{number}")
    site.sleep(25.0).run(10)
    assert set(site.states()) <= {SUSPECT, HEALTHY}
    assert site.breaker.state is HEALTHY


def test_a_first_look_after_a_pause_believes_no_old_evidence():
    breaker = watched(100.0)
    breaker.observe([Evidence(since=100.0, troubled_at=100.5, n_failing=64, n_overdue=64)], 100.0 + PAUSE_S + 0.2)
    assert breaker.state is HEALTHY
    assert breaker.streak == 0


def test_a_probe_of_before_the_pause_counts_for_nothing():
    breaker = Breaker()
    (probe,) = breaker.observe([], 100.0)
    assert isinstance(probe, Probe)
    assert breaker.probed(probe, Failed(Trouble.TIMEOUT, ""), 110.0) == []
    assert breaker.state is HEALTHY
    (again,) = breaker.observe([], 110.1)
    assert isinstance(again, Probe)


def test_an_answer_of_before_a_pause_says_nothing_of_duo_after_it():
    breaker, now = Breaker(), 1_000.0
    breaker.observe([Evidence()], now)
    breaker.observe([Evidence(troubled_at=now + 0.1, n_failing=1, trouble=TIMEOUT)], now + 0.1)
    assert breaker.state is SUSPECT
    answered = Evidence(troubled_at=now + 0.1, answered_at=now + 0.2)
    breaker.observe([answered], now + 0.2 + PAUSE_S + 1)
    assert breaker.state is SUSPECT
    breaker.observe([Evidence(answered_at=now + 0.4 + PAUSE_S + 1)], now + 0.4 + PAUSE_S + 1)
    assert breaker.state is HEALTHY
