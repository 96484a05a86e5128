"""How a login ends: the outcome, the reason from a fixed list, our own texts for the person, hints for administrators.

Nothing here is RADIUS: whoever waits for a verdict says it in its own protocol, see `engine.waiter`.
"""

from typing import TYPE_CHECKING, Final, final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import PASSCODE, Factor
from gateway.duoapi.echoes import is_harmless
from gateway.values import Value
from gateway.words.explanations import REASONS
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Outcome, Reason

if TYPE_CHECKING:
    from gateway.engine.passed_on import PassedOn

__all__ = [
    "ACCEPT",
    "CHALLENGE",
    "FACTORS_TEXT",
    "LOGIN_FAILED",
    "PROBE_TEXT",
    "REJECT",
    "UNPROVEN_PASSWORD",
    "Outcome",
    "Reason",
    "Verdict",
    "duo_account",
    "duo_hint",
    "rejection",
]

_MANY_TEXTS: Final = 64
_LONG_TEXT: Final = 200  # characters
_accounts: Final[dict[str, dict[str, str]]] = {"allow": {}, "deny": {}}  # by result and text: Duo has few


# Bare names: before Python 3.12 to look a member up costs as much as a call.
ACCEPT: Final = Outcome.ACCEPT
REJECT: Final = Outcome.REJECT
CHALLENGE: Final = Outcome.CHALLENGE


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Verdict(Value):
    """The end of a login.

    Attributes:
        outcome: whether the user gets in.
        reason: from the fixed list.
        reply_message: for the person; empty for none.
        account: what happened, for the log; never holds what the user typed.
        hint: what an administrator should look at; empty when the account says it all.
        attributes: for who waits, in octets of its protocol, beside the message; empty for none.
        passed_on: what a home server has said for who waits; None for nothing.
    """

    __slots__ = ("account", "attributes", "hint", "outcome", "passed_on", "reason", "reply_message")

    def __init__(
        self,
        outcome: Outcome,
        reason: Reason,
        reply_message: str,
        account: str,
        hint: str = "",
        attributes: bytes = b"",
    ) -> None:
        self.outcome = outcome
        self.reason = reason
        self.reply_message = reply_message
        self.account = account
        self.hint = hint
        self.attributes = attributes
        self.passed_on: PassedOn | None = None

    @property
    def is_accept(self) -> bool:
        """Whether the user gets in."""
        return self.outcome is ACCEPT

    @property
    def explanation(self) -> str:
        """All that the log says of this verdict, in one line, for `radgate login`."""
        hint = f" hint={self.hint}" if self.hint else ""
        return f"reason={self.reason}: {self.account}{hint}"


PROBE_TEXT: Final = "The gateway is alive. Nobody can log in by this name."
FACTORS_TEXT: Final = "Enter a passcode, or push, phone or sms."
LOGIN_FAILED: Final = "Login failed."
"""Whatever a first factor has refused: who guesses learns nothing."""

_REPLY_MESSAGES: Final[dict[Reason, str]] = {
    Reason.NO_PASSWORD: FACTORS_TEXT,
    Reason.UNKNOWN_FACTOR: FACTORS_TEXT,
    Reason.UNREADABLE_PASSWORD: FACTORS_TEXT,
    Reason.NO_SUCH_DEVICE: "You have no such device. Try without a number.",
    Reason.TOO_MANY_PENDING: "Too many logins are waiting. Answer them, or try again in a minute.",
    Reason.OVERLOADED: "Too many logins at this moment. Please try again.",
    Reason.DEADLINE: "The login was not approved in time.",
    Reason.PUSH_LOST: "The login was interrupted. Please try again.",
    Reason.NO_USER_NAME: "The user name is missing.",
    Reason.BAD_USER_NAME: "The user name is not valid.",
    Reason.UNSUPPORTED_CREDENTIALS: "Only PAP passwords are supported.",
    Reason.CONFLICTING_CREDENTIALS: "The request is not valid.",
    Reason.MALFORMED_PASSWORD: "The request is not valid.",
    Reason.UNKNOWN_STATE: "The request is not valid.",
    **dict.fromkeys(REFUSED_FIRST_FACTOR, LOGIN_FAILED),
    Reason.PASSWORD_EXPIRED: "Your password has expired.",  # which only a right one brings to light
    Reason.USER_DIFFERS: LOGIN_FAILED,
    Reason.FIRST_FACTOR_UNREACHABLE: "The login could not be checked. Please try again later.",
    Reason.REPLY_TOO_LONG: "An internal error occurred. Please ask your help desk.",
    Reason.FACTOR_MISSING: "Enter your password and, behind it, a passcode or push.",
    Reason.NO_CAPABLE_DEVICE: "You have no device for this login. Please ask your help desk.",
    Reason.CHALLENGE_EXPIRED: "The answer came too late. Please log in again.",
    Reason.CHALLENGE_UNKNOWN: "This question was not for you, or is answered. Please log in again.",
    Reason.UNKNOWN_OPTION: "That was none of the options. Please log in again.",
    Reason.NAS_CANNOT_ANSWER: "That was your password, and none of the options. Please log in again.",
    Reason.INTERNAL_ERROR: "An internal error occurred. Please try again.",
}


def rejection(reason: Reason) -> Verdict:
    """Return our own Access-Reject for a reason that Duo has no part in."""
    happened, remedy = REASONS[reason]
    return Verdict(REJECT, reason, _REPLY_MESSAGES[reason], happened, remedy)


def _unproven_password() -> Verdict:
    verdict = rejection(Reason.UNREADABLE_PASSWORD)
    verdict.hint += (
        "; or the shared secret at the client is not the radius_secret_N here any more, "
        "which only a signed request (Message-Authenticator) could tell; "
        "or it has 15, 16, 31, 32 … bytes and is no UTF-8, as random bytes: it counts only in signed requests"
    )
    return verdict


UNPROVEN_PASSWORD: Final = _unproven_password()
"""The end of a request whose password is not readable, and whose shared secret nothing in it has proven."""

_DUO_DENIED: Final = Reason.DUO_DENIED

# Duo's texts say too little of these, whatever was asked.
_HINTS: Final = {
    reason: REASONS[reason].remedy
    for reason in (Reason.NOT_ENROLLED, Reason.SMS_SENT, Reason.DUO_LOCKED_OUT, Reason.DUO_FRAUD)
}

# Of denials several causes share one text.
_DENIED_PASSCODE: Final = (
    "Duo says this of a correct passcode too when the application's policy does not permit passcodes, "
    "or when user access is off for the application"
)
_DENIED_BEFORE_ANY_FACTOR: Final = (
    "refused before any factor: the user may be disabled or locked out, user access may be off for the application "
    "(the default of a new one), or its new user policy may deny a user whom Duo knows by another name"
)

# Of what Duo says before any factor is asked: words of its text, and what they mean more exactly.
_TEXT_HINTS: Final = {
    "not enrolled": f"the application's policy denies users whom Duo does not know: {_HINTS[Reason.NOT_ENROLLED]}",
    "locked out": _HINTS[Reason.DUO_LOCKED_OUT],
    "disabled": (
        "Duo says this of a disabled or locked out user, "
        "and of everybody while user access is off for the application (the default of a new one)"
    ),
}


def duo_hint(reason: Reason, factor: Factor | None, status_msg: str = "") -> str:
    """Return what to look at when Duo's own text misleads; `factor` is None before any factor was asked."""
    if reason is not _DUO_DENIED:
        return _HINTS.get(reason, "")
    if factor is not None:
        return _DENIED_PASSCODE if factor is PASSCODE else ""
    said = status_msg.lower()
    return next((hint for words, hint in _TEXT_HINTS.items() if words in said), _DENIED_BEFORE_ANY_FACTOR)


def duo_account(result: str, status_msg: str) -> str:
    """Return what the log says of Duo's answer.

    What cannot hold anything that was typed is put together once: quoting costs as much as the rest of a verdict.
    """
    known = _accounts.get(result)
    account = known.get(status_msg) if known is not None else None
    if account is None:
        account = f"Duo authentication returned {result!r}: {status_msg!r}"
        if known is not None and len(status_msg) <= _LONG_TEXT and is_harmless(status_msg):
            if len(known) >= _MANY_TEXTS:
                known.clear()
            known[status_msg] = account
    return account
