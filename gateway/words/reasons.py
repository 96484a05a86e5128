"""Why a login ended as it did: the fixed list, whose words stand in log lines, metrics and the documentation."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The value stands in logs and metrics, and is the name of a section of docs/troubleshooting.md."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's, and each login looks its reason up a few times

    DUO_ALLOWED = "duo_allowed"
    DUO_BYPASS = "duo_bypass"
    DUO_DENIED = "duo_denied"
    DUO_TIMEOUT = "duo_timeout"
    DUO_LOCKED_OUT = "duo_locked_out"
    DUO_FRAUD = "duo_fraud"
    DUO_REFUSED_CALL = "duo_refused_call"
    NOT_ENROLLED = "not_enrolled"
    SMS_SENT = "sms_sent"
    EXEMPT = "exempt"
    FAILMODE_SAFE = "failmode_safe"
    FAILMODE_SECURE = "failmode_secure"
    NO_PASSWORD = "no_password"
    UNKNOWN_FACTOR = "unknown_factor"
    UNREADABLE_PASSWORD = "unreadable_password"
    NO_SUCH_DEVICE = "no_such_device"
    TOO_MANY_PENDING = "too_many_pending"
    OVERLOADED = "overloaded"
    DEADLINE = "deadline"
    PUSH_LOST = "push_lost"
    NO_USER_NAME = "no_user_name"
    BAD_USER_NAME = "bad_user_name"
    UNSUPPORTED_CREDENTIALS = "unsupported_credentials"
    CONFLICTING_CREDENTIALS = "conflicting_credentials"
    MALFORMED_PASSWORD = "malformed_password"
    UNKNOWN_STATE = "unknown_state"
    INTERNAL_ERROR = "internal_error"


class Outcome(StrEnum):
    """What a verdict comes to for the user."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    ACCEPT = "accept"
    REJECT = "reject"
    CHALLENGE = "challenge"
    """The user is asked for more."""


_ACCEPTED: Final = frozenset({Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.EXEMPT, Reason.FAILMODE_SAFE})
OUTCOME_OF: Final = {reason: Outcome.ACCEPT if reason in _ACCEPTED else Outcome.REJECT for reason in Reason}
"""What a login comes to that ends for this reason."""
