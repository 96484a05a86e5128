"""Verdicts: words for the person and the administrator, and hints where Duo's own words mislead."""

import pytest

from gateway.duoapi.calls import Factor
from gateway.engine import verdict as module
from gateway.engine.verdict import (
    duo_account,
    duo_hint,
    rejection,
)
from gateway.words.explanations import REASONS
from gateway.words.reasons import Reason

DUOS_OWN = {reason for reason in Reason if reason.startswith(("duo_", "failmode_", "not_", "sms_", "exempt"))}
NO_REJECTION = DUOS_OWN | {Reason.CHALLENGED}


@pytest.mark.parametrize("reason", sorted(set(Reason) - NO_REJECTION))
def test_our_own_rejections_tell_the_person_something_short_and_free_of_internals(reason):
    verdict = rejection(reason)
    assert not verdict.is_accept
    assert 10 < len(verdict.reply_message) <= 80
    assert "_" not in verdict.reply_message
    assert verdict.account


def test_the_explanation_is_one_line_with_reason_account_and_hint():
    verdict = rejection(Reason.NO_PASSWORD)
    assert verdict.explanation == f"reason=no_password: {verdict.account} hint={verdict.hint}"


@pytest.mark.parametrize(
    ("reason", "factor", "status_msg", "hint"),
    [
        (
            Reason.DUO_DENIED,
            Factor.PASSCODE,
            "Incorrect passcode. Please try again.",
            "policy does not permit passcodes",
        ),
        (Reason.DUO_DENIED, Factor.PASSCODE, "Incorrect passcode. Please try again.", "user access is off"),
        (Reason.DUO_DENIED, None, "Your account is disabled and cannot access this application.", "user access is off"),
        (
            Reason.DUO_DENIED,
            None,
            "Access is not allowed because you are not enrolled in Duo.",
            REASONS[Reason.NOT_ENROLLED].remedy,
        ),
        (Reason.DUO_DENIED, None, "Your account has been locked out.", REASONS[Reason.DUO_LOCKED_OUT].remedy),
        (Reason.DUO_DENIED, None, "", "user access may be off"),
    ],
)
def test_a_text_of_duos_that_misleads_gets_a_hint(reason, factor, status_msg, hint):
    assert hint in duo_hint(reason, factor, status_msg)


@pytest.mark.parametrize("factor", [None, Factor.PUSH, Factor.SMS])
@pytest.mark.parametrize("reason", [Reason.NOT_ENROLLED, Reason.DUO_LOCKED_OUT, Reason.DUO_FRAUD, Reason.SMS_SENT])
def test_what_duo_says_too_little_of_is_explained_as_everywhere_else(reason, factor):
    assert duo_hint(reason, factor, "Enroll an authentication device to proceed") == REASONS[reason].remedy


@pytest.mark.parametrize("reason", [Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.DUO_TIMEOUT])
def test_a_text_that_says_it_all_gets_none(reason):
    assert duo_hint(reason, Factor.PUSH, "Success. Logging you in...") == ""


def remembered() -> set[str]:
    return {text for texts in module._accounts.values() for text in texts}


@pytest.mark.parametrize("result", ["allow", "deny", "a word of later times"])
def test_what_duo_says_is_quoted_the_first_time_and_every_other(result):
    accounts = {duo_account(result, "It's fine.") for _ in range(3)}
    assert accounts == {f'Duo authentication returned {result!r}: "It\'s fine."'}


@pytest.mark.parametrize("text", ["no 123456 today", "dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh", "so " * 100])
def test_what_may_hold_something_typed_and_what_is_long_is_not_remembered(text):
    assert duo_account("deny", text) == f"Duo authentication returned 'deny': {text!r}"
    assert text not in remembered()


def test_no_more_texts_are_remembered_than_duo_has():
    letters = "abcdefghijklmnopqrstuvwxyz"
    for first in letters:
        for second in letters:
            duo_account("deny", f"Denied because of {first}{second}.")
    assert len(remembered()) <= 2 * module._MANY_TEXTS
