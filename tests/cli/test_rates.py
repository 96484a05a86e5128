"""What happened between two statuses."""

from typing import Any

import pytest

from gateway.cli.rates import quantile, rates_of

SECTION = "radius_server_duo_only"


def status(uptime_s: float, requests: int, cumulative: list[int], pid: int = 1) -> dict[str, Any]:
    """A status with as many accepts as requests, and logins that took at most 0.1 s, at most 1 s, and any time."""
    return {
        "pid": pid,
        "uptime_s": uptime_s,
        "servers": [{"section": SECTION, "requests": requests, "accepts": requests, "rejects": 0}],
        "histograms": {"bounds_s": [0.1, 1.0], "servers": {SECTION: {"login": {"counts": cumulative}}}},
    }


def test_rates_are_those_since_the_older_status():
    rates = rates_of(SECTION, status(20.0, 300, [0, 0, 0]), status(10.0, 100, [0, 0, 0]))
    assert (rates.requests, rates.accepts, rates.rejects) == (20.0, 20.0, 0.0)


@pytest.mark.parametrize("before", [None, status(90.0, 9000, [0, 0, 0], pid=2)])
def test_without_an_older_status_of_the_same_gateway_they_are_those_since_its_start(before):
    assert rates_of(SECTION, status(10.0, 100, [0, 0, 0]), before).requests == 10.0


def test_percentiles_are_those_of_the_logins_that_ended_since():
    """A thousand quick logins of this morning do not hide that the last ten were slow."""
    rates = rates_of(SECTION, status(20.0, 0, [1000, 1010, 1010]), status(10.0, 0, [1000, 1000, 1000]))
    assert rates.p50_ms == pytest.approx(550.0)
    assert rates.p99_ms == pytest.approx(991.0)


def test_where_no_login_ended_there_are_no_percentiles():
    rates = rates_of(SECTION, status(20.0, 0, [5, 5, 5]), status(10.0, 0, [5, 5, 5]))
    assert (rates.p50_ms, rates.p99_ms) == (None, None)


def test_a_section_that_came_with_a_reload_has_no_past():
    before = status(10.0, 0, [0, 0, 0])
    before["servers"], before["histograms"]["servers"] = [], {}
    rates = rates_of(SECTION, status(20.0, 50, [4, 4, 4]), before)
    assert rates.requests == 5.0
    assert rates.p50_ms == pytest.approx(50.0)


def test_a_status_of_the_same_instant_has_no_rates():
    now = status(10.0, 100, [1, 1, 1])
    assert rates_of(SECTION, now, now) == (0.0, 0.0, 0.0, None, None)


def test_what_is_beyond_the_last_bound_is_at_least_that():
    assert quantile([100.0, 1000.0], [0, 0, 7], 0.5) == 1000.0
