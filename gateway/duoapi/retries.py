"""What is asked of Duo again, in which flavour and after which wait, and what is given up.

| what happens | what follows |
| --- | --- |
| 429, too many requests | asked again after 1, 2, 4 s and a random part of one, or Retry-After, if time allows |
| "wrong integration type" (40301) from v2 before any answer, version `auto` | asked in v1, and so is all that follows |
| the date is off or unreadable (40105, 40104) | a ping sets our clock by Duo's, and the call is asked again, once |
| the date is still off, or Duo told no time | `Unavailable` CLOCK: as CONFIGURATION |
| another key has signed (40103), and the application has a next one | asked once more with the other key |
| any other 401 or 403 | `Unavailable` CONFIGURATION: no user can mend it, so fail mode decides, loudly |
| the connection is lost | only what does no harm is sent again |

What was answered 429, 403 or 401 has not been acted on, so that even an auth may be asked again.
"""

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

from gateway.duoapi.calls import PASSCODE, Auth, Call, Ping, Refusal
from gateway.duoapi.flavours import V1, V2, Flavour
from gateway.unavailable import Trouble, Unavailable

RATE_LIMIT_WAITS_S: Final[Sequence[float]] = (1.0, 2.0, 4.0)

_HINTS: Final = {
    40101: "is a proxy removing headers?",
    40102: "check ikey and api_host",
    40103: "check skey",
    40104: "check this machine's clock",
    40105: "check this machine's clock",
    40301: "is the application's type RADIUS or Auth API, and may it be used from this network?",
}


class Next(Enum):
    """What follows when Duo refuses a call for what no user can mend."""

    ASK_IN_V1 = "ask in v1"
    ASK_BY_DUOS_CLOCK = "ask by Duo's clock"
    GIVE_UP = "give up"


def is_repeatable(call: Call) -> bool:
    """Return whether asking twice does no harm: nobody is pushed, called or sent passcodes twice.

    A passcode that Duo has seen already is refused the second time; that is better than fail mode for a lost answer.
    """
    return type(call) is not Auth or call.factor is PASSCODE


def flavour_after(refusal: Refusal, asked_in: Flavour, in_use: Flavour, may_change: bool) -> Flavour:
    """Return the flavour in use after a refusal; v2 is the one to come back to when neither is allowed.

    Args:
        refusal: what Duo said.
        asked_in: the flavour that it refused.
        in_use: the flavour in use by now: another call may have been quicker.
        may_change: whether the version is `auto`, and no call has been answered yet.
    """
    if not (refusal.is_wrong_application_type and may_change):
        return in_use
    return V1 if asked_in is V2 else V2


def after_refusal(refusal: Refusal, call: Call, asked_in: Flavour, in_use: Flavour, was_misdated: bool) -> Next:
    """Return what follows a refusal whose `is_configuration` is true.

    Args:
        refusal: what Duo said.
        call: what it refused.
        asked_in: the flavour that the call was asked in.
        in_use: what `flavour_after` gave.
        was_misdated: whether it has been asked by Duo's clock already.
    """
    if refusal.is_wrong_application_type and asked_in is V2 and in_use is V1:
        return Next.ASK_IN_V1
    if refusal.is_clock and type(call) is not Ping and not was_misdated:
        return Next.ASK_BY_DUOS_CLOCK
    return Next.GIVE_UP


def trouble_of(refusal: Refusal) -> Unavailable:
    """Return what a call ends with that is given up after a refusal."""
    texts = [f"Duo answered {refusal.code or refusal.http_status} {refusal.message}"]
    if refusal.detail:
        texts.append(refusal.detail)
    if refusal.code in _HINTS:
        texts.append(_HINTS[refusal.code])
    return Unavailable(Trouble.CLOCK if refusal.is_clock else Trouble.CONFIGURATION, "; ".join(texts))


def neither_key(refusal: Refusal) -> Unavailable:
    """Return what a call ends with whose signature Duo refuses, of an application that has two secret keys."""
    trouble = trouble_of(refusal)
    return Unavailable(trouble.trouble, f"{trouble.detail} and skey_next, Duo takes neither")


def rate_limit_wait_s(n_waits: int, retry_after: str, drawn: float, unix_now: float, left_s: float) -> float | None:
    """Return after how many seconds to ask again what was answered 429; None is never.

    Args:
        n_waits: how often the call has waited so already.
        retry_after: that header, a number or a date (RFC 9110 section 10.2.3); empty for none.
        drawn: a random number from 0 to 1, which spreads calls.
        unix_now: Duo's time.
        left_s: of the call's time.
    """
    if n_waits == len(RATE_LIMIT_WAITS_S):
        return None
    wait_s = RATE_LIMIT_WAITS_S[n_waits] + drawn
    if retry_after:
        wait_s = _told_wait_s(retry_after, unix_now, wait_s)
    return wait_s if wait_s < left_s else None


def _told_wait_s(text: str, unix_now: float, otherwise: float) -> float:
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - unix_now)
    except (ValueError, OverflowError, TypeError):
        return otherwise
