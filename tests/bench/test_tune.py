"""The number of workers that is recommended."""

import pytest

from bench.tune import Tried, advice, curve, knee, limited_by


@pytest.mark.parametrize(
    ("rates", "workers"),
    [
        ({1: 1000}, 1),
        ({1: 1000, 2: 1990, 3: 2950, 4: 3900}, 4),
        ({1: 1000, 2: 1900, 3: 1950, 4: 1930}, 2),
        ({1: 1000, 2: 1050}, 1),
        ({1: 1000, 2: 900, 3: 1500}, 3),  # a bad moment in between is no knee
        ({1: 0.0, 2: 0.0}, 1),
        ({2: 1900, 1: 1000}, 2),
    ],
)
def test_the_knee_is_the_least_number_that_none_beyond_outdoes_by_a_tenth(rates, workers):
    assert knee(rates) == workers


@pytest.mark.parametrize(
    ("complaint", "core_share", "waited_share", "who"),
    [
        ("98.00% answered, p99 300.0 ms", 0.95, 0.0, "the workers"),
        ("98.00% answered, p99 300.0 ms", 0.6, 0.0, "the simulated Duo"),
        ("98.00% answered, p99 300.0 ms", 0.6, 0.4, "the cores, which others needed too"),
        ("the load generator is at its limit: 9 unsent, 8 late", 0.95, 0.0, "the load generator"),
    ],
)
def test_who_sleeps_at_the_limit_was_not_the_limit(complaint, core_share, waited_share, who):
    assert limited_by(["", complaint], core_share, waited_share) == who


def test_the_advice_says_what_to_set_and_what_it_is_worth():
    tried = [
        Tried(1, 5000.0, 0.88, 150.0, "the workers"),
        Tried(2, 5100.0, 0.5, 160.0, "the simulated Duo"),
    ]
    setting, *rest = advice(tried, n_cores=2)
    assert setting == "workers=1"
    assert rest[0] == "1 worker(s) carried 5,000 logins/s; more were no use here."
    assert "from 2 workers on they compete" in rest[1]
    assert rest[2].startswith("With 2 worker(s) the limit was that of the simulated Duo")


def test_the_curve_names_the_number():
    assert "workers=1" in curve([Tried(1, 5000.0, 0.9, 150.0, ""), Tried(2, 5100.0, 0.5, 160.0, "")])
