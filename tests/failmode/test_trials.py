"""How a trial ends: one login of each worker asks although fail mode decides the others."""

from gateway.failmode.breaker import MOST_TRIALS, TRIAL_S
from gateway.failmode.evidence import LONGEST_PATIENCE_S, Evidence
from gateway.unavailable import Trouble
from tests.failmode.scene import BEGIN, DOWN, HANG, HEALTHY, TIMEOUT, TRIAL, Site, only_logins, outage
from tests.failmode.steps import in_trial, look_until


def test_while_down_nobody_but_one_login_of_each_worker_and_trial_is_asked():
    site = Site(outage(BEGIN, BEGIN + 60, HANG)).run_to(BEGIN + 5)
    n_asked = site.n_asked
    site.run(5)
    assert site.n_asked == n_asked
    site.weather = only_logins(HANG)
    site.run(6)
    assert site.breaker.standing.trial > 1
    assert site.n_asked - n_asked <= 2 * site.breaker.standing.trial


def test_trials_before_a_probe_failed_anew_do_not_count():
    """A Duo that comes and goes is away; each of its returns has its own trials."""
    site = Site(outage(BEGIN, BEGIN + 5, HANG)).run_to(BEGIN + 5)
    for _ in range(4):
        site.weather = only_logins((0.01, Trouble.HTTP_STATUS))
        site.run_to(site.now + 5)
        site.weather = lambda now, who: (0.01, Trouble.HTTP_STATUS)
        site.run_to(site.now + 5)
    assert site.breaker.state is DOWN
    assert site.breaker.standing.trial > MOST_TRIALS


def test_no_login_that_comes_late_into_a_trial_prolongs_it():
    """Each worker lets one through, and one may come when another's has just failed."""
    breaker = in_trial()
    now = 102.3
    while breaker.state is TRIAL:
        now += 0.1
        breaker.observe([Evidence(since=102.3, n_failing=1, troubled_at=now, waiting_since=now - 0.1)], now)
    assert now - 102.3 < TRIAL_S + LONGEST_PATIENCE_S + 0.2
    assert breaker.state is DOWN


def test_in_a_trial_the_first_answer_decides():
    breaker = in_trial()
    breaker.observe([Evidence(since=102.3, n_failing=1, troubled_at=102.5), Evidence(answered_at=102.6)], 102.7)
    assert breaker.state is HEALTHY


def test_a_trial_waits_for_the_last_login_before_it_fails():
    breaker = in_trial()
    look_until(breaker, 102.9, (Evidence(since=102.3, n_failing=1, troubled_at=102.5, waiting_since=102.4),))
    assert breaker.state is TRIAL
    breaker.observe([Evidence(since=102.3, n_failing=2, troubled_at=102.9, trouble=TIMEOUT)], 103.0)
    assert breaker.state is DOWN
    assert "the login that was to try failed (timeout: a login's call)" in breaker.standing.account


def test_a_trial_whose_login_hangs_fails():
    breaker = in_trial()
    evidence = (Evidence(since=102.3, waiting_since=102.4),)
    look_until(breaker, 103.3, evidence)
    assert breaker.state is TRIAL
    look_until(breaker, 103.5, evidence)
    assert breaker.state is DOWN


def test_in_a_trial_what_was_asked_before_counts_for_nothing():
    breaker = in_trial()
    look_until(breaker, 102.7, (Evidence(since=100.2, n_failing=64, n_overdue=64, waiting_since=100.5),))
    assert breaker.state is TRIAL


def test_without_a_login_a_trial_passes():
    breaker = in_trial()
    look_until(breaker, 102.3 + TRIAL_S + 0.05)
    assert breaker.state is HEALTHY


def test_each_trial_has_a_number_and_an_instant_of_its_own():
    breaker = in_trial()
    standing = breaker.standing
    assert (standing.trial, standing.since, standing.entered_at) == (1, 102.3, 102.3)
