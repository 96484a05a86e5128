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
    FIRST_FACTOR_REJECTED = "first_factor_rejected"
    FIRST_FACTOR_UNREACHABLE = "first_factor_unreachable"
    PASSWORD_EXPIRED = "password_expired"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_LOCKED = "account_locked"
    NOT_IN_GROUP = "not_in_group"
    USER_NOT_FOUND = "user_not_found"
    USER_AMBIGUOUS = "user_ambiguous"
    USER_DIFFERS = "user_differs"
    REPLY_TOO_LONG = "reply_too_long"
    FACTOR_MISSING = "factor_missing"
    NO_CAPABLE_DEVICE = "no_capable_device"
    CHALLENGED = "challenged"
    CHALLENGE_EXPIRED = "challenge_expired"
    CHALLENGE_UNKNOWN = "challenge_unknown"
    UNKNOWN_OPTION = "unknown_option"
    NAS_CANNOT_ANSWER = "nas_cannot_answer"
    INTERNAL_ERROR = "internal_error"


class Outcome(StrEnum):
    """What a verdict comes to for the user."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    ACCEPT = "accept"
    REJECT = "reject"
    CHALLENGE = "challenge"
    """The user is asked for more."""


REFUSED_FIRST_FACTOR: Final = frozenset(
    {
        Reason.FIRST_FACTOR_REJECTED,
        Reason.PASSWORD_EXPIRED,
        Reason.ACCOUNT_DISABLED,
        Reason.ACCOUNT_LOCKED,
        Reason.NOT_IN_GROUP,
        Reason.USER_NOT_FOUND,
        Reason.USER_AMBIGUOUS,
    }
)
"""Why a first factor can refuse a user; a home server gives the first reason alone."""

OF_FIRST_FACTOR: Final = REFUSED_FIRST_FACTOR | {
    Reason.FIRST_FACTOR_UNREACHABLE,
    Reason.REPLY_TOO_LONG,
    Reason.USER_DIFFERS,
}
"""Why a login ends that has not come to Duo: what the first factor has said, or has not."""

_ACCEPTED: Final = frozenset({Reason.DUO_ALLOWED, Reason.DUO_BYPASS, Reason.EXEMPT, Reason.FAILMODE_SAFE})
OUTCOME_OF: Final = {reason: Outcome.ACCEPT if reason in _ACCEPTED else Outcome.REJECT for reason in Reason} | {
    Reason.CHALLENGED: Outcome.CHALLENGE
}
"""What a login comes to that ends for this reason."""

LEADS_ON: Final = frozenset({Reason.CHALLENGED, Reason.SMS_SENT})
"""Why a reply is none to a login: it only tells the user what to say next, and that is the login that counts."""
