"""The charts' samples: rates and quantiles out of counts."""

from gateway.console.history import N_SAMPLES, WINDOW_S, History
from gateway.words.reasons import Reason
from tests.console.scene import Gateway


def taken(gateway: Gateway, history: History, now: float) -> None:
    history.take(gateway.status, 1_800_000_000 + now, now)


def test_the_first_status_is_only_compared_with():
    history = History()
    taken(Gateway(), history, 1)
    assert history.n_taken == 0
    assert history.after(0) == []


def test_rates_by_outcome():
    gateway, history = Gateway(), History()
    taken(gateway, history, 1)
    for reason in (
        Reason.DUO_ALLOWED,
        Reason.DUO_BYPASS,
        Reason.DUO_DENIED,
        Reason.FAILMODE_SAFE,
        Reason.FAILMODE_SECURE,
        Reason.SMS_SENT,
        Reason.CHALLENGED,
    ):
        gateway.login(reason)
    taken(gateway, history, 3)
    (sample,) = history.after(0)
    assert (sample.accepted, sample.rejected, sample.failmode) == (1.0, 0.5, 1.0)
    assert sample.at == 1_800_000_003


def test_quantiles_are_those_of_the_window():
    gateway, history = Gateway(), History()
    gateway.login(Reason.DUO_ALLOWED, 60.0)
    taken(gateway, history, 1)
    gateway.login(Reason.DUO_ALLOWED, 0.2)
    taken(gateway, history, 2)
    taken(gateway, history, 3 + WINDOW_S)
    sample, quiet = history.after(0)
    assert sample.login_p99 is not None
    assert 0.1 <= sample.login_p99 <= 0.25
    assert sample.gateway_p50 is not None
    assert sample.gateway_p50 <= 0.0005
    taken(gateway, history, 4 + WINDOW_S)
    assert history.after(2)[0].login_p50 is None
    assert quiet.accepted == 0


def test_counts_that_a_reload_takes_away_are_no_negative_rate():
    gateway, history = Gateway(), History()
    gateway.login(Reason.DUO_ALLOWED)
    taken(gateway, history, 1)
    taken(Gateway(), history, 2)
    assert history.after(0)[0].accepted == 0
    assert history.after(0)[0].login_p50 is None


def test_only_what_is_new_and_never_more_than_an_hour():
    gateway, history = Gateway(), History()
    for second in range(N_SAMPLES + 11):
        taken(gateway, history, second)
    assert history.n_taken == N_SAMPLES + 10
    assert len(history.after(0)) == N_SAMPLES
    assert [sample.at - 1_800_000_000 for sample in history.after(history.n_taken - 2)] == [
        N_SAMPLES + 9,
        N_SAMPLES + 10,
    ]
    assert history.after(history.n_taken) == []
    assert history.after(10**9) == []
