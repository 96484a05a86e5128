"""A NAS that cannot ask its users answers a challenge with the password once more: it has nothing else to send."""

from typing import Any

import pytest

from gateway.duoapi.calls import Auth, Factor, PreauthAnswer
from gateway.engine.challenges.state import TYPED_SIZE
from gateway.engine.digests import PasswordDigests
from gateway.engine.first_factor import Accepted
from gateway.engine.modes.auto import Auto
from gateway.engine.modes.challenge import Challenge
from gateway.radius.client import encode_attribute
from gateway.radius.dictionary import REPLY_MESSAGE
from tests.engine.home_scene import GO_ON, HOME, PASSWORD, HomeStage
from tests.engine.scene import message

ENROL = PreauthAnswer("enroll", "Enroll an authentication device to proceed", (), "https://api.example/enroll")
WHOM: dict[str, dict[str, Any]] = {
    "a home server": {},
    "a directory": {"is_directory": True, "client": "ad_client"},
    "nobody": {"home": ""},
}
ALL = pytest.mark.parametrize("whom", WHOM)


def challenged(whom: str, password: str, make=Challenge, **mode) -> HomeStage:
    """Somebody has typed a password, and is asked for a factor."""
    stage = HomeStage(make, **WHOM[whom], **mode)
    stage.ask(password)
    if whom == "a home server":
        stage.accept()
    elif whom == "a directory":
        stage.answer(Accepted(b"", "dc1.example:389", None))
    stage.answer(GO_ON)
    return stage


def factor_of(stage: HomeStage) -> Factor:
    (question,) = [each.question for each in stage.asked]
    assert isinstance(question, Auth)
    return question.factor


@ALL
def test_the_same_password_once_more_is_refused_with_a_reason_of_its_own(whom):
    stage = challenged(whom, PASSWORD)
    stage.ask(PASSWORD, stage.state)
    assert (stage.to, stage.reason) == ([], "nas_cannot_answer")
    assert message(stage.reply).startswith("That was your password")


@ALL
def test_so_it_is_where_a_passcode_is_asked_for(whom):
    stage = challenged(whom, PASSWORD, Auto, factors=(Factor.PASSCODE,))
    stage.ask(PASSWORD, stage.state)
    assert stage.reason == "nas_cannot_answer"


@ALL
@pytest.mark.parametrize("answer", ["something else", f"{PASSWORD} ", PASSWORD.upper()])
def test_another_wrong_answer_is_a_wrong_answer(whom, answer):
    stage = challenged(whom, PASSWORD)
    stage.ask(answer, stage.state)
    assert stage.reason == "unknown_option"


@ALL
@pytest.mark.parametrize(("password", "factor"), [("1", Factor.PUSH), ("push", Factor.PUSH), ("PHONE", Factor.PHONE)])
def test_a_password_that_is_an_option_may_be_meant_as_one(whom, password, factor):
    stage = challenged(whom, password)
    stage.ask(password, stage.state)
    assert factor_of(stage) is factor


@pytest.mark.parametrize("whom", ["a home server", "nobody"])
def test_a_passcode_may_have_been_typed_into_both_fields(whom):
    """One token may serve a home server and Duo; and where nobody checks the password it may be anything."""
    stage = challenged(whom, "123456")
    stage.ask("123456", stage.state)
    assert factor_of(stage) is Factor.PASSCODE


@pytest.mark.parametrize("make", [Challenge, Auto])
def test_a_directorys_password_of_digits_does_not_go_to_duo(make):
    stage = challenged("a directory", "12345678", make, factors=(Factor.PASSCODE,))
    stage.ask("12345678", stage.state)
    assert (stage.to, stage.reason) == ([], "nas_cannot_answer")


def test_whatever_is_answered_to_an_enrolment_is_an_answer():
    stage = HomeStage(Challenge)
    stage.ask()
    stage.accept()
    stage.answer(ENROL)
    stage.ask(PASSWORD, stage.state)
    assert stage.to == ["app"]
    stage.answer(GO_ON)
    stage.ask(PASSWORD, stage.state)
    assert stage.reason == "nas_cannot_answer"


def test_a_home_servers_own_challenge_is_for_the_home_server_to_judge():
    stage = HomeStage(Challenge)
    stage.ask()
    stage.challenge(b"theirs", encode_attribute(REPLY_MESSAGE, b"Again:"))
    stage.ask(PASSWORD, stage.state)
    assert stage.to == [HOME]


def test_an_empty_answer_is_no_password():
    stage = challenged("nobody", "")
    stage.ask("", stage.state)
    assert stage.reason == "unknown_option"


def test_no_more_of_the_password_is_kept_than_a_keyed_digest_that_is_sealed():
    stage = challenged("a home server", PASSWORD)
    (verdict,) = [each.verdict for each in stage.effects if hasattr(each, "verdict") and each.verdict is not None][-1:]
    assert PASSWORD not in repr(verdict)
    opened = stage.section.mode._challenger._tokens.open(stage.state, "alice", 1_700_000_001.0)
    assert len(opened.state.typed) == TYPED_SIZE
    assert stage.section.mode._digests.password(PASSWORD.encode(), b"alice").startswith(opened.state.typed)
    stage.section.mode._digests = PasswordDigests(bytes([1]) * 32)
    assert not stage.section.mode._digests.password(PASSWORD.encode(), b"alice").startswith(opened.state.typed)
