"""First factors in trouble, in the short form for every run of the tests; README.md tells of the long one."""

from pathlib import Path

import pytest

from tests.chaos import domain_controllers, first_factors
from tests.chaos.figures import play, summary

pytestmark = pytest.mark.integration


def test_workers_killed_while_passwords_are_checked_lose_no_login_and_ask_nobody_thrice(tmp_path: Path) -> None:
    outcome = play(first_factors.kill_workers(tmp_path, 1, n_logins=60))
    assert not outcome.violations, summary(outcome.violations)
    assert outcome.n_answers + outcome.n_silent == 60
    assert outcome.n_answers >= 55
    assert 60 - outcome.n_silent <= outcome.n_pushes <= 60
    assert outcome.most_asked <= 2


@pytest.mark.parametrize("fault", domain_controllers.FAULTS)
def test_a_domain_controller_that_fails_loses_no_login_and_locks_nobody_out(tmp_path: Path, fault: str) -> None:
    outcome = play(domain_controllers.fail_first(tmp_path, 1, fault, n_logins=60))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_pushes) == (60, 60)
    assert outcome.most_bound <= 2
