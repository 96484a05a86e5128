"""`[radius_server_challenge]`: a menu after a right password, and what becomes of its answer."""

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, Preauth, PreauthAnswer
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.modes.challenge import Challenge
from gateway.engine.nas import Nas, NasTable
from gateway.engine.rules import PromptFormat
from gateway.radius.client import encode_access_request, encode_attribute
from gateway.radius.dictionary import STATE
from gateway.radius.shared_secret import SharedSecret
from tests.engine.home_scene import GO_ON, PASSWORD, HomeStage
from tests.engine.scene import ALLOWED, DENIED, PUSHED, message

SENT = AuthAnswer("deny", "sent", "New SMS passcodes sent.")
ENROLL = PreauthAnswer("enroll", "Enroll an authentication device to proceed", (), "https://enrol.example.com/1")


def asked_to_choose(**mode) -> HomeStage:
    """One where alice has the menu."""
    stage = HomeStage(Challenge, **mode)
    stage.ask()
    stage.accept()
    stage.answer(GO_ON)
    return stage


def auth_of(stage: HomeStage) -> Auth:
    (question,) = [each.question for each in stage.asked]
    assert isinstance(question, Auth)
    return question


def test_the_menu_has_what_the_devices_can_do():
    stage = asked_to_choose()
    text = message(stage.reply)
    assert text.startswith("Duo two-factor login for alice\n\nEnter a passcode or select one of the following options:")
    assert "1. Duo Push to XXX-XXX-1234" in text
    assert text.endswith("Passcode or option (1-4)")
    assert (stage.reason, stage.engine.n_pending) == ("challenged", 0)


def test_a_short_one_has_one_line():
    stage = asked_to_choose(prompt_format=PromptFormat.SHORT)
    assert message(stage.reply) == "Passcode or 1=push XXX-1234 2=phone XXX-1234 3=sms XXX-1234 4=push iPad"


@pytest.mark.parametrize(
    ("answer", "factor", "device"),
    [
        ("1", "push", "DP1"),
        (" 2 ", "phone", "DP1"),
        ("4", "push", "DP2"),
        ("push2", "push", "DP2"),
        ("PHONE", "phone", "DP1"),
        ("123456", "passcode", "auto"),
    ],
)
def test_an_answer_is_asked_of_duo_at_once_and_gets_in_with_the_attributes(answer, factor, device):
    stage = asked_to_choose()
    stage.ask(answer, stage.state)
    auth = auth_of(stage)
    assert (stage.to, auth.factor.value, auth.device) == (["app"], factor, device)
    stage.answer(ALLOWED)
    assert (stage.reply.code, stage.reply.value(25)) == (2, b"staff")


@pytest.mark.parametrize("answer", ["", "0", "5", "push3", "yes", f"{PASSWORD}?"])
def test_no_option_is_a_rejection_and_no_other_try(answer):
    stage = asked_to_choose()
    state = stage.state
    stage.ask(answer, state)
    assert (stage.to, stage.reason, stage.reply.code) == ([], "unknown_option", 3)
    stage.ask("1", state)
    assert (stage.to, stage.reason) == ([], "challenge_unknown")


def test_a_denied_choice_is_no_other_try_either():
    stage = asked_to_choose()
    state = stage.state
    stage.ask("123456", state)
    stage.answer(DENIED)
    stage.ask("654321", state)
    assert (stage.to, stage.reason) == ([], "challenge_unknown")


class TestSms:
    def sent(self, **mode) -> HomeStage:
        stage = asked_to_choose(**mode)
        stage.ask("3", stage.state)
        assert auth_of(stage).factor == "sms"
        stage.answer(SENT)
        return stage

    def test_passcodes_are_sent_and_the_login_ends(self):
        stage = self.sent()
        assert (stage.reason, message(stage.reply)) == ("sms_sent", "New SMS passcodes sent.")

    def test_with_sms_challenge_it_asks_once_more(self):
        stage = self.sent(sms_challenge=True)
        assert message(stage.reply).startswith("New SMS passcodes sent.\n\nDuo two-factor login")
        stage.ask("123456", stage.state)
        stage.answer(ALLOWED)
        assert (stage.reason, stage.reply.value(25)) == ("duo_allowed", b"staff")


class TestEnrolment:
    def told(self, **mode) -> HomeStage:
        stage = HomeStage(Challenge, **mode)
        stage.ask()
        stage.accept()
        stage.answer(ENROLL)
        return stage

    def test_the_address_is_in_the_challenge(self):
        assert message(self.told().reply) == f"{ENROLL.status_msg} {ENROLL.enroll_portal_url}"

    def test_it_is_in_the_rejection_without_enroll_challenge(self):
        stage = self.told(enroll_challenge=False)
        assert (stage.reason, stage.reply.code) == ("not_enrolled", 3)
        assert ENROLL.enroll_portal_url in message(stage.reply)

    def test_who_has_enrolled_has_the_menu_next_whatever_was_answered(self):
        stage = self.told()
        stage.ask("done", stage.state)
        (preauth,) = [each.question for each in stage.asked]
        assert isinstance(preauth, Preauth)
        stage.answer(GO_ON)
        assert message(stage.reply).startswith("Duo two-factor login")
        stage.ask("1", stage.state)
        stage.answer(ALLOWED)
        assert stage.reply.value(25) == b"staff"

    def test_who_has_not_is_not_told_a_second_time(self):
        stage = self.told()
        stage.ask("", stage.state)
        stage.answer(ENROLL)
        assert (stage.reason, stage.reply.code) == ("not_enrolled", 3)


class TestState:
    def test_a_retransmitted_answer_is_a_duplicate(self):
        stage = asked_to_choose()
        request = stage.request("1", stage.state)
        stage.receive(request)
        assert stage.to == ["app"]
        question = stage.asked[-1]
        stage.receive(request)
        assert (stage.to, stage.replies) == ([], [])
        stage.effects = [question]
        stage.answer(PUSHED)
        stage.answer(ALLOWED)
        first = stage.reply.octets
        stage.receive(request)
        assert stage.reply.octets == first

    def test_the_same_answer_from_the_other_controller_joins(self):
        stage = asked_to_choose()
        state = stage.state
        stage.ask("1", state)
        question = stage.asked[-1]
        stage.ask("1", state, host="192.0.2.11")
        assert stage.to == []
        stage.effects = [question]
        stage.answer(ALLOWED)
        assert [reply.code for reply in stage.replies] == [2, 2]

    @pytest.mark.parametrize(
        ("first", "second"),
        [("1", "push"), ("push", "PUSH "), ("PUSH1", "1"), ("4", "push2"), ("123456", "123 456")],
    )
    def test_the_same_answer_in_other_words_joins(self, first, second):
        stage = asked_to_choose()
        state = stage.state
        stage.ask(first, state)
        question = stage.asked[-1]
        stage.ask(second, state, host="192.0.2.11")
        assert (stage.to, stage.replies) == ([], [])
        stage.effects = [question]
        stage.answer(ALLOWED)
        assert [reply.code for reply in stage.replies] == [2, 2]

    def test_another_answer_does_not_join(self):
        stage = asked_to_choose()
        state = stage.state
        stage.ask("1", state)
        for other in ("2", "push2", "123456", "push 1 DP1"):
            stage.ask(other, state, host="192.0.2.11")
            assert (stage.to, stage.reason) == ([], "challenge_unknown")

    def test_whatever_is_answered_to_the_address_for_enrolment_joins(self):
        stage = HomeStage(Challenge)
        stage.ask()
        stage.accept()
        stage.answer(ENROLL)
        state = stage.state
        stage.ask("done", state)
        stage.ask("", state, host="192.0.2.11")
        assert (stage.to, stage.replies) == ([], [])

    def test_another_controller_of_the_section_may_answer(self):
        stage = asked_to_choose()
        state = stage.state
        other = SharedSecret(b"the other controller's secret")
        stage.engine._intake._tables[0] = NasTable(
            [("192.0.2.0/24", stage.nas), ("198.51.100.1", Nas("radius_ip_2", stage.section, other))]
        )
        request = encode_access_request(9, bytes(16), other, b"alice", b"1", encode_attribute(STATE, state))
        stage.receive(request, host="198.51.100.1")
        assert stage.to == ["app"]

    @pytest.mark.parametrize("user", ["bob", "alice2"])
    def test_of_another_user_is_not_taken_and_can_still_be_answered(self, user):
        stage = asked_to_choose()
        state = stage.state
        stage.ask("1", state, user=user)
        assert (stage.to, stage.reason) == ([], "challenge_unknown")
        stage.ask("1", state)
        assert stage.to == ["app"]

    @pytest.mark.parametrize("changed", [0, 2, 3, 10, 30, -1])
    def test_a_forged_one_is_not_taken(self, changed):
        stage = asked_to_choose()
        octets = bytearray(stage.state)
        octets[changed] ^= 1
        stage.ask("1", bytes(octets))
        assert (stage.to, stage.reason) == ([], "challenge_unknown")

    def test_an_expired_one_is_not_taken(self):
        stage = asked_to_choose()
        stage.ask("1", stage.state, now=301.0)
        assert (stage.to, stage.reason) == ([], "challenge_expired")

    def test_one_of_another_first_factor_is_not_taken(self):
        stage, other = asked_to_choose(), HomeStage(Challenge, client="duo_only_client", home="")
        other.ask("1", stage.state)
        assert (other.to, other.reason) == ([], "challenge_unknown")

    def test_one_of_former_settings_is_taken_where_the_worker_has_what_is_kept(self):
        memory = ChallengeMemory(UnixClock(1_700_000_000.0))
        state = asked_to_choose(memory=memory).state
        later = HomeStage(Challenge, memory=memory)
        later.ask("1", state)
        later.answer(ALLOWED)
        assert (later.reply.code, later.reply.value(25)) == (2, b"staff")

    def test_without_what_is_kept_nobody_gets_in(self):
        state, other = asked_to_choose().state, HomeStage(Challenge)
        other.ask("1", state)
        assert (other.to, other.reason) == ([], "challenge_unknown")

    def test_nor_where_nobody_knows_the_home_server_any_more(self):
        memory = ChallengeMemory(UnixClock(1_700_000_000.0))
        state = asked_to_choose(memory=memory).state
        later = HomeStage(Challenge, memory=memory, secrets={})
        later.ask("1", state)
        assert (later.to, later.reason) == ([], "challenge_unknown")

    def test_without_a_home_server_all_is_in_the_state(self):
        stage = HomeStage(Challenge, home="", client="duo_only_client")
        stage.ask()
        stage.answer(GO_ON)
        other = HomeStage(Challenge, home="", client="duo_only_client")
        other.ask("1", stage.state)
        assert other.to == ["app"]
