"""What `debug=true` adds to the log: a line for each packet and each question to Duo, in words grepped for today.

Passwords, passcodes and enrolment addresses stay out of it, as everywhere.
"""

import logging
from collections.abc import Mapping

from gateway.duo.client import DuoClient
from gateway.duoapi.calls import Auth, AuthAnswer, AuthStatus, Preauth, PreauthAnswer, Refusal
from gateway.engine.asking import Answer, Question
from gateway.engine.discard_notices import Notice
from gateway.engine.effects import Effect, Finished, PutQuestion, SendReply
from gateway.engine.first_factor import NOBODY, Accepted, Challenged, CheckFirstFactor, Refused
from gateway.engine.peer import Peer
from gateway.engine.pending import PendingLogin
from gateway.fleetapi.questions import Decided, Granted, Joined, Lost, Released, TakenOver, Unused, UsedBefore
from gateway.radius.dictionary import Code
from gateway.unavailable import Unavailable

log = logging.getLogger("gateway.worker")

_CODES = {int(code): code.label.replace("-", "") for code in Code}


class Narrator:
    """Tells the log what happens, packet by packet; `askers` are who puts questions, by their names."""

    def __init__(self, askers: Mapping[str, object] = {}) -> None:
        self._askers = askers

    def received(self, datagram: bytes, peer: Peer, effects: list[Effect]) -> None:
        """Tell of a datagram, and what it was taken for."""
        if not effects:
            log.debug(
                "Received duplicate request, or a packet like others that were discarded, from %s", peer.address[:2]
            )
        elif any(isinstance(effect, Notice) for effect in effects):
            log.debug("Discarded %d bytes from %s", len(datagram), peer.address[:2])
        else:
            for section in _sections(effects):
                log.debug("Sending request from %s to %s", peer.address[0], section)
            log.debug("Received new request id %d from %s", datagram[1], peer.address[:2])

    def asks(self, effect: PutQuestion) -> None:
        """Tell of a question to Duo, to a first factor, or to the fleet."""
        whom = {effect.pending.login.policy.application: "Duo", effect.pending.login.policy.fleet: "the fleet"}
        log.debug(
            "Asking %s %s for [%s]",
            whom.get(effect.to, f"[{effect.to}]"),
            describe_question(effect.question),
            effect.pending.section.name,
        )
        asker = self._askers.get(effect.to)
        if isinstance(asker, DuoClient) and isinstance(effect.question, Preauth | Auth | AuthStatus):
            log.debug("http %s", asker.destination(effect.question))

    def answered(self, pending: PendingLogin, answer: Answer | Unavailable) -> None:
        """Tell of the answer."""
        login = pending.login
        log.debug("%s: %s", login.without_passcode(describe_answer(answer)), login)

    def sends(self, effect: SendReply) -> None:
        """Tell of a reply."""
        code = effect.octets[0]
        log.debug("Returning response code %d: %s", code, _CODES.get(code, "?"))
        log.debug("Sending response id %d to %s", effect.octets[1], effect.peer.address[:2])

    def finished(self, finished: Finished) -> None:
        """Tell whose login it was."""
        log.debug("login attempt for username %r took %.3f s", finished.user_name, finished.duration_s)


def _sections(effects: list[Effect]) -> set[str]:
    """Return the section that a new request belongs to; empty where it is no login."""
    asked = {effect.pending.section.name for effect in effects if isinstance(effect, PutQuestion)}
    return asked or {effect.section for effect in effects if isinstance(effect, Finished)}


def describe_question(question: Question) -> str:
    """Return a question in a few words."""
    if isinstance(question, CheckFirstFactor):
        return f"whether the credentials of {question.shown_name!r} are right"
    name = "auth_status" if isinstance(question, AuthStatus) else type(question).__name__.lower()
    if isinstance(question, Preauth):
        return f"{name} for username {question.username!r}"
    if isinstance(question, Auth):
        return f"{name} for username {question.username!r} with factor {question.factor} on device {question.device}"
    return name


def describe_answer(answer: Answer | Unavailable) -> str:
    """Return an answer in a few words."""
    match answer:
        case PreauthAnswer():
            return f"Got preauth result for: {answer.result!r} ({answer.status_msg!r})"
        case AuthAnswer():
            return f"Got auth result for: {answer.result or 'begun'!r} {answer.status} ({answer.status_msg!r})"
        case Refusal():
            return f"Duo refused with {answer.code}: {answer.message!r}"
        case Unavailable():
            return f"Got no answer ({answer.trouble}: {answer.detail})"
        case Accepted() | Refused() | Challenged():
            return f"The first factor says: {type(answer).__name__.lower()} ({answer.host or NOBODY})"
        case Joined() | TakenOver() | Decided() | Released() | Lost() | UsedBefore():
            return f"The fleet says: {type(answer).__name__.lower()}, {answer.host}"
        case Granted() | Unused():
            return f"The fleet says: {type(answer).__name__.lower()}"
    return "Got an answer"
