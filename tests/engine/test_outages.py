"""What a worker knows of applications that are away, and what that means to a question."""

import pytest

from gateway.duoapi.calls import AuthStatus, Preauth
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.login_states import PREAUTH, WAITING, LoginState
from gateway.engine.outages import Outages
from gateway.engine.pending import PendingLogin
from gateway.engine.steps import Ask
from gateway.unavailable import Trouble, Unavailable
from tests.engine.scene import section_of

AWAY = Unavailable(Trouble.OUTAGE, "known")
TO_DUO = Ask("app", Preauth("alice"))


def pending(state: LoginState = PREAUTH) -> PendingLogin:
    login = Login(LoginPolicy("app", fail_open=True), "alice")
    login.state = state
    return PendingLogin(1, login, section_of(), b"key", 0, 0.0)


@pytest.fixture
def outages() -> Outages:
    """One that is away, `app`."""
    known = Outages()
    known.begin("app", AWAY)
    return known


def test_fail_mode_decides_for_the_reason_that_is_known(outages):
    assert outages.in_place_of(TO_DUO, pending()) is AWAY


def test_a_question_to_another_and_one_about_a_push_are_put(outages):
    assert outages.in_place_of(Ask("directory", Preauth("alice")), pending()) is None
    assert outages.in_place_of(Ask("app", AuthStatus("tx-1")), pending(WAITING)) is None


def test_one_login_tries_to_its_end_and_no_other(outages):
    outages.try_one("app")
    trying = pending()
    assert outages.in_place_of(TO_DUO, trying) is None
    assert outages.in_place_of(TO_DUO, pending()) is AWAY
    assert outages.in_place_of(TO_DUO, trying) is None


def test_a_trial_ends_with_what_is_known(outages):
    outages.try_one("app")
    outages.begin("app", AWAY)
    assert outages.in_place_of(TO_DUO, pending()) is AWAY


def test_the_end_of_one_is_told_once(outages):
    assert outages.end("app")
    assert not outages.end("app")
    assert not outages.away
    assert outages.in_place_of(TO_DUO, pending()) is None
