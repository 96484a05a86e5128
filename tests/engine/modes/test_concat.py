"""`[radius_server_concat]`: no factor behind the password, no question to anybody."""

import pytest

from gateway.duoapi.calls import Auth, PreauthAnswer
from gateway.engine.modes.concat import Concat
from tests.engine.home_scene import GO_ON, PASSWORD, HomeStage
from tests.engine.scene import message


@pytest.mark.parametrize("typed", [PASSWORD, f"{PASSWORD},", ""])
def test_without_a_factor_nobody_is_asked(typed):
    stage = HomeStage(Concat)
    stage.ask(typed)
    assert (stage.to, stage.reason) == ([], "factor_missing")
    assert message(stage.reply) == "Enter your password, a comma, and a passcode or push."


def test_the_delimiter_is_told():
    stage = HomeStage(Concat, delimiter=";")
    stage.ask(f"{PASSWORD},push")
    assert message(stage.reply) == "Enter your password, a semicolon, and a passcode or push."
    assert "as in secret;push or secret;123456" in stage.finished.verdict.hint
    stage.ask(f"{PASSWORD};push")
    assert stage.checked.password == PASSWORD.encode()


def test_whatever_stands_behind_it_is_for_duo_to_refuse():
    stage = HomeStage(Concat)
    stage.ask(f"{PASSWORD},abc")
    stage.accept()
    stage.answer(GO_ON)
    (auth,) = [each.question for each in stage.asked]
    assert isinstance(auth, Auth)
    assert (auth.factor.value, auth.passcode) == ("passcode", "abc")


def test_where_the_password_is_refused_the_hint_says_that_it_was_split():
    stage = HomeStage(Concat)
    stage.ask(f"{PASSWORD},pusch")
    stage.refuse()
    assert stage.finished.verdict.hint.endswith("and what stood behind it was taken for a passcode")


@pytest.mark.parametrize("typed", [PASSWORD, f"{PASSWORD},x"])
def test_an_exempt_user_types_something_behind_the_password_too_and_anything_will_do(typed):
    stage = HomeStage(Concat, rules={"exempt_usernames": frozenset({"alice"})})
    stage.ask(typed)
    if typed == PASSWORD:
        assert (stage.to, stage.reason) == ([], "factor_missing")
    else:
        stage.accept()
        assert stage.reason == "exempt"


def test_one_whose_typed_factor_is_gone_ends_by_saying_so():
    """It was kept with the home server's challenge, and that memory was lost but for what a journal may hold."""
    stage = HomeStage(Concat)
    stage.ask(f"{PASSWORD},123456")
    stage.asked[-1].pending.login.primary.typed = None
    stage.challenge()
    stage.ask("1234", stage.state)
    stage.accept()
    stage.answer(GO_ON)
    assert stage.reason == "factor_missing"


def test_what_is_typed_behind_the_delimiter_may_be_no_ascii():
    stage = HomeStage(Concat)
    stage.ask("secret,ключ1")
    stage.accept()
    stage.answer(PreauthAnswer("enroll", "Enroll a device", (), "https://api-1a2b3c4d.duosecurity.com/portal?code=1"))
    assert stage.reason == "not_enrolled"
