"""One login, from the typed factor to the verdict."""

import runpy
from pathlib import Path

import pytest

from gateway.duoapi.calls import Auth, AuthAnswer, AuthStatus, Device, Factor, Preauth, PreauthAnswer, Refusal
from gateway.duoapi.offers import offered
from gateway.engine import login as login_module
from gateway.engine.login import HOLD_S, Login, choose_device
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.login_states import PERSON_PATIENCE_S, LoginState
from gateway.engine.modes.asked import Asked
from gateway.engine.modes.duo_only import DuoOnly
from gateway.engine.pending import PendingLogin
from gateway.engine.records import LoginRecord
from gateway.engine.rules import SectionRules
from gateway.engine.steps import Ask, Hold, Step
from gateway.engine.typed_factor import TypedFactor, read_factor
from gateway.engine.verdict import Verdict
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Outcome
from tests.engine.scene import section_of

ROOT = Path(__file__).parents[2]
GO_ON = PreauthAnswer("auth", "Account is active")
TIMEOUT = Unavailable(Trouble.TIMEOUT, "no answer within 5 s")


def login(**policy) -> Login:
    return Login(LoginPolicy("app", **policy), "alice", "203.0.113.7")


def begin(one: Login, typed: str | None, **mode) -> Step:
    asked = Asked("alice", b"", typed, read_factor(typed) if typed else None, "", "203.0.113.7")
    duo_only = DuoOnly(one.policy, SectionRules())
    for attribute, value in mode.items():
        setattr(duo_only, attribute, value)
    return duo_only.begin(one, asked, 0.0)


def record_of(one: Login) -> LoginRecord:
    """What another worker gets to know of a login."""
    section = section_of(mode=DuoOnly(one.policy, SectionRules()))
    return PendingLogin(1, one, section, b"", 0, 0.0).record()


def pushed(**policy) -> Login:
    """A login that waits for a person since instant 0."""
    waiting = login(**policy)
    begin(waiting, "push")
    waiting.answered(GO_ON, 0.0)
    assert waiting.answered(AuthAnswer("", txid="tx"), 0.0) == Ask("app", AuthStatus("tx"))
    return waiting


def test_a_passcode_is_preauth_then_auth():
    passcode = login()
    assert begin(passcode, "123456") == Ask("app", Preauth("alice", "203.0.113.7"))
    expected = Auth("alice", Factor.PASSCODE, "auto", 0, "123456", "203.0.113.7")
    assert passcode.answered(GO_ON, 0.0) == Ask("app", expected)
    verdict = passcode.answered(AuthAnswer("allow", "allow", "Success. Logging you in..."), 0.0)
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason, verdict.reply_message) == (
        "accept",
        "duo_allowed",
        "Success. Logging you in...",
    )
    assert verdict.account == "Duo authentication returned 'allow': 'Success. Logging you in...'"


def test_preauth_is_skipped_when_only_needed_for_the_device_list():
    assert begin(login(), "123456", preauth_always=False).question.passcode == "123456"
    assert begin(login(), "push2", preauth_always=False).question == Preauth("alice", "203.0.113.7", wants_devices=True)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason", "reply_message"),
    [
        (PreauthAnswer("allow", "Bypass"), Outcome.ACCEPT, "duo_bypass", "Bypass"),
        (
            PreauthAnswer("deny", "Your account is disabled"),
            Outcome.REJECT,
            "duo_denied",
            "Your account is disabled",
        ),
        (
            PreauthAnswer("enroll", "Enroll an authentication device to proceed", (), "https://api.example/portal?x"),
            Outcome.REJECT,
            "not_enrolled",
            "Enroll an authentication device to proceed https://api.example/portal?x",
        ),
        (PreauthAnswer("something new", "Text"), Outcome.REJECT, "duo_denied", "Text"),
    ],
)
def test_preauth_may_decide_alone(answer, outcome, reason, reply_message):
    decided = login()
    begin(decided, "push")
    verdict = decided.answered(answer, 0.0)
    assert (verdict.outcome, verdict.reason.value, verdict.reply_message) == (outcome, reason, reply_message)
    assert "https://" not in verdict.account + verdict.hint


@pytest.mark.parametrize(
    ("typed", "answer", "outcome", "reason"),
    [
        ("push", AuthAnswer("allow", "bypass", "x"), Outcome.ACCEPT, "duo_bypass"),
        ("123456", AuthAnswer("deny", "deny", "x"), Outcome.REJECT, "duo_denied"),
        ("123456", AuthAnswer("deny", "locked_out", "x"), Outcome.REJECT, "duo_locked_out"),
        ("push", AuthAnswer("deny", "timeout", "x"), Outcome.REJECT, "duo_timeout"),
        ("push", AuthAnswer("deny", "fraud", "x"), Outcome.REJECT, "duo_fraud"),
        ("sms", AuthAnswer("deny", "sent", "x"), Outcome.REJECT, "sms_sent"),
        ("sms", AuthAnswer("deny", "", "x"), Outcome.REJECT, "sms_sent"),
        ("123456", AuthAnswer("deny", "a new status", "x"), Outcome.REJECT, "duo_denied"),
        ("push", AuthAnswer("allow", "a new status", "x"), Outcome.ACCEPT, "duo_allowed"),
    ],
)
def test_allow_or_deny_decides_and_the_status_names_the_reason(typed, answer, outcome, reason):
    decided = login()
    begin(decided, typed)
    decided.answered(GO_ON, 0.0)
    verdict = decided.answered(answer, 0.0)
    assert (verdict.outcome, verdict.reason.value, verdict.reply_message) == (outcome, reason, "x")


def test_a_denied_passcode_carries_the_hint_that_policy_may_forbid_passcodes():
    denied = login()
    begin(denied, "123456")
    denied.answered(GO_ON, 0.0)
    assert "does not permit passcodes" in denied.answered(AuthAnswer("deny", "deny", "Incorrect passcode."), 0.0).hint


def test_a_number_picks_the_nth_device_that_can_do_the_factor():
    devices = (
        Device("PHONE1", frozenset({"phone", "sms"})),
        Device("TOKEN"),
        Device("PHONE2", frozenset({"push", "phone"})),
        Device("PHONE3", frozenset({"push"})),
    )
    for typed, device in {"push1": "PHONE2", "push2": "PHONE3", "phone2": "PHONE2", "sms1": "PHONE1"}.items():
        numbered = login()
        begin(numbered, typed)
        assert numbered.answered(PreauthAnswer("auth", devices=devices), 0.0).question.device == device
    missing = login()
    begin(missing, "sms2")
    assert missing.answered(PreauthAnswer("auth", devices=devices), 0.0).reason.value == "no_such_device"


def test_a_word_of_v1s_list_is_meant_as_it_is_typed():
    """There the number is the phone's, and not all phones can do all."""
    devices = tuple(Device(word, frozenset({word[:-1]})) for word in ("push2", "phone1", "phone2"))
    for typed, device in {"push2": "push2", "push1": "push2", "phone2": "phone2"}.items():
        numbered = login()
        begin(numbered, typed)
        assert numbered.answered(PreauthAnswer("auth", devices=devices), 0.0).question.device == device


def test_the_number_of_duos_automatic_factor_is_the_phones_in_v1():
    devices = offered({"1": "push2", "2": "phone1", "3": "phone2"}, "")
    for number, device in {1: "phone1", 2: "push2", 3: None}.items():
        assert choose_device(TypedFactor(Factor.AUTO, number), devices) == device


def test_without_a_device_list_the_number_itself_goes_to_duo():
    numbered = login()
    begin(numbered, "push2")
    call = numbered.answered(GO_ON, 0.0).question
    assert (call.device, call.ordinal) == ("auto", 2)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("", "no_password"), ("  ", "no_password"), ("Winter2026!", "unknown_factor"), (None, "unreadable_password")],
)
@pytest.mark.parametrize("preauth_always", [True, False])
def test_a_text_that_is_no_factor_is_rejected_and_never_shown_or_sent(typed, reason, preauth_always):
    rejected = login()
    verdict = begin(rejected, typed, preauth_always=preauth_always)
    if preauth_always:
        verdict = rejected.answered(GO_ON, 0.0)
    assert (verdict.outcome, verdict.reason.value) == (Outcome.REJECT, reason)
    assert "Winter2026!" not in str(verdict)


def test_a_user_in_bypass_may_type_anything():
    """As with Duo's proxy: preauth comes first, and what it decides is decided."""
    bypassed = login()
    begin(bypassed, "whatever")
    assert bypassed.answered(PreauthAnswer("allow", "Bypass"), 0.0).reason.value == "duo_bypass"


@pytest.mark.parametrize("typed", ["", "Winter2026!", None])
def test_a_text_that_is_no_factor_may_mean_the_automatic_one(typed):
    automatic = login()
    begin(automatic, typed, automatic=True)
    call = automatic.answered(GO_ON, 0.0).question
    assert (call.factor, call.passcode) == (Factor.AUTO, "")


def test_exempt_users_never_meet_duo():
    assert begin(login(), "whatever", exempt=frozenset({"alice"})).reason.value == "exempt"


@pytest.mark.parametrize(
    ("fail_open", "outcome", "reason"), [(True, "accept", "failmode_safe"), (False, "reject", "failmode_secure")]
)
def test_fail_mode_decides_while_duo_is_away_and_says_why(fail_open, outcome, reason):
    unlucky = login(fail_open=fail_open)
    begin(unlucky, "push")
    verdict = unlucky.unavailable(TIMEOUT, 5.0)
    assert (verdict.outcome, verdict.reason.value) == (outcome, reason)
    assert "no answer within 5 s" in verdict.account
    assert "no answer" not in verdict.reply_message


@pytest.mark.parametrize(
    "trouble", [Trouble.TIMEOUT, Trouble.CONNECT, Trouble.HTTP_STATUS, Trouble.CONFIGURATION, Trouble.CLOCK]
)
def test_a_status_question_that_fails_is_asked_again_as_long_as_a_push_lives(trouble):
    waiting = pushed()
    lost = Unavailable(trouble, "gone")
    assert waiting.unavailable(lost, 30.0) == Ask("app", AuthStatus("tx", 44.0), 31.0)
    assert waiting.unavailable(lost, 60.0) == Ask("app", AuthStatus("tx", 14.0), 61.0)
    assert waiting.answered(AuthAnswer("allow", "allow", "x"), 62.0).reason == "duo_allowed"


@pytest.mark.parametrize("fail_open", [True, False])
def test_nobody_gets_in_because_the_answer_to_a_push_was_lost(fail_open):
    waiting = pushed(fail_open=fail_open)
    verdict = waiting.unavailable(TIMEOUT, 75.0)
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, "duo_timeout")
    assert "could not be asked what became of the push (timeout: no answer" in verdict.account


def test_no_question_outlasts_the_push():
    waiting = pushed()
    assert waiting.answered(AuthAnswer("waiting"), 70.0) == Ask("app", AuthStatus("tx", 5.0))


def test_a_long_poll_goes_on_at_once_but_a_quick_one_is_paced():
    waiting = pushed()
    still = AuthAnswer("waiting", "pushed", "Pushed a login request")
    assert waiting.answered(still, 0.25) == Ask("app", AuthStatus("tx", 74.75))
    assert waiting.answered(still, 0.5) == Ask("app", AuthStatus("tx", 74.5))
    assert waiting.answered(still, 0.75) == Ask("app", AuthStatus("tx", 73.25), 1.75)
    assert waiting.answered(still, 31.5) == Ask("app", AuthStatus("tx", 43.5))


def test_a_push_that_duo_never_decides_times_out():
    waiting = pushed()
    verdict = waiting.answered(AuthAnswer("waiting"), 75.0)
    assert (verdict.reason, verdict.account) == ("duo_timeout", "Duo had not decided after 75 s")


def test_a_refused_call_is_a_reject_that_names_what_duo_said():
    refused = login()
    begin(refused, "push")
    refused.answered(GO_ON, 0.0)
    verdict = refused.answered(Refusal(400, 40002, "Invalid request parameters", "no capable device"), 0.0)
    assert (verdict.outcome, verdict.reason.value) == (Outcome.REJECT, "duo_refused_call")
    assert "no capable device" in verdict.account


def test_a_deadline_rejects():
    waiting = pushed()
    assert waiting.expire().reason.value == "deadline"
    assert waiting.state is LoginState.DECIDED


@pytest.mark.parametrize("fail_open", [True, False])
def test_a_word_of_duo_that_is_not_known_yet_is_no_yes_and_no_outage(fail_open):
    odd = login(fail_open=fail_open)
    begin(odd, "123456")
    odd.answered(GO_ON, 0.0)
    assert odd.answered(AuthAnswer("perhaps"), 0.0).reason == "duo_denied"


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMIT, Trouble.BUSY])
@pytest.mark.parametrize("fail_open", [True, False])
def test_what_users_can_provoke_never_lets_anybody_in(fail_open, trouble):
    crowded = login(fail_open=fail_open)
    begin(crowded, "123456")
    verdict = crowded.unavailable(Unavailable(trouble, "too many calls"), 1.0)
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, "overloaded")


def test_a_decided_login_decides_no_more():
    decided = login()
    begin(decided, "", preauth_always=False)
    with pytest.raises(ValueError, match="decided"):
        decided.expire()


def test_neither_repr_nor_state_shows_what_was_typed():
    waiting = login()
    begin(waiting, "987654")
    assert "987654" not in repr(waiting)


@pytest.mark.parametrize(("result", "text"), [("allow", "Login approved."), ("deny", "Login refused.")])
def test_where_duo_says_nothing_to_the_person_we_do(result, text):
    terse = login()
    begin(terse, "123456")
    terse.answered(GO_ON, 0.0)
    assert terse.answered(AuthAnswer(result), 0.0).reply_message == text


class TestALostQuestion:
    """The connection was lost with a push on it: Duo may have acted, or be gone."""

    LOST = Unavailable(Trouble.CLOSED, "the connection was forgotten", may_have_acted=True)

    def asked(self, **policy) -> Login:
        waiting = login(**policy)
        begin(waiting, "push")
        waiting.answered(GO_ON, 0.0)
        return waiting

    def test_nobody_gets_in_for_it_while_duo_answers_others(self):
        held = self.asked(fail_open=True)
        assert held.unavailable(self.LOST, 1.0) == Hold(1.0 + HOLD_S)
        assert held.has_pushed
        verdict = held.give_up(is_duo_away=False)
        assert (verdict.reason.value, verdict.is_accept) == ("push_lost", False)
        assert "the connection was forgotten" in verdict.account

    @pytest.mark.parametrize("fail_open", [True, False])
    def test_fail_mode_decides_if_duo_is_away(self, fail_open):
        held = self.asked(fail_open=fail_open)
        held.unavailable(self.LOST, 1.0)
        assert held.give_up(is_duo_away=True).is_accept is fail_open

    def test_a_push_that_a_dead_worker_asked_for_is_no_business_of_fail_mode(self):
        first = self.asked()
        other = Login.restored(LoginPolicy("app", fail_open=True), record_of(first))
        assert other.resume(1.0, 1.0) == Hold(PERSON_PATIENCE_S)
        assert other.give_up(is_duo_away=True).reason.value == "push_lost"

    def test_what_was_not_sent_is_decided_at_once(self):
        refused = Unavailable(Trouble.CONNECT, "connection refused")
        assert self.asked(fail_open=True).unavailable(refused, 1.0).reason.value == "failmode_safe"


def test_the_diagram_in_the_documentation_is_what_the_table_gives():
    draw = runpy.run_path(str(ROOT / "tools" / "draw_login.py"))["draw"]
    assert f"```mermaid\n{draw()}\n```" in (ROOT / "ARCHITECTURE.md").read_text()


def test_whoever_is_asked_may_fail():
    """Each state in which an answer means something has a row for that there is none."""
    assert {state for state, _ in login_module._HANDLERS} == set(login_module._FAILURES)
