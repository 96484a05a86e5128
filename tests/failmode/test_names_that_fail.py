"""Logins that fail although ping and check pass: somebody may be inventing the names."""

from itertools import count

import pytest

from gateway.failmode.breaker import LOGINS_WELL_S, MOST_TRIALS, TRIAL_S
from gateway.failmode.evidence import LATELY_S, OVERDUE_S
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from gateway.words.explanations import LOGINS_FAIL
from tests.failmode.scene import (
    ANSWER,
    BEGIN,
    CALL_TIMEOUT_S,
    DOWN,
    HANG,
    HEALTHY,
    QUICK_TROUBLES,
    SUSPECT,
    TRIAL,
    Fate,
    Site,
    Weather,
    fair,
    only_logins,
    outage,
)

EVIL_FATES = [(0.01, trouble) for trouble in QUICK_TROUBLES] + [HANG, (0.9, Trouble.CLOSED)]


def evil_names(site: Site, seconds: float, n_names: int = 6) -> None:
    """Send distinct names every 0.25 s."""
    for _ in range(round(seconds * 4)):
        for _ in range(n_names):
            site.login(f"evil-{next(site.numbers)}")
        site.run(0.25)


def against_evil(fate: Fate, others: Weather = fair) -> Weather:
    return lambda now, who: fate if who.startswith("evil") else others(now, who)


@pytest.mark.parametrize("fate", EVIL_FATES)
@pytest.mark.parametrize("rate", [0.0, 5.0, 200.0])
def test_names_that_fail_never_begin_fail_mode_while_ping_and_check_pass(rate: float, fate: Fate):
    site = Site(against_evil(fate), rate=rate).run_to(BEGIN)
    evil_names(site, 30)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_duo_that_answers_ping_and_check_and_no_login_is_not_away():
    """Until here it was, after 1 s: nothing tells it from names that somebody invents, and so each login decides."""
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, Trouble.HTTP_STATUS)))
    site.weather = lambda now, who: ANSWER if who in ("ping", "check") or now < BEGIN else (0.01, Trouble.HTTP_STATUS)
    site.run_to(BEGIN + 20)
    assert site.states() == [SUSPECT, SUSPECT]


@pytest.mark.parametrize("rate", [0.0, 5.0, 200.0])
def test_logins_that_fail_are_told_of_once_and_when_it_is_over(rate: float):
    site = Site(against_evil((0.01, Trouble.HTTP_STATUS)), rate=rate).run_to(BEGIN)
    evil_names(site, 30)
    told = [(at, change) for at, change in site.changes if change.event is BreakerEvent.LOGINS_FAIL]
    ((at, change),) = told
    assert at - BEGIN < 1.0
    assert change.account.startswith("Ping and check pass, but logins fail and are decided one by one (users with a")
    assert change.account.endswith("the last trouble was http_status: a login's call)")
    assert change.hint == LOGINS_FAIL
    assert (site.breaker.state, site.breaker.standing.account) == (SUSPECT, change.account)
    end = site.now
    site.run(LATELY_S + LOGINS_WELL_S + 1)
    assert site.breaker.state is HEALTHY
    assert site.when(HEALTHY, since=end) - end > LOGINS_WELL_S


def test_logins_that_fail_from_the_very_start_are_told_of_at_once():
    site = Site(against_evil((0.01, Trouble.CLOSED)), rate=0.0)
    evil_names(site, 1)
    assert site.changes[-1][1].event is BreakerEvent.LOGINS_FAIL


def test_names_that_hang_are_told_of_when_their_calls_have_ended():
    site = Site(against_evil(HANG)).run_to(BEGIN)
    evil_names(site, CALL_TIMEOUT_S + 2)
    assert site.changes[-1][1].event is BreakerEvent.LOGINS_FAIL
    assert "timeout" in site.breaker.standing.account


def test_users_who_failed_in_an_outage_are_none_whose_logins_fail_alone():
    site = Site(outage(BEGIN, BEGIN + 0.5, (0.01, Trouble.CONNECT))).run_to(BEGIN + 30)
    site.weather = outage(BEGIN + 30, BEGIN + 35, (0.01, Trouble.CONNECT))
    site.run_to(BEGIN + 60)
    assert BreakerEvent.LOGINS_FAIL not in [change.event for _, change in site.changes]


def test_one_lost_ping_does_not_help_names_that_fail():
    n_pings = count()

    def others(_now: float, who: str) -> Fate:
        return HANG if who == "ping" and next(n_pings) % 5 in (3, 4) else ANSWER

    site = Site(against_evil((0.01, Trouble.CLOSED), others), rate=0.0).run_to(BEGIN)
    evil_names(site, 60)
    assert next(n_pings) > 40
    assert set(site.states()) <= {SUSPECT, HEALTHY}


@pytest.mark.parametrize(("fate", "within_s"), [((0.01, Trouble.CONNECT), 1.5), (HANG, 3.5)])
@pytest.mark.parametrize("rate", [0.0, 200.0])
@pytest.mark.parametrize("tenth", range(5))
def test_an_outage_is_known_although_names_had_failed_before(tenth: int, rate: float, fate: Fate, within_s: float):
    site = Site(against_evil((0.01, Trouble.CLOSED)), rate=rate).run_to(BEGIN)
    evil_names(site, 5)
    site.run(tenth / 10)
    begin = site.now
    site.weather = outage(begin, begin + 60, fate)
    evil_names(site, 5)
    assert site.when(DOWN) - begin < within_s


@pytest.mark.parametrize("fate", EVIL_FATES)
@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_names_that_fail_hold_fail_mode_for_three_trials_at_most(n_workers: int, fate: Fate):
    end = BEGIN + 5
    site = Site(outage(BEGIN, end, HANG), n_workers).run_to(end)
    assert site.breaker.state is DOWN
    site.rate = 0.0
    site.weather = only_logins(fate)
    evil_names(site, 60)
    over_at = site.when(SUSPECT, since=end)
    assert over_at - end < MOST_TRIALS * (2.0 + OVERDUE_S + TRIAL_S + 0.5)
    assert site.breaker.standing.trial == MOST_TRIALS
    assert not any(state.is_fail_mode_active for state in site.states(since=over_at))
    over = next(change for at, change in site.changes if at == over_at)
    assert (over.old, over.event, over.hint) == (TRIAL, BreakerEvent.LOGINS_FAIL, LOGINS_FAIL)
