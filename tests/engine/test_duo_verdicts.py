"""What Duo's answers come to, and that there is none."""

import pytest

from gateway.duoapi.calls import PUSH, SMS, AuthAnswer, PreauthAnswer, Refusal
from gateway.engine.duo_verdicts import auth_verdict, fail_mode, preauth_verdict, push_lost, refused_call
from gateway.engine.verdict import ACCEPT, REJECT
from gateway.unavailable import Trouble, Unavailable
from gateway.words.reasons import Reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (AuthAnswer("allow", "allow"), Reason.DUO_ALLOWED),
        (AuthAnswer("allow", "bypass"), Reason.DUO_BYPASS),
        (AuthAnswer("deny", "timeout"), Reason.DUO_TIMEOUT),
        (AuthAnswer("deny", "a word to come"), Reason.DUO_DENIED),
        (AuthAnswer("deny", "allow"), Reason.DUO_DENIED),
    ],
)
def test_the_result_decides_and_the_status_names_the_reason(answer, reason):
    verdict = auth_verdict(answer, PUSH)
    assert (verdict.outcome, verdict.reason) == (ACCEPT if answer.result == "allow" else REJECT, reason)


def test_a_denied_sms_without_a_status_is_one_that_was_sent():
    assert auth_verdict(AuthAnswer("deny"), SMS).reason is Reason.SMS_SENT


@pytest.mark.parametrize("result", ["deny", "a word to come", ""])
def test_a_preauth_that_is_no_yes_lets_nobody_in(result):
    assert preauth_verdict(PreauthAnswer(result)).outcome is REJECT


def test_the_address_to_enrol_at_is_the_users_alone():
    verdict = preauth_verdict(PreauthAnswer("enroll", "Enrol first.", enroll_portal_url="https://duo.test/secret"))
    assert verdict.reply_message == "Enrol first. https://duo.test/secret"
    assert "secret" not in verdict.account + verdict.hint


@pytest.mark.parametrize("trouble", Trouble)
def test_fail_mode_lets_in_only_where_safe_and_not_what_users_provoked(trouble):
    error = Unavailable(trouble, "of a test")
    assert fail_mode(error, fail_open=False).outcome is REJECT
    assert (fail_mode(error, fail_open=True).outcome is ACCEPT) is not trouble.is_provoked


def test_a_lost_push_and_a_refused_call_let_nobody_in():
    lost = push_lost(Unavailable(Trouble.CLOSED, "of a test", may_have_acted=True))
    assert (lost.outcome, lost.reason) == (REJECT, Reason.PUSH_LOST)
    assert "closed: of a test" in lost.account
    refused = refused_call(Refusal(400, 40002, "Invalid request parameters", "username"))
    assert (refused.outcome, refused.reason) == (REJECT, Reason.DUO_REFUSED_CALL)
