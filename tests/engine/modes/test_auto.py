"""`[radius_server_auto]`: a factor behind the password, or the first of `factors` that can be had."""

import pytest

from gateway.duoapi.calls import Auth, Device, Factor, Preauth, PreauthAnswer
from gateway.words.explanations import REASONS
from gateway.words.reasons import Reason
from tests.engine.home_scene import GO_ON, PASSWORD, TABLET, HomeStage
from tests.engine.scene import ALLOWED, PUSHED, message


def accepted(typed: str = PASSWORD, **mode) -> HomeStage:
    """One whose home server has accepted alice."""
    stage = HomeStage(**mode)
    stage.ask(typed)
    stage.accept()
    return stage


def auth_of(stage: HomeStage) -> Auth:
    """What Duo was asked last."""
    (question,) = [each.question for each in stage.asked]
    assert isinstance(question, Auth)
    return question


def asked_for(stage: HomeStage, answer: PreauthAnswer = GO_ON) -> tuple[str, str]:
    """The factor and the device that Duo is asked for after its preauth."""
    stage.answer(answer)
    auth = auth_of(stage)
    return auth.factor.value, auth.device


def test_without_a_typed_factor_it_is_duos_choice():
    assert asked_for(accepted()) == ("auto", "auto")


@pytest.mark.parametrize(("typed", "factor", "device"), [("push2", "push", "DP2"), ("Phone", "phone", "auto")])
def test_a_typed_factor_is_asked_for_and_the_password_goes_home_without_it(typed, factor, device):
    stage = HomeStage()
    stage.ask(f"{PASSWORD},{typed}")
    assert stage.checked.password == PASSWORD.encode()
    stage.accept()
    assert asked_for(stage) == (factor, device)


def test_a_passcode_typed_behind_the_password_is_verified_and_forgotten():
    stage = accepted(f"{PASSWORD},123456")
    stage.answer(GO_ON)
    assert auth_of(stage).passcode == "123456"
    pending = stage.asked[-1].pending
    stage.answer(ALLOWED)
    assert stage.finished.factor == "passcode"
    assert pending.login._typed.passcode == ""


@pytest.mark.parametrize(
    ("typed", "reading"),
    [
        (
            "Sommer,123456",
            "; the text was split at its last delimiter, and what stood behind it was taken for a passcode",
        ),
        (
            "Sommer,pusch",
            "; the text has a delimiter, and what follows is no factor: all of it was taken for the password",
        ),
        ("Sommer", ""),
    ],
)
def test_where_the_password_is_refused_the_hint_says_how_the_text_was_told_apart(typed, reading):
    stage = HomeStage()
    stage.ask(typed)
    stage.refuse()
    assert stage.finished.verdict.hint == REASONS[Reason.FIRST_FACTOR_REJECTED].remedy + reading
    assert message(stage.reply) == "Login failed."


def test_the_answer_to_a_home_servers_own_question_is_never_told_apart():
    stage = HomeStage()
    stage.ask(f"{PASSWORD},push")
    stage.challenge()
    stage.ask("12,34", stage.state)
    stage.refuse()
    assert "delimiter, and" not in stage.finished.verdict.hint


@pytest.mark.parametrize("typed", ["", ",push"])
def test_of_an_empty_password_the_hint_speaks_of_this_kind_of_section(typed):
    stage = HomeStage()
    stage.ask(typed)
    assert (stage.to, stage.reason) == ([], "no_password")
    assert stage.finished.verdict.hint.startswith("the user types the password first")
    assert "unrecognised_factor" not in stage.finished.verdict.hint


def test_without_allow_concat_all_of_it_is_the_password():
    stage = HomeStage(allow_concat=False)
    stage.ask(f"{PASSWORD},push")
    assert stage.checked.password == f"{PASSWORD},push".encode()


def test_a_number_too_high_is_no_device():
    stage = accepted(f"{PASSWORD},phone2")
    stage.answer(GO_ON)
    assert stage.reason == "no_such_device"


@pytest.mark.parametrize(
    ("factors", "device", "factor"),
    [
        ((Factor.PHONE, Factor.PUSH), TABLET, "push"),
        ((Factor.PUSH, Factor.PHONE), TABLET, "push"),
        ((Factor.PHONE, Factor.AUTO), TABLET, "auto"),
    ],
)
def test_of_several_the_first_that_can_be_had_is_asked_once(factors, device, factor):
    stage = accepted(factors=factors)
    (preauth,) = [each.question for each in stage.asked]
    assert isinstance(preauth, Preauth)
    assert preauth.wants_devices
    assert asked_for(stage, PreauthAnswer("auth", "", (device,))) == (factor, "auto")


def test_of_v1s_phones_the_one_is_asked_that_can_do_it():
    """Phone 1 would be asked otherwise, which is a landline here."""
    stage = HomeStage(factors=(Factor.PUSH, Factor.PASSCODE))
    stage.ask()
    stage.accept()
    words = ("phone1", "push2", "phone2")
    stage.answer(PreauthAnswer("auth", "", tuple([Device(word, frozenset({word[:-1]})) for word in words])))
    (question,) = [each.question for each in stage.asked]
    assert isinstance(question, Auth)
    assert (question.factor, question.device) == (Factor.PUSH, "push2")


def test_nothing_that_can_be_had_rejects():
    stage = accepted(factors=(Factor.PUSH, Factor.PHONE))
    stage.answer(PreauthAnswer("auth", "", (Device("token"),)))
    assert stage.reason == "no_capable_device"


class TestPasscode:
    def challenged(self) -> HomeStage:
        stage = accepted(factors=(Factor.PASSCODE, Factor.PUSH))
        stage.answer(GO_ON)
        return stage

    def test_is_asked_for(self):
        stage = self.challenged()
        assert (message(stage.reply), stage.reason, stage.engine.n_pending) == ("Enter a passcode:", "challenged", 0)

    @pytest.mark.parametrize(
        ("answer", "factor", "passcode"),
        [("123456", "passcode", "123456"), (" 123 456 ", "passcode", "123456"), ("push", "push", "")],
    )
    def test_the_answer_is_verified_without_the_first_factor_and_has_its_attributes(self, answer, factor, passcode):
        stage = self.challenged()
        stage.ask(answer, stage.state)
        auth = auth_of(stage)
        assert (stage.to, auth.factor.value, auth.passcode) == (["app"], factor, passcode)
        stage.answer(ALLOWED)
        assert (stage.reply.code, stage.reply.value(25)) == (2, b"staff")
        assert message(stage.reply).startswith("Hello\n")

    def test_a_number_with_the_factor_word_is_looked_up(self):
        stage = self.challenged()
        stage.ask("push2", stage.state)
        assert asked_for(stage) == ("push", "DP2")

    @pytest.mark.parametrize("answer", ["", "1", "yes", f"{PASSWORD}?"])
    def test_anything_else_ends_it(self, answer):
        stage = self.challenged()
        stage.ask(answer, stage.state)
        assert (stage.to, stage.reason, stage.reply.code) == ([], "unknown_option", 3)

    def test_while_duo_is_away_a_right_answer_lets_in_as_the_password_did(self):
        stage = self.challenged()
        state = stage.state
        stage.outage()
        stage.ask("123456", state)
        assert (stage.reason, stage.reply.value(25)) == ("failmode_safe", b"staff")


def test_a_push_is_asked_about_until_it_is_decided():
    stage = accepted()
    stage.answer(GO_ON)
    stage.answer(PUSHED)
    stage.answer(ALLOWED)
    assert (stage.reason, stage.finished.factor, stage.reply.value(25)) == ("duo_allowed", "auto", b"staff")
