"""Rejections of what proves no user: what nobody could be asked about, and an accept that is not that user's."""

from gateway.engine.first_factor import Accepted
from gateway.engine.login import Login
from gateway.engine.modes.reading import before_nul
from gateway.engine.person import names_one_user
from gateway.engine.verdict import LOGIN_FAILED, Verdict, rejection
from gateway.radius.credentials import refusal_of
from gateway.radius.dictionary import USER_NAME
from gateway.radius.packet import Packet
from gateway.radius.passing import values_of
from gateway.words.reasons import Reason


def unreadable(account: str, hint: str = "") -> Verdict:
    """Return the rejection of a password that no first factor could be asked about."""
    verdict = rejection(Reason.UNREADABLE_PASSWORD)
    verdict.account, verdict.reply_message, verdict.hint = account, LOGIN_FAILED, hint or verdict.hint
    return verdict


def not_proven(login: Login, answer: Accepted) -> Verdict | None:
    """Return the rejection where what a home server has accepted is not that this user's credentials are right."""
    primary = login.primary
    if primary is None:
        return None
    if not primary.proves:  # RFC 3579 section 2.1: a challenge, or a reject
        verdict = rejection(Reason.FIRST_FACTOR_REJECTED)
        verdict.account += f" ({answer.host} has accepted an EAP-Start, which proves nothing)"
        return verdict
    has_eap = primary.speaks_eap or primary.has_own_name
    other = _other_name(login.user_name, answer.attributes) if has_eap else ""
    if not other:
        return None
    verdict = rejection(Reason.USER_DIFFERS)
    verdict.account += f" ({answer.host}: {other!r})"
    return verdict


def _other_name(user_name: str, attributes: bytes) -> str:
    """Return the name of another user whom an accept has; empty for none."""
    names = [before_nul(name).decode(errors="replace") for name in values_of(USER_NAME, attributes)]
    return next((name for name in names if name and not names_one_user(name, user_name)), "")


def unproven_answer() -> Verdict:
    """Return the rejection of an answer to a challenge that anybody may have sent."""
    verdict = rejection(Reason.UNSUPPORTED_CREDENTIALS)
    verdict.account = "The answer to a challenge had neither a PAP password nor a signature: the challenge still stands"
    verdict.hint = "let the RADIUS client sign it (Message-Authenticator), or send what was answered as a PAP password"
    return verdict


def refused_as_asked(reason: Reason, packet: Packet) -> Verdict:
    """Return the rejection, as the request's own protocol hears it too."""
    verdict = rejection(reason)
    verdict.attributes = refusal_of(packet)
    return verdict
