"""Whole processes in trouble, in the short form for every run of the tests; README.md tells of the long one.

What is asserted is what may become of logins, never how long it took: times are for the programs of the same names.
"""

import random
from pathlib import Path

import pytest

from gateway import __version__
from tests.chaos.everything import suffer_everything
from tests.chaos.figures import play, seeds, summary
from tests.chaos.first_version import change_versions, obstacle
from tests.chaos.fleet import Habits
from tests.chaos.kills import KILLS_EACH, N_WORKERS, kill_workers
from tests.chaos.lossy import lose_datagrams
from tests.chaos.many_pending import wait_for_many
from tests.chaos.mix import mixed_plans
from tests.chaos.outages import FAULTS, Effects, Pace, suffer
from tests.chaos.random_reloads import reload_at_random
from tests.chaos.records import PUSH, Plan
from tests.chaos.recovery import recover
from tests.chaos.relay import Weather
from tests.chaos.reloads import MOST_SENT, reload_under_load
from tests.chaos.scarce import reload_at_the_limit
from tests.chaos.scene import GATEWAY_HOSTS, Scene
from tests.chaos.supervisors import kill_supervisors
from tests.long_form import is_long_form

pytestmark = pytest.mark.integration

SHORT_FAULTS = ("refuse",)  # for no answer see the test behind
SHORT_OUTAGE = Pace(rate=50, n_healthy=30, n_open=30, quick_s=float("inf"), limit_s=15.0, api_timeout_s=1)


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_workers_lose_no_push_and_repeat_none(tmp_path: Path, seed: int) -> None:
    outcome = play(kill_workers(tmp_path, seed, n_logins=100))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_pushes, outcome.n_kills) == (100, 100, N_WORKERS * KILLS_EACH)


@pytest.mark.parametrize("seed", seeds(1))
def test_reloads_lose_no_login(tmp_path: Path, seed: int) -> None:
    outcome = play(reload_under_load(tmp_path, seed, n_reloads=3, rate=20, spacing_s=1))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_reloads) == (outcome.n_logins, 3)
    assert outcome.most_sent <= MOST_SENT


@pytest.mark.parametrize("seed", seeds(1))
def test_a_dry_run_says_what_the_reload_says(tmp_path: Path, seed: int) -> None:
    outcome = play(reload_at_random(tmp_path, seed, n_reloads=1))
    assert not outcome.violations, summary(outcome.violations)
    assert not outcome.surprises, outcome.surprises
    assert outcome.n_answers == outcome.n_logins


def test_reloads_at_the_limit_of_open_files_push_nobody_twice(tmp_path: Path) -> None:
    outcome = play(reload_at_the_limit(tmp_path, 1, n_logins=200, n_reloads=1, max_files=80))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_reloads, outcome.n_twice) == (200, 1, 0)


def test_the_slot_of_a_killed_worker_answers_again(tmp_path: Path) -> None:
    assert len(play(recover(tmp_path, seed=1, n_slots=2, served_s=0.2))) == 2


@pytest.mark.parametrize("fault", FAULTS if is_long_form() else SHORT_FAULTS)
def test_fail_mode_decides_during_an_outage_and_duo_after_it(tmp_path: Path, fault: str) -> None:
    for seen in play(suffer(tmp_path, 1, fault, SHORT_OUTAGE)):
        assert not seen.violations, summary(seen.violations)
        assert seen.n_answers == seen.n_logins
        assert was_open_and_closed(seen)


def test_reloads_during_an_outage_do_not_prolong_it(tmp_path: Path) -> None:
    """They come, most likely, while Duo is being probed."""
    pace = SHORT_OUTAGE._replace(n_open=110)
    for seen in play(suffer(tmp_path, 1, "black_hole", pace, n_reloads=2)):
        assert not seen.violations, summary(seen.violations)
        assert was_open_and_closed(seen)


def was_open_and_closed(seen: Effects) -> bool:
    """Whether fail mode began to decide, and Duo again after the fault: at any time at all."""
    return max(seen.opened_after_s, seen.closed_after_s) < float("inf")


def test_hundreds_of_pending_pushes_are_answered_once_approved(tmp_path: Path) -> None:
    outcome = play(wait_for_many(tmp_path, 1, n_logins=200, rate=200, retry_s=1.0, watched_s=0.5))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_pushes) == (200, 200)


@pytest.mark.parametrize("seed", seeds(2))
def test_everything_at_once(tmp_path: Path, seed: int) -> None:
    habits = Habits(retry_s=1.0, tries=12, deaf=0.1)
    outcome = play(suffer_everything(tmp_path, seed, n_logins=300, habits=habits))
    assert not outcome.violations, f"{outcome.acts}: {summary(outcome.violations)}"
    assert outcome.n_logins == 300


def test_pushes_whose_datagrams_are_lost_are_answered_and_none_is_sent_twice(tmp_path: Path) -> None:
    outcome = play(lose_datagrams(tmp_path, 1, n_logins=200))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_pushes) == (200, {1: 200})
    assert outcome.n_lost > 100


def test_a_bad_network_loses_no_login(tmp_path: Path) -> None:
    plans = mixed_plans(random.Random(1), 200, answered_after_s=(0.1, 0.5), denied_share=0.2)

    async def scenario() -> None:
        async with Scene(tmp_path, plans, seed=1, is_relayed=True) as scene:
            fleet = scene.fleet(Habits(retry_s=0.3, tries=60, deaf=0.2))
            scene.weather = Weather(loss=0.2, duplication=0.2, lateness=0.5, delay_s=0.2)
            await fleet.run(plans, rate=200)
            violations = scene.judge(await scene.evidence(fleet, deadline_s=15.0))
            assert not violations, summary(violations)
            assert len(fleet.answers) == 200

    play(scenario())


def test_a_directory_that_turns_to_its_second_server_pushes_nobody_twice(tmp_path: Path) -> None:
    """A new packet, with the same user and password, to another address of the gateway while the push is pending."""
    plans = [Plan(f"user{number}", PUSH, "approve", 1.0) for number in range(100)]

    async def scenario() -> None:
        async with Scene(tmp_path, plans) as scene:
            fleet = scene.fleet(Habits(retry_s=0.1, tries=3), hosts=GATEWAY_HOSTS)
            records = await fleet.run(plans, rate=200)
            assert all(record.n_packets == 2 for record in records)
            violations = scene.judge(await scene.evidence(fleet))
            assert not violations, summary(violations)

    play(scenario())


@pytest.mark.parametrize("seed", seeds(1))
def test_killed_supervisors_lose_no_push_and_repeat_none(tmp_path: Path, seed: int) -> None:
    outcome = play(kill_supervisors(tmp_path, seed, n_kills=2))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_pushes, outcome.n_kills) == (100, 100, 2)


@pytest.mark.parametrize("seed", seeds(1))
def test_upgrades_lose_no_login(tmp_path: Path, seed: int) -> None:
    outcome = play(reload_under_load(tmp_path, seed, n_reloads=2, rate=20, spacing_s=1, begin=Scene.upgrade))
    assert not outcome.violations, summary(outcome.violations)
    assert (outcome.n_answers, outcome.n_reloads) == (outcome.n_logins, 2)


@pytest.mark.skipif(obstacle() != "", reason=obstacle())
@pytest.mark.parametrize("goes_back", [False, True] if is_long_form() else [False])
def test_the_first_version_becomes_this_one_and_loses_no_login(tmp_path: Path, goes_back: bool) -> None:
    outcome = play(change_versions(tmp_path, 1, rate=30, goes_back=goes_back, spacing_s=1))
    assert not outcome.violations, summary(outcome.violations)
    assert outcome.versions == ["0.1.0", __version__, "0.1.0"][: 2 + goes_back]
    assert outcome.n_answers == outcome.n_logins
