"""What the engine tells the board of logins: how many are pending, and whose time they took."""

from typing import Any, cast

import pytest

from gateway.engine.effects import KeepLogin
from gateway.engine.login import Login
from gateway.engine.nas import Section
from gateway.engine.pending import PendingLogin
from gateway.engine.verdict import rejection
from gateway.statistics.layout import COALESCED, Measure
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Reason
from tests.engine.scene import ALLOWED, GO_ON, PUSHED, Stage
from tests.statistics.scene import (
    FIRST,
    Row,
)


class Counted:
    """A stage whose section is counted on a row."""

    def __init__(self, **section: Any) -> None:
        self.row = Row()
        self.stage = Stage(counters=self.row.first, **section)

    @property
    def n_pending(self) -> int:
        """What the gauge shows."""
        return self.row.read().totals.gauges[Measure.PENDING, FIRST]

    def adopt(self, section: Section | None = None) -> PendingLogin:
        """Let the engine take up a login that another worker began, maybe at a section as it was."""
        other = Stage()
        other.login("alice", "push")
        effects = other.answer(GO_ON)
        record = next(each for each in effects if isinstance(each, KeepLogin)).pending.record()
        login = Login.restored(self.stage.section.policy, record)
        at = section or self.stage.section
        pending = PendingLogin(1, login, at, record.key, record.bucket, record.started_at)
        self.stage.engine.adopt(pending)
        return pending

    def took_us(self, measure: Measure) -> int:
        """The sum of a histogram, in microseconds."""
        return self.row.read().totals.histogram(measure, FIRST).sum_us


def test_a_login_is_pending_from_its_first_packet_to_its_verdict():
    counted = Counted()
    counted.stage.login()
    counted.stage.answer(GO_ON)
    assert counted.n_pending == 1
    counted.stage.answer(ALLOWED)
    assert counted.n_pending == 0


@pytest.mark.parametrize("verdict", [rejection(Reason.DEADLINE), None], ids=["decides", "abandons"])
def test_one_that_another_worker_ends_is_pending_no_more(verdict):
    counted = Counted()
    pending = counted.adopt()
    assert counted.n_pending == 1
    counted.stage.engine.decided_elsewhere(pending, verdict, 1.0)
    assert counted.n_pending == 0


def test_one_that_another_worker_leaves_alone_is_pending_until_it_ends_here():
    counted = Counted()
    pending = counted.adopt()
    counted.stage.engine.left_alone(pending, 1.0, 1.0)
    assert counted.n_pending == 1
    due = counted.stage.engine.next_timer
    assert due is not None
    counted.stage.engine.timer(due)
    assert counted.n_pending == 0


def test_a_packet_that_joins_a_login_of_former_settings_is_counted_at_the_present_section():
    counted = Counted()
    counted.adopt(Stage().section)
    counted.stage.login("alice", "push", identifier=8)
    assert counted.row.read().totals.counters[Measure.DUPLICATES, FIRST, COALESCED] == 1


def test_the_gateways_own_share_is_what_duo_did_not_take():
    counted = Counted()
    counted.stage.login(now=10.0)
    counted.stage.answer(GO_ON, now=10.2)
    pending = counted.stage.asked[-1].pending
    pending.duo_s = 0.35  # as the network side has measured it
    counted.stage.answer(ALLOWED, now=10.5)
    assert counted.took_us(Measure.LOGIN_SECONDS) == 500_000
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 150_000
    assert counted.stage.finished.duo_s == 0.35


def test_nor_is_it_less_than_nothing_where_clocks_differ():
    counted = Counted()
    counted.stage.login("alice", "push", now=10.0)
    counted.stage.answer(GO_ON, now=10.0)
    counted.stage.answer(PUSHED, now=10.0)
    cast("PendingLogin", counted.stage.asked[-1].pending).duo_s = 6.0
    counted.stage.answer(ALLOWED, now=15.0)
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


SILENCE = Unavailable(Trouble.TIMEOUT, "no answer")


def test_what_is_given_up_in_an_outage_was_duos_time():
    counted = Counted()
    counted.stage.login(now=10.0)
    counted.stage.engine.outage(counted.stage.section.policy.application, SILENCE, 12.2)
    assert counted.took_us(Measure.LOGIN_SECONDS) == 2_200_000
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


def test_and_what_was_measured_of_earlier_answers_counts_beside_it():
    counted = Counted()
    counted.stage.login("alice", "123456", now=10.0)
    counted.stage.asked[-1].pending.duo_s = 0.2
    counted.stage.answer(GO_ON, now=10.25)
    counted.stage.engine.outage(counted.stage.section.policy.application, SILENCE, 12.0)
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 50_000


def test_what_a_deadline_ends_was_duos_time():
    counted = Counted(response_deadline_s=3.0)
    counted.stage.login(now=10.0)
    counted.stage.engine.timer(13.0)
    assert counted.took_us(Measure.LOGIN_SECONDS) == 3_000_000
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


def test_waiting_for_the_breaker_is_duos_time():
    """A push may be out, and its connection is lost: the login waits a moment for word that Duo is away."""
    counted = Counted()
    counted.stage.login("alice", "push", now=10.0)
    counted.stage.answer(GO_ON, now=10.0)
    counted.stage.answer(Unavailable(Trouble.CLOSED, "lost", may_have_acted=True), now=10.0)
    due = counted.stage.engine.next_timer
    assert due is not None
    assert due > 10.5
    counted.stage.engine.timer(due)
    assert counted.n_pending == 0
    assert counted.took_us(Measure.LOGIN_SECONDS) > 500_000
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


def test_so_is_the_pause_before_a_push_is_asked_about_again():
    counted = Counted()
    counted.stage.login("alice", "push", now=10.0)
    counted.stage.answer(GO_ON, now=10.0)
    counted.stage.answer(PUSHED, now=10.0)
    counted.stage.answer(SILENCE, now=10.0)
    asked = counted.stage.asked[-1]
    assert asked.at > 10.0
    counted.stage.answer(ALLOWED, now=asked.at)
    assert counted.took_us(Measure.LOGIN_SECONDS) > 0
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


def test_so_is_all_that_another_worker_waited_for_when_a_deadline_ends_it():
    counted = Counted(response_deadline_s=3.0)
    pending = counted.adopt()
    counted.stage.engine.left_alone(pending, 2.0, 2.0)
    counted.stage.engine.timer(3.0)
    assert counted.n_pending == 0
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0


def test_questions_asked_anew_after_an_outage_lose_nothing_of_duos_time():
    counted = Counted()
    counted.stage.login("alice", "push", now=10.0)
    counted.stage.answer(GO_ON, now=10.0)
    counted.stage.answer(PUSHED, now=10.0)
    application = counted.stage.section.policy.application
    counted.stage.engine.outage(application, SILENCE, 12.0)
    counted.stage.effects = counted.stage.engine.outage(application, None, 20.0)
    counted.stage.answer(ALLOWED, now=20.0)
    assert counted.took_us(Measure.LOGIN_SECONDS) == 10_000_000
    assert counted.took_us(Measure.GATEWAY_SECONDS) == 0
