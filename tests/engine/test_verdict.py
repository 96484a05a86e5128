"""Reasons: each has words for the person and the administrator, and a place in the documentation."""

from pathlib import Path

import pytest

from gateway.duoapi.calls import Factor
from gateway.engine.verdict import Reason, duo_hint, rejection
from gateway.radius.discards import DiscardReason

DOCUMENT = (Path(__file__).parents[2] / "docs" / "reasons.md").read_text()
DUOS_OWN = {reason for reason in Reason if reason.startswith(("duo_", "failmode_", "not_", "sms_", "exempt"))}


@pytest.mark.parametrize("reason", [*Reason, *DiscardReason])
def test_the_document_names_every_reason(reason):
    assert f"`{reason}`" in DOCUMENT


@pytest.mark.parametrize("reason", sorted(set(Reason) - DUOS_OWN))
def test_our_own_rejections_tell_the_person_something_short_and_free_of_internals(reason):
    verdict = rejection(reason)
    assert not verdict.is_accept
    assert 10 < len(verdict.reply_message) <= 80
    assert "_" not in verdict.reply_message
    assert verdict.account


def test_the_explanation_is_one_line_with_reason_account_and_hint():
    verdict = rejection(Reason.NO_PASSWORD)
    assert verdict.explanation == f"reason=no_password: {verdict.account} ({verdict.hint})"


def test_hints_are_for_texts_that_mislead():
    assert "does not permit passcodes" in duo_hint(Reason.DUO_DENIED, Factor.PASSCODE)
    assert duo_hint(Reason.DUO_ALLOWED, Factor.PUSH) == ""
