"""When fail mode begins and ends, with many users and with few."""

from zlib import crc32

import pytest

from gateway.failmode.probing import QUIET_INTERVAL_S
from gateway.unavailable import Trouble
from tests.failmode.scene import ANSWER, BEGIN, DOWN, HANG, HEALTHY, QUICK_TROUBLES, SUSPECT, Fate, Site, outage, quiet
from tests.failmode.steps import down


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("trouble", QUICK_TROUBLES)
def test_fail_mode_begins_within_1_s_when_every_call_fails(trouble: Trouble, n_workers: int):
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, trouble)), n_workers).run_to(BEGIN + 10)
    assert site.when(DOWN) - BEGIN < 1.0


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("usual_s", [0.02, 0.1, 0.3])
def test_fail_mode_begins_within_2_s_of_a_black_hole(n_workers: int, usual_s: float):
    def weather(now: float, _who: str) -> Fate:
        return HANG if now >= BEGIN else (usual_s, None)

    site = Site(weather, n_workers).run_to(BEGIN + 10)
    assert site.when(DOWN) - BEGIN < 2.0


@pytest.mark.parametrize("is_cutting", [True, False])
@pytest.mark.parametrize("fate", [HANG, (0.01, Trouble.CONNECT)])
@pytest.mark.parametrize("rate", [0.0, 1.0, 200.0])
@pytest.mark.parametrize("quarter", range(8))
def test_fail_mode_ends_within_3_s_of_duos_return_and_stays_away(
    quarter: int, rate: float, fate: Fate, is_cutting: bool
):
    """Calls of the outage that time out 10 s later do not begin it anew."""
    end = BEGIN + 6 + quarter / 4
    site = Site(outage(BEGIN, end, fate), is_cutting=is_cutting).run_to(BEGIN + 5)
    assert site.breaker.state is DOWN
    site.rate = rate
    site.run_to(end + 12)
    healthy_at = site.when(HEALTHY, since=end)
    assert healthy_at - end < 3.0
    assert DOWN not in site.states(since=healthy_at)


def test_some_failing_logins_among_many_begin_nothing():
    def weather(_now: float, who: str) -> Fate:
        return (0.01, Trouble.HTTP_STATUS) if crc32(who.encode()) % 10 == 0 else ANSWER

    site = Site(weather).run(60)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_worker_that_fails_alone_begins_nothing():
    """Others are answered: it is no outage of Duo's."""

    def weather(_now: float, who: str) -> Fate:
        return (0.01, Trouble.TLS) if crc32(who.encode()) % 2 else ANSWER

    site = Site(weather, n_workers=2).run(60)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMIT, Trouble.BUSY])
def test_what_users_can_provoke_begins_nothing(trouble: Trouble):
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, trouble))).run_to(BEGIN + 70)
    assert site.states() == []


def test_a_rate_limit_ends_fail_mode():
    """Else a flood of logins would keep the door open under failmode=safe."""
    site = Site(outage(BEGIN, BEGIN + 10, HANG)).run_to(BEGIN + 10)
    site.weather = lambda now, who: (0.01, Trouble.RATE_LIMIT)
    site.run(3)
    assert site.breaker.state is HEALTHY


def test_an_outage_is_known_before_the_first_login_of_the_morning():
    site = quiet(outage(BEGIN, BEGIN + 600, (0.01, Trouble.CONNECT))).run(QUIET_INTERVAL_S + 5)
    assert site.states() == [SUSPECT, DOWN]
    assert site.n_asked == 0


def test_an_outage_that_was_there_at_the_start_is_known_at_once():
    site = Site(outage(0.0, BEGIN, (0.01, Trouble.DNS)), rate=0.0).run(3)
    assert site.states() == [SUSPECT, DOWN]


def test_repr():
    assert repr(down(100.0)) == "<Breaker down streak=6 trial=0>"
