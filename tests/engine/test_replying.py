"""When replies leave."""

import pytest

from gateway.engine.replying import is_delayed
from gateway.engine.verdict import ACCEPT, REJECT, Verdict
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason


@pytest.mark.parametrize("reason", Reason)
def test_nobody_who_gets_in_is_kept_waiting(reason):
    assert not is_delayed(Verdict(ACCEPT, reason, "", ""))


@pytest.mark.parametrize(
    ("reason", "is_late"),
    [
        (Reason.DUO_DENIED, True),
        (Reason.UNREADABLE_PASSWORD, True),
        (Reason.FACTOR_MISSING, True),
        (Reason.UNKNOWN_OPTION, True),
        (Reason.NO_CAPABLE_DEVICE, True),
        *((reason, True) for reason in sorted(REFUSED_FIRST_FACTOR)),
        (Reason.CHALLENGED, False),
        (Reason.CHALLENGE_EXPIRED, False),
        (Reason.FAILMODE_SECURE, False),
        (Reason.OVERLOADED, False),
        (Reason.TOO_MANY_PENDING, False),
        (Reason.INTERNAL_ERROR, False),
    ],
)
def test_what_a_person_did_is_rejected_late_and_nothing_else(reason, is_late):
    assert is_delayed(Verdict(REJECT, reason, "", "")) is is_late
