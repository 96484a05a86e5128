"""A Duo that answers, but late, is waited for."""

import pytest

from gateway.failmode.evidence import LONGEST_PATIENCE_S
from gateway.failmode.probing import ProbeKind
from tests.failmode.scene import BEGIN, DOWN, HANG, HEALTHY, Site, outage


def test_a_slow_duo_is_not_suspected():
    site = Site(lambda now, who: (0.7, None)).run(20)
    site.rate = 1.0
    begin = site.now
    site.run(60)
    assert site.states(since=begin) == []


@pytest.mark.parametrize("n_workers", [1, 5])
@pytest.mark.parametrize("rate", [1.0, 20.0, 400.0])
@pytest.mark.parametrize("slow_s", [1.2, 2.0, 3.5])
def test_a_duo_that_becomes_slow_is_soon_waited_for(slow_s: float, rate: float, n_workers: int):
    site = Site(outage(BEGIN, BEGIN + 300, (slow_s, None)), n_workers, rate).run_to(BEGIN + 300)
    assert DOWN not in site.states(since=BEGIN + 4 * slow_s)
    site.run(60)
    assert site.breaker.state is HEALTHY
    assert site.breaker.standing.ping_s < 0.2


def test_a_late_ping_starts_no_second_check():
    site = Site(outage(BEGIN, BEGIN + 300, (3.5, None)), rate=400.0).run_to(BEGIN + 20)
    down_at = site.when(DOWN, since=BEGIN)
    over_at = site.when(HEALTHY, since=down_at)
    checks = [probe for probe in site.probes if probe.kind is ProbeKind.CHECK and down_at < probe.started_at < over_at]
    assert len(checks) == 1


def test_a_duo_that_was_slow_may_go_away():
    site = Site(outage(BEGIN, BEGIN + 60, (2.0, None))).run_to(BEGIN + 50)
    last_answer_at, end = BEGIN + 52, BEGIN + 100
    site.weather = outage(BEGIN + 50, end, HANG)
    site.run_to(end + 30)
    assert site.when(DOWN, since=last_answer_at) - last_answer_at < LONGEST_PATIENCE_S + 0.5
    assert site.when(HEALTHY, since=end) - end < 3.0


def test_a_duo_slower_than_patience_is_away():
    site = Site(outage(BEGIN, BEGIN + 100, (5.0, None))).run_to(BEGIN + 99)
    assert set(site.states(since=BEGIN + 2)) <= {DOWN}
