"""Where fail mode is: at a question to a Duo application before anybody is pushed, and nowhere else.

So nobody is let in by it before whoever is asked first has said yes: a first factor is asked in a state of its own, and
its questions are for somebody else. Both are tried here on logins of which the engine knows no more than that.
"""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.duoapi.calls import Auth, AuthStatus, Factor, Preauth
from gateway.engine.effects import PutQuestion
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.login_states import FAIL_MODE_STATES, LoginState
from gateway.engine.pending import PendingLogin
from gateway.engine.steps import Ask
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import Verdict
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Reason
from tests.engine.scene import ALLOWED, GO_ON, PUSHED, Stage

AWAY = Unavailable(Trouble.OUTAGE, "known")
DIRECTORY = Ask("directory", Preauth("alice"))


def asking_somebody_else(stage: Stage) -> PendingLogin:
    """A login of which nobody has asked Duo yet."""
    stage.login("alice", "123456")
    (question,) = stage.asked
    question.pending.login.state = LoginState.NEW
    return question.pending


def put(stage: Stage, pending: PendingLogin, ask: Ask) -> list[str]:
    """Have a question put; return whom it went to."""
    stage.engine._conduct.proceed(pending, ask, 1.0)
    stage.effects = stage.engine.timer(1.0)
    return [each.to for each in stage.asked]


def state_and_failure() -> list[tuple[LoginState, Trouble, bool]]:
    return list(product(LoginState, Trouble, (False, True)))


@pytest.mark.parametrize(("state", "trouble", "may_have_acted"), state_and_failure())
def test_a_failure_lets_in_in_two_states_alone(state, trouble, may_have_acted):
    """In others it is no yes, or an internal error, which rejects."""
    login = Login(LoginPolicy("app", fail_open=True), "alice")
    login.state = state
    try:
        step = login.unavailable(Unavailable(trouble, "gone", may_have_acted=may_have_acted), 1.0)
    except (KeyError, ValueError):
        return
    if isinstance(step, Verdict) and step.is_accept:
        assert state in FAIL_MODE_STATES
        assert step.reason is Reason.FAILMODE_SAFE
        assert not trouble.is_provoked


@pytest.mark.parametrize(("state", "to"), list(product(LoginState, ["app", "directory"])))
def test_fail_mode_takes_the_place_of_a_question_to_duo_alone(state, to):
    """Whatever is asked: a poll for a push goes out in an outage, and so does what is for somebody else."""
    stage = Stage()
    pending = asking_somebody_else(stage)
    pending.login.state = state
    stage.engine._outages.begin("app", AWAY)
    is_put = put(stage, pending, Ask(to, AuthStatus("tx-1"))) == [to]
    assert is_put is not (to == "app" and state in FAIL_MODE_STATES)
    assert is_put or stage.reason == "failmode_safe"


@given(st.lists(st.sampled_from(["away", "back", "try", "ask"])))
def test_no_history_of_an_outage_answers_for_somebody_else(history):
    stage = Stage()
    pending = asking_somebody_else(stage)
    for event in history:
        if event == "ask":
            assert put(stage, pending, DIRECTORY) == ["directory"]
        elif event == "try":
            stage.engine.try_one("app")
        else:
            assert stage.engine.outage("app", AWAY if event == "away" else None, 1.0) == []
    with pytest.raises(KeyError):  # no row says what it means: the worker rejects
        stage.engine.unavailable(pending, Unavailable(Trouble.CONNECT, "refused"), 2.0)
    stage.effects = stage.engine.failed(pending, 2.0)
    assert (stage.reason, stage.replies[0].code) == ("internal_error", 3)


def test_once_somebody_else_has_said_yes_fail_mode_decides_at_duos_question():
    stage = Stage()
    pending = asking_somebody_else(stage)
    stage.engine.outage("app", AWAY, 0.5)
    assert put(stage, pending, DIRECTORY) == ["directory"]
    step = pending.login.ask_duo(TypedFactor(Factor.PASSCODE), Reason.UNKNOWN_FACTOR, True, 2.0)
    stage.engine._conduct.proceed(pending, step, 2.0)
    stage.effects = stage.engine.timer(2.0)
    assert (stage.asked, stage.reason) == ([], "failmode_safe")


def test_the_trial_of_an_outage_is_spent_at_duos_question():
    stage = Stage()
    pending = asking_somebody_else(stage)
    stage.engine.outage("app", AWAY, 0.5)
    stage.engine.try_one("app")
    assert put(stage, pending, DIRECTORY) == ["directory"]
    assert [each.to for each in stage.login("bob", identifier=8, now=1.5) if isinstance(each, PutQuestion)] == ["app"]
    stage.login("carol", identifier=9, now=1.5)
    assert (stage.asked, stage.reason) == ([], "failmode_safe")


@pytest.mark.parametrize(("password", "n_questions"), [("123456", 2), ("push", 3)])
def test_the_login_that_is_to_try_asks_to_its_end(password, n_questions):
    stage = Stage()
    stage.engine.outage("app", AWAY, 0.5)
    stage.engine.try_one("app")
    stage.login("alice", password, now=1.0)
    answers = [GO_ON, PUSHED, ALLOWED] if password == "push" else [GO_ON, ALLOWED]
    for number, answer in enumerate(answers, 1):
        assert len(stage.asked) == 1, number
        stage.answer(answer, now=1.0 + number)
    assert len(answers) == n_questions
    assert stage.reason == "duo_allowed"


def test_one_that_tries_is_given_up_with_the_others_when_the_trial_has_failed():
    stage = Stage()
    stage.engine.outage("app", AWAY, 0.5)
    stage.engine.try_one("app")
    stage.login("alice", "123456", now=1.0)
    stage.answer(GO_ON, now=1.1)
    assert isinstance(stage.asked[0].question, Auth)
    stage.effects = stage.engine.outage("app", AWAY, 2.0)
    assert stage.reason == "failmode_safe"


def test_one_that_tries_leaves_the_next_trial_to_another():
    stage = Stage()
    stage.engine.outage("app", AWAY, 0.5)
    stage.engine.try_one("app")
    stage.login("alice", "123456", now=1.0)
    stage.engine.try_one("app")
    stage.answer(GO_ON, now=1.1)
    assert isinstance(stage.asked[0].question, Auth)
    assert [type(each) for each in stage.login("bob", identifier=8, now=1.5)] == [PutQuestion]
