"""Keys and clock are judged by `check` alone."""

import pytest

from gateway.failmode.breaker import TRIAL_S
from gateway.failmode.evidence import Evidence
from gateway.failmode.probing import CLOCK_INTERVAL_S, KEYS_INTERVAL_S, QUIET_INTERVAL_S
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from gateway.words.explanations import TROUBLES
from tests.failmode.scene import (
    ANSWER,
    BEGIN,
    CLOCK_SKEWED,
    DOWN,
    HANG,
    HEALTHY,
    KEYS_REFUSED,
    SUSPECT,
    TRIAL,
    Site,
    Weather,
    fair,
    only_logins,
    outage,
    quiet,
)
from tests.failmode.steps import fail_probe, failing, look_until, pass_round, watched


def judged(trouble: Trouble) -> Weather:
    """Duo answers ping and refuses all else."""
    return lambda now, who: ANSWER if who == "ping" or now < BEGIN else (0.05, trouble)


def test_keys_that_duo_refuses_are_fail_mode_with_words_of_its_own():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 2)
    assert site.states() == [SUSPECT, KEYS_REFUSED]
    change = site.changes[-1][1]
    assert change.account == "Duo refuses this application's keys: configuration: why"
    assert change.hint == TROUBLES[Trouble.CONFIGURATION].remedy
    assert site.breaker.state.is_fail_mode_active


def test_keys_are_judged_by_two_refusals_of_check_alone():
    site = quiet(judged(Trouble.CONFIGURATION)).run(QUIET_INTERVAL_S + 2)
    assert site.states() == [SUSPECT, KEYS_REFUSED]


def test_refused_users_whom_check_does_not_confirm_begin_nothing():
    site = Site(only_logins((0.05, Trouble.CONFIGURATION))).run(10)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_keys_that_were_mended_end_it():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 30)
    assert site.states() == [SUSPECT, KEYS_REFUSED]
    site.weather = fair
    site.run(KEYS_INTERVAL_S + 1)
    assert site.states() == [SUSPECT, KEYS_REFUSED, TRIAL, HEALTHY]


def test_duo_may_go_away_while_the_keys_are_refused():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 10)
    site.weather = lambda now, who: (0.01, Trouble.CONNECT)
    site.run(5 * KEYS_INTERVAL_S + 1)
    assert site.states()[-1] is DOWN
    site.weather = judged(Trouble.CONFIGURATION)
    site.run(3)
    assert site.states()[-1] is KEYS_REFUSED


def test_a_clock_that_is_off_is_loud_but_no_fail_mode():
    breaker = watched(100.0)
    changes = pass_round(breaker, 161.0, skew_s=90.0)
    assert [change[:3] for change in changes] == [(HEALTHY, CLOCK_SKEWED, BreakerEvent.CLOCK_OFF)]
    assert changes[0].account.startswith("This machine's clock is 90 s behind Duo's")
    assert "NTP" in changes[0].hint
    assert not breaker.state.is_fail_mode_active
    assert pass_round(breaker, 161.1 + CLOCK_INTERVAL_S, skew_s=-0.4)[0].new is HEALTHY


def test_a_clock_that_is_ahead_is_called_so():
    (change,) = pass_round(watched(100.0), 161.0, skew_s=-31.0)
    assert change.account.startswith("This machine's clock is 31 s ahead of Duo's")


@pytest.mark.parametrize("skew_s", [29.0, -29.0, None])
def test_a_small_skew_or_none_told_is_nothing(skew_s: float | None):
    assert pass_round(watched(100.0), 161.0, skew_s=skew_s) == []


def test_a_skewed_clock_hides_no_outage():
    breaker = watched(100.0)
    pass_round(breaker, 161.0, skew_s=90.0)
    look_until(breaker, 161.9)
    breaker.observe([failing(5, 161.9)], 162.0)
    assert breaker.state is SUSPECT
    fail_probe(breaker, 162.1)
    breaker.observe([failing(5, 161.9)], 162.2)
    assert breaker.state is DOWN


def test_a_suspicion_and_a_trial_end_in_clock_skewed_while_the_clock_is_off():
    breaker = watched(100.0)
    pass_round(breaker, 161.0, skew_s=90.0)
    breaker.observe([Evidence(since=161.0, troubled_at=161.2)], 161.2)
    breaker.observe([Evidence(since=161.3, answered_at=161.3)], 161.3)
    assert breaker.state is CLOCK_SKEWED
    look_until(breaker, 162.3)
    breaker.observe([failing(5, 162.3)], 162.4)
    fail_probe(breaker, 162.5)
    breaker.observe([failing(5, 162.3)], 162.6)
    pass_round(breaker, 164.7, skew_s=90.0)
    assert breaker.state is TRIAL
    look_until(breaker, 164.7 + TRIAL_S + 0.1)
    assert breaker.state is CLOCK_SKEWED


def test_a_date_that_duo_refuses_although_it_is_its_own_is_down():
    """Each login would have to be told so by Duo; fail mode is what all of them get in the end."""
    site = Site(judged(Trouble.CLOCK)).run_to(BEGIN + 2)
    assert site.states() == [SUSPECT, DOWN]
    assert site.changes[-1][1].account.startswith("Duo refuses the date of calls")
    site.run(30)
    assert site.states() == [SUSPECT, DOWN]
    site.weather = fair
    site.run(3)
    assert site.breaker.state is HEALTHY


def test_a_new_cause_of_an_old_outage_is_told_once():
    site = Site(outage(BEGIN, BEGIN + 5, HANG)).run_to(BEGIN + 5)
    site.weather = judged(Trouble.CLOCK)
    site.run(20)
    assert site.states() == [SUSPECT, DOWN, DOWN]
    assert site.changes[-1][1].old is DOWN
