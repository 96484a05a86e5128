"""Several hosts in trouble, in the short form for every run of the tests; README.md tells of the long one.

On a busy machine the store may be late, and a login alone: then its user may be pushed by each host. How often that was
is counted, so no more pushes than that are excused.
"""

import sys
from pathlib import Path

import pytest

from bench.endings import start
from tests.chaos.figures import play, seeds, summary
from tests.chaos.hosts_balanced import balance, turn
from tests.chaos.hosts_both import ask_both
from tests.chaos.hosts_killed import kill_host
from tests.chaos.hosts_networks import CUTS, NOT_PERMITTED
from tests.chaos.hosts_restarts import restart_under_load
from tests.chaos.hosts_stores import TROUBLES, trouble_store
from tests.fleet.redis_server import needs_store
from tests.long_form import is_long_form

pytestmark = [pytest.mark.integration, needs_store]

SHORT_TROUBLES = ("stopped", "failover")
NETWORKS_S = 300.0


@pytest.mark.parametrize("seed", seeds(1))
def test_logins_asked_at_both_are_pushed_once(tmp_path: Path, seed: int) -> None:
    outcome = play(ask_both(tmp_path, seed, n_logins=100, rate=50))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_differing) == (200, 0)
    assert outcome.n_repeated <= outcome.claims["alone"]


@pytest.mark.parametrize("seed", seeds(1))
def test_pushes_of_a_host_that_dies_are_answered_by_the_other(tmp_path: Path, seed: int) -> None:
    outcome = play(kill_host(tmp_path, seed, n_logins=60, is_named=True))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.lost) == (60, [])
    assert outcome.n_pushes - 60 <= outcome.claims["alone"]


@pytest.mark.parametrize("trouble", TROUBLES if is_long_form() else SHORT_TROUBLES)
def test_a_store_in_trouble_loses_no_login(tmp_path: Path, trouble: str) -> None:
    outcome = play(trouble_store(tmp_path, 1, trouble, rate=40, phase_s=1.0))
    assert not outcome.violations, summary(outcome.violations)
    assert outcome.n_answers == outcome.n_logins


def test_hosts_are_restarted_by_turns_while_people_log_in(tmp_path: Path) -> None:
    outcome = play(restart_under_load(tmp_path, 1, n_restarts=2, rate=20, spacing_s=1.0))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_restarts) == (outcome.n_logins, 2)


def test_a_balancer_may_send_each_datagram_to_another_host(tmp_path: Path) -> None:
    outcome = play(balance(tmp_path, 1, n_logins=50))
    assert not outcome.violations, summary(outcome.violations)
    assert outcome.n_answers == 50
    assert outcome.n_pushes - 50 <= outcome.claims["alone"]


def test_a_nas_may_turn_to_the_other_host_while_a_push_is_pending(tmp_path: Path) -> None:
    outcome = play(turn(tmp_path, 1, n_logins=50, timeout_s=5.0))
    assert not outcome.violations, summary(outcome.violations)
    assert outcome.n_answers == 50
    assert outcome.n_pushes - 50 <= outcome.claims["alone"]


@pytest.mark.parametrize("cut", CUTS)
def test_ways_that_are_cut(tmp_path: Path, cut: str) -> None:
    """In a process of its own, which leaves this network; in a folder of its own, for sockets want short paths."""
    with (tmp_path / "said").open("w+") as said:
        program = start(
            [sys.executable, "-m", "tests.chaos.hosts_networks", "--cuts", cut],
            stdout=said,
            stderr=said,
        )
        try:
            status = program.wait(NETWORKS_S)
        finally:
            program.kill()
            program.wait()
        said.seek(0)
        if status == NOT_PERMITTED:
            pytest.skip("needs the right to make network namespaces")
        assert status == 0, said.read()
