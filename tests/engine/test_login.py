"""One login, from the typed factor to the verdict."""

import pytest

from gateway.duoapi.calls import (
    Auth,
    AuthAnswer,
    AuthStatus,
    Device,
    DuoUnavailable,
    Factor,
    Preauth,
    PreauthAnswer,
    Refusal,
    Trouble,
)
from gateway.engine.login import DOUBT_S, PERSON_PATIENCE_S, Ask, Hold, Login, LoginPolicy, LoginState, Step
from gateway.engine.password import read_password
from gateway.engine.pending import PendingLogin
from gateway.engine.records import LoginRecord
from gateway.engine.verdict import Verdict
from gateway.radius.dictionary import Code
from tests.engine.scene import section_of

GO_ON = PreauthAnswer("auth", "Account is active")
TIMEOUT = DuoUnavailable(Trouble.TIMEOUT, "no answer within 5 s")


def login(**policy) -> Login:
    return Login(LoginPolicy(**policy), "alice", "203.0.113.7")


def record_of(one: Login) -> LoginRecord:
    """What another worker gets to know of a login."""
    section = section_of(policy=one.policy)
    return PendingLogin(1, one, section, b"", 0, 0.0).record()


def begin(one: Login, typed: str | None) -> Step:
    return one.begin(typed, read_password(typed) if typed else None, 0.0)


def pushed(**policy) -> Login:
    """A login that waits for a person since instant 0."""
    waiting = login(**policy)
    begin(waiting, "push")
    waiting.answered(GO_ON, 0.0)
    assert waiting.answered(AuthAnswer("", txid="tx"), 0.0) == Ask(AuthStatus("tx"))
    return waiting


def test_a_passcode_is_preauth_then_auth():
    passcode = login()
    assert begin(passcode, "123456") == Ask(Preauth("alice", "203.0.113.7"))
    expected = Auth("alice", Factor.PASSCODE, "auto", 0, "123456", "203.0.113.7")
    assert passcode.answered(GO_ON, 0.0) == Ask(expected)
    verdict = passcode.answered(AuthAnswer("allow", "allow", "Success. Logging you in..."), 0.0)
    assert isinstance(verdict, Verdict)
    assert (verdict.code, verdict.reason, verdict.reply_message) == (2, "duo_allowed", "Success. Logging you in...")
    assert verdict.account == "Duo authentication returned 'allow': 'Success. Logging you in...'"


def test_preauth_is_skipped_when_only_needed_for_the_device_list():
    assert begin(login(preauth_always=False), "123456").call.passcode == "123456"
    assert begin(login(preauth_always=False), "push2").call == Preauth("alice", "203.0.113.7", wants_devices=True)


@pytest.mark.parametrize(
    ("answer", "code", "reason", "reply_message"),
    [
        (PreauthAnswer("allow", "Bypass"), Code.ACCESS_ACCEPT, "duo_bypass", "Bypass"),
        (
            PreauthAnswer("deny", "Your account is disabled"),
            Code.ACCESS_REJECT,
            "duo_denied",
            "Your account is disabled",
        ),
        (
            PreauthAnswer("enroll", "Enroll an authentication device to proceed", (), "https://api.example/portal?x"),
            Code.ACCESS_REJECT,
            "not_enrolled",
            "Enroll an authentication device to proceed https://api.example/portal?x",
        ),
        (PreauthAnswer("something new", "Text"), Code.ACCESS_REJECT, "duo_denied", "Text"),
    ],
)
def test_preauth_may_decide_alone(answer, code, reason, reply_message):
    decided = login()
    begin(decided, "push")
    verdict = decided.answered(answer, 0.0)
    assert (verdict.code, verdict.reason.value, verdict.reply_message) == (code, reason, reply_message)
    assert "https://" not in verdict.account + verdict.hint


@pytest.mark.parametrize(
    ("typed", "answer", "code", "reason"),
    [
        ("push", AuthAnswer("allow", "bypass", "x"), Code.ACCESS_ACCEPT, "duo_bypass"),
        ("123456", AuthAnswer("deny", "deny", "x"), Code.ACCESS_REJECT, "duo_denied"),
        ("123456", AuthAnswer("deny", "locked_out", "x"), Code.ACCESS_REJECT, "duo_locked_out"),
        ("push", AuthAnswer("deny", "timeout", "x"), Code.ACCESS_REJECT, "duo_timeout"),
        ("push", AuthAnswer("deny", "fraud", "x"), Code.ACCESS_REJECT, "duo_fraud"),
        ("sms", AuthAnswer("deny", "sent", "x"), Code.ACCESS_REJECT, "sms_sent"),
        ("sms", AuthAnswer("deny", "", "x"), Code.ACCESS_REJECT, "sms_sent"),
        ("123456", AuthAnswer("deny", "a new status", "x"), Code.ACCESS_REJECT, "duo_denied"),
        ("push", AuthAnswer("allow", "a new status", "x"), Code.ACCESS_ACCEPT, "duo_allowed"),
    ],
)
def test_allow_or_deny_decides_and_the_status_names_the_reason(typed, answer, code, reason):
    decided = login()
    begin(decided, typed)
    decided.answered(GO_ON, 0.0)
    verdict = decided.answered(answer, 0.0)
    assert (verdict.code, verdict.reason.value, verdict.reply_message) == (code, reason, "x")


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
        assert numbered.answered(PreauthAnswer("auth", devices=devices), 0.0).call.device == device
    missing = login()
    begin(missing, "sms2")
    assert missing.answered(PreauthAnswer("auth", devices=devices), 0.0).reason.value == "no_such_device"


def test_without_a_device_list_the_number_itself_goes_to_duo():
    numbered = login()
    begin(numbered, "push2")
    call = numbered.answered(GO_ON, 0.0).call
    assert (call.device, call.ordinal) == ("auto", 2)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("", "no_password"), ("  ", "no_password"), ("Winter2026!", "unknown_factor"), (None, "unreadable_password")],
)
@pytest.mark.parametrize("preauth_always", [True, False])
def test_a_text_that_is_no_factor_is_rejected_and_never_shown_or_sent(typed, reason, preauth_always):
    rejected = login(preauth_always=preauth_always)
    verdict = begin(rejected, typed)
    if preauth_always:
        verdict = rejected.answered(GO_ON, 0.0)
    assert (verdict.code, verdict.reason.value) == (Code.ACCESS_REJECT, reason)
    assert "Winter2026!" not in str(verdict)


def test_a_user_in_bypass_may_type_anything():
    """As with Duo's proxy: preauth comes first, and what it decides is decided."""
    bypassed = login()
    begin(bypassed, "whatever")
    assert bypassed.answered(PreauthAnswer("allow", "Bypass"), 0.0).reason.value == "duo_bypass"


@pytest.mark.parametrize("typed", ["", "Winter2026!", None])
def test_a_text_that_is_no_factor_may_mean_the_automatic_one(typed):
    automatic = login(automatic=True)
    begin(automatic, typed)
    call = automatic.answered(GO_ON, 0.0).call
    assert (call.factor, call.passcode) == (Factor.AUTO, "")


def test_exempt_users_never_meet_duo():
    assert begin(login(exempt=frozenset({"alice"})), "whatever").reason.value == "exempt"


@pytest.mark.parametrize(("fail_open", "code", "reason"), [(True, 2, "failmode_safe"), (False, 3, "failmode_secure")])
def test_fail_mode_decides_while_duo_is_away_and_says_why(fail_open, code, reason):
    unlucky = login(fail_open=fail_open)
    begin(unlucky, "push")
    verdict = unlucky.unavailable(TIMEOUT, 5.0)
    assert (verdict.code, verdict.reason.value) == (code, reason)
    assert "no answer within 5 s" in verdict.account
    assert "no answer" not in verdict.reply_message


@pytest.mark.parametrize(
    "trouble", [Trouble.TIMEOUT, Trouble.CONNECT, Trouble.HTTP_STATUS, Trouble.CONFIGURATION, Trouble.CLOCK]
)
def test_a_status_question_that_fails_is_asked_again_as_long_as_a_push_lives(trouble):
    waiting = pushed()
    lost = DuoUnavailable(trouble, "gone")
    assert waiting.unavailable(lost, 30.0) == Ask(AuthStatus("tx", 44.0), 31.0)
    assert waiting.unavailable(lost, 60.0) == Ask(AuthStatus("tx", 14.0), 61.0)
    assert waiting.answered(AuthAnswer("allow", "allow", "x"), 62.0).reason == "duo_allowed"


@pytest.mark.parametrize("fail_open", [True, False])
def test_nobody_gets_in_because_the_answer_to_a_push_was_lost(fail_open):
    waiting = pushed(fail_open=fail_open)
    verdict = waiting.unavailable(TIMEOUT, 75.0)
    assert (verdict.code, verdict.reason) == (Code.ACCESS_REJECT, "duo_timeout")
    assert "could not be asked what became of the push (timeout: no answer" in verdict.account


def test_no_question_outlasts_the_push():
    waiting = pushed()
    assert waiting.answered(AuthAnswer("waiting"), 70.0) == Ask(AuthStatus("tx", 5.0))


def test_a_long_poll_goes_on_at_once_but_a_quick_one_is_paced():
    waiting = pushed()
    still = AuthAnswer("waiting", "pushed", "Pushed a login request")
    assert waiting.answered(still, 0.25) == Ask(AuthStatus("tx", 74.75))
    assert waiting.answered(still, 0.5) == Ask(AuthStatus("tx", 74.5))
    assert waiting.answered(still, 0.75) == Ask(AuthStatus("tx", 73.25), 1.75)
    assert waiting.answered(still, 31.5) == Ask(AuthStatus("tx", 43.5))


def test_a_push_that_duo_never_decides_times_out():
    waiting = pushed()
    verdict = waiting.answered(AuthAnswer("waiting"), 75.0)
    assert (verdict.reason, verdict.account) == ("duo_timeout", "Duo had not decided after 75 s")


def test_a_refused_call_is_a_reject_that_names_what_duo_said():
    refused = login()
    begin(refused, "push")
    refused.answered(GO_ON, 0.0)
    verdict = refused.answered(Refusal(400, 40002, "Invalid request parameters", "no capable device"), 0.0)
    assert (verdict.code, verdict.reason.value) == (Code.ACCESS_REJECT, "duo_refused_call")
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
    verdict = crowded.unavailable(DuoUnavailable(trouble, "too many calls"), 1.0)
    assert (verdict.code, verdict.reason) == (Code.ACCESS_REJECT, "overloaded")


def test_a_decided_login_decides_no_more():
    decided = login(preauth_always=False)
    begin(decided, "")
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

    LOST = DuoUnavailable(Trouble.CLOSED, "the connection was forgotten", may_have_acted=True)

    def asked(self, **policy) -> Login:
        waiting = login(**policy)
        begin(waiting, "push")
        waiting.answered(GO_ON, 0.0)
        return waiting

    def test_nobody_gets_in_for_it_while_duo_answers_others(self):
        doubtful = self.asked(fail_open=True)
        assert doubtful.unavailable(self.LOST, 1.0) == Hold(1.0 + DOUBT_S)
        assert doubtful.has_pushed
        verdict = doubtful.give_up(is_duo_away=False)
        assert (verdict.reason.value, verdict.is_accept) == ("push_lost", False)
        assert "the connection was forgotten" in verdict.account

    @pytest.mark.parametrize("fail_open", [True, False])
    def test_fail_mode_decides_if_duo_is_away(self, fail_open):
        doubtful = self.asked(fail_open=fail_open)
        doubtful.unavailable(self.LOST, 1.0)
        assert doubtful.give_up(is_duo_away=True).is_accept is fail_open

    def test_a_push_that_a_dead_worker_asked_for_is_no_business_of_fail_mode(self):
        first = self.asked()
        other = Login.restored(LoginPolicy(fail_open=True), record_of(first))
        assert other.resume(1.0, 1.0) == Hold(PERSON_PATIENCE_S)
        assert other.give_up(is_duo_away=True).reason.value == "push_lost"

    def test_what_was_not_sent_is_decided_at_once(self):
        refused = DuoUnavailable(Trouble.CONNECT, "connection refused")
        assert self.asked(fail_open=True).unavailable(refused, 1.0).reason.value == "failmode_safe"
