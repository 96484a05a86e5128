"""How a login ends: the reply, the reason from a fixed list, our own Reply-Messages, hints for the administrator."""

from enum import StrEnum

import msgspec

from gateway.duoapi.calls import Factor
from gateway.radius.dictionary import Code


class Reason(StrEnum):
    """Why a login ended as it did; the value stands in logs and metrics and has a section in the documentation."""

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


class Verdict(msgspec.Struct):
    """The end of a login.

    Attributes:
        code: Access-Accept or Access-Reject.
        reason: from the fixed list.
        reply_message: for the person; empty for none.
        account: what happened, for the log; never holds what the user typed.
        hint: what an administrator should look at; empty when the account says it all.
    """

    code: Code
    reason: Reason
    reply_message: str
    account: str
    hint: str = ""

    @property
    def is_accept(self) -> bool:
        """Whether the user gets in."""
        return self.code is Code.ACCESS_ACCEPT

    @property
    def explanation(self) -> str:
        """All that the log says of this verdict, in one line."""
        hint = f" ({self.hint})" if self.hint else ""
        return f"reason={self.reason}: {self.account}{hint}"


FACTORS_TEXT = "Enter a passcode, or push, phone or sms."

_REJECTIONS: dict[Reason, tuple[str, str, str]] = {
    # the Reply-Message, what the log says, and the hint
    Reason.NO_PASSWORD: (
        FACTORS_TEXT,
        "The password was empty",
        "with unrecognised_factor=auto an empty password asks for Duo's automatic factor",
    ),
    Reason.UNKNOWN_FACTOR: (
        FACTORS_TEXT,
        "The password was neither a passcode nor a factor word",
        "users who type their directory password here need unrecognised_factor=auto",
    ),
    Reason.NO_SUCH_DEVICE: (
        "You have no such device. Try without a number.",
        "The user has no device of that number for this factor",
        "devices are counted in the order of the user's page in Duo, those that can do the factor alone",
    ),
    Reason.TOO_MANY_PENDING: (
        "Too many logins are waiting. Answer them, or try again in a minute.",
        "The user has too many logins pending",
        "somebody may be sending pushes to wear the user down; the bound is max_pending_per_user",
    ),
    Reason.OVERLOADED: (
        "Too many logins at this moment. Please try again.",
        "There were too many calls to Duo at once",
        "Duo limits the rate of calls, or this host is too small; users can provoke it, so fail mode has no part in it",
    ),
    Reason.DEADLINE: (
        "The login was not approved in time.",
        "Duo had not decided when response_deadline_s was over",
        "",
    ),
    Reason.PUSH_LOST: (
        "The login was interrupted. Please try again.",
        "A worker died after it had asked Duo for a push and before Duo had named it; nobody can ask what became of it",
        "the log says why the worker died; the user was not pushed twice",
    ),
    Reason.NO_USER_NAME: ("The user name is missing.", "The request had no User-Name", ""),
    Reason.BAD_USER_NAME: (
        "The user name is not valid.",
        "The User-Name holds control characters or is not UTF-8",
        "",
    ),
    Reason.UNSUPPORTED_CREDENTIALS: (
        "Only PAP passwords are supported.",
        "The request carried no PAP password",
        "set the authentication protocol of the RADIUS client to PAP: the typed factor must be readable",
    ),
    Reason.CONFLICTING_CREDENTIALS: (
        "The request is not valid.",
        "The request carried credentials or names more than once",
        "",
    ),
    Reason.MALFORMED_PASSWORD: (
        "The request is not valid.",
        "The User-Password was not 16, 32 … 128 octets long",
        "",
    ),
    Reason.UNKNOWN_STATE: (
        "The request is not valid.",
        "The request continued a challenge that was never sent",
        "",
    ),
    Reason.INTERNAL_ERROR: (
        "An internal error occurred. Please try again.",
        "The gateway failed; the error is in the log",
        "",
    ),
}


def rejection(reason: Reason) -> Verdict:
    """Return our own Access-Reject for a reason that Duo has no part in."""
    reply_message, account, hint = _REJECTIONS[reason]
    return Verdict(Code.ACCESS_REJECT, reason, reply_message, account, hint)


# Duo's texts mislead in these cases: several causes share one text.
_DUO_HINTS: dict[tuple[Reason, Factor | None], str] = {
    (Reason.DUO_DENIED, Factor.PASSCODE): (
        "Duo says this of a correct passcode too when the application's policy does not permit passcodes, "
        "or when user access is off for the application"
    ),
    (Reason.DUO_DENIED, None): (
        "refused before any factor: the user may be disabled or locked out, user access may be off for the application "
        "(the default of a new one), or its new user policy may deny"
    ),
    (Reason.NOT_ENROLLED, None): "the user is not enrolled in Duo, or has another name there than in the directory",
    (Reason.SMS_SENT, Factor.SMS): "as intended: the user logs in again with one of the passcodes sent",
    (Reason.DUO_LOCKED_OUT, Factor.PASSCODE): "too many failures; unlock the user in Duo",
    (Reason.DUO_FRAUD, Factor.PUSH): "the user reported this push as fraud: somebody else may know the first password",
}


def duo_hint(reason: Reason, factor: Factor | None) -> str:
    """Return what to look at when Duo's own text misleads; `factor` is None before any factor was asked."""
    return _DUO_HINTS.get((reason, factor), "")
