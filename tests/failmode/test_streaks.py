"""What a streak is made of, and what begins it anew."""

import pytest

from gateway.failmode.breaker import CALM_S
from gateway.failmode.evidence import SILENCE_S, Evidence
from gateway.unavailable import Trouble
from gateway.words.explanations import TROUBLES
from tests.failmode.scene import ANSWER, BEGIN, DOWN, HANG, HEALTHY, SUSPECT, only_logins, outage, quiet
from tests.failmode.steps import down, fail_probe, failing, look_until, pass_round, watched


@pytest.mark.parametrize("n_failures", [2, 5, 10])
def test_one_failed_call_and_failed_probes_make_the_streak(n_failures: int):
    site = quiet(outage(BEGIN, BEGIN + 60, (0.01, Trouble.CONNECT)), failures_to_open=n_failures)
    n_probes = len(site.probes)
    site.login("ann")
    site.run(5)
    assert site.states() == [SUSPECT, DOWN]
    begun_at = site.when(DOWN)
    assert len([probe for probe in site.probes[n_probes:] if probe.started_at < begun_at]) == n_failures - 1


def test_one_hanging_call_and_hanging_probes_make_the_streak():
    site = quiet(outage(BEGIN, BEGIN + 60, HANG))
    site.login("ann")
    site.run(6)
    assert site.states() == [SUSPECT, DOWN]
    assert "users waiting in vain: 1, failed probes: 4" in site.changes[-1][1].account


def test_one_users_odd_answers_never_begin_fail_mode_however_many():
    site = quiet(lambda now, who: (0.01, Trouble.HTTP_STATUS) if who == "odd" else ANSWER)
    for _ in range(300):
        site.login("odd")
        site.run(0.1)
    assert set(site.states()) <= {SUSPECT, HEALTHY}
    begin = site.now
    site.run(CALM_S + 1)
    assert site.breaker.state is HEALTHY
    assert len([probe for probe in site.probes if probe.started_at > begin]) <= 6


def test_few_failing_users_lead_back_to_healthy_when_probes_pass():
    site = quiet(only_logins((0.01, Trouble.HTTP_STATUS)))
    for number in range(12):
        site.login(f"user-{number}")
        site.run(CALM_S + 1)
    assert set(site.states()) == {SUSPECT, HEALTHY}


def test_one_hanging_call_while_probes_pass_begins_nothing():
    site = quiet(lambda now, who: HANG if who == "ann" else ANSWER)
    n_probes = len(site.probes)
    site.login("ann")
    site.run(15)
    assert DOWN not in site.states()
    assert site.breaker.state is HEALTHY
    asked_after_s = site.probes[n_probes].started_at - BEGIN
    assert SILENCE_S <= asked_after_s < SILENCE_S + 0.2


def test_the_account_says_what_made_the_streak_and_the_hint_where_to_look():
    standing = down(100.0).standing
    assert standing.account == (
        "Duo does not answer (users with a failed call: 5, failed probes: 1; "
        "the last trouble was connect: ping: refused)"
    )
    assert standing.hint == TROUBLES[Trouble.CONNECT].remedy


def test_an_answer_and_a_round_that_passed_begin_the_streak_anew():
    breaker = watched(100.0)
    look_until(breaker, 100.4, (failing(2, 100.2),))
    fail_probe(breaker, 100.5)
    assert breaker.streak == 3
    pass_round(breaker, 100.7)
    assert (breaker.streak, breaker.standing.since) == (0, 100.7)
    look_until(breaker, 100.8, (failing(3, 100.2),))
    assert breaker.streak == 0
    look_until(breaker, 101.0, (failing(3, 100.9),))
    assert breaker.streak == 3
    breaker.observe([Evidence(since=101.05, answered_at=101.05)], 101.1)
    assert (breaker.streak, breaker.state) == (0, HEALTHY)
