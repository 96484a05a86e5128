"""What the fleet's answers mean to a login: rows of `engine.login`'s tables, and how such a question is put.

Whatever the fleet says, nobody is pushed a second time for it, and nobody gets in but by Duo's word.
"""

from typing import Final

from gateway.duoapi.calls import PASSCODE
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.verdicts import answer_refused
from gateway.engine.duo_verdicts import push_lost
from gateway.engine.login_standing import LoginStanding
from gateway.engine.login_states import AUTH, CLAIMING, JOINED, PERSON_PATIENCE_S, USING
from gateway.engine.records import unpacked_verdict
from gateway.engine.steps import Ask, Consult, Step
from gateway.fleetapi.questions import (
    Claim,
    Decided,
    Granted,
    Join,
    Joined,
    Lost,
    Released,
    TakenOver,
    Unused,
    UsedBefore,
    UseState,
)
from gateway.unavailable import Unavailable
from gateway.words.reasons import Reason

CLAIM_LIFE_S: Final = 10.0  # far less than what makes other hosts claim a login anew
JOINED_WITH: Final = "joined"
TOOK_OVER: Final = "took_over"
_DUO_ACCEPTS: Final = (Reason.DUO_ALLOWED, Reason.DUO_BYPASS)


def use(login: LoginStanding, question: UseState, now: float) -> Step:
    """Ask the fleet whether the State that it answers was used at another host."""
    login.move(USING)
    login.asked_at = now
    return Ask(login.policy.fleet, question)


def unused(_login: LoginStanding, answer: Unused, _now: float) -> Step:
    """Let the mode say what was answered to the challenge."""
    return Consult(answer)


def use_failed(_login: LoginStanding, _error: Unavailable, _now: float) -> Step:
    """Go on as if there were no other host: a State lets nobody in, for Duo is asked after it."""
    return Consult(Unused())


def used_before(login: LoginStanding, answer: UsedBefore, _now: float) -> Step:
    """End it: a State is good for one answer."""
    login.held = None
    verdict = answer_refused(Refused.USED)
    if answer.host:
        verdict.account += f" (at {answer.host})"
    return login.decide(verdict)


def claim(login: LoginStanding, now: float) -> Step:
    """Ask the fleet for the login; one whose typed text is not known here can begin nothing any more."""
    if login.auth is None:
        return login.decide(push_lost(None))
    login.move(CLAIMING)
    login.asked_at = now
    again_s = login.primary.again_s if login.primary is not None else 0.0
    return Ask(login.policy.fleet, Claim(is_repeatable=login.auth.factor is PASSCODE, again_s=again_s))


def join(login: LoginStanding, at: float, now: float) -> Step:
    """Ask the fleet, at an instant, what becomes of a login that another host has."""
    login.move(JOINED)
    login.asked_at = at
    return Ask(login.policy.fleet, Join(application=login.policy.application), at if at > now else 0.0)


def granted(login: LoginStanding, answer: Granted, now: float) -> Step:
    """Ask Duo; not for a claim of long ago: this process stood still, and another host may have pushed since."""
    login.held = answer.held
    if now - login.asked_at > CLAIM_LIFE_S:
        return login.decide(push_lost(None))
    return _ask_duo(login, now)


def claim_failed(login: LoginStanding, _error: Unavailable, now: float) -> Step:
    """Go on as if there were no other host: what the fleet cannot say keeps nobody out."""
    return _ask_duo(login, now)


def _ask_duo(login: LoginStanding, now: float) -> Step:
    if login.auth is None:
        return login.decide(push_lost(None))
    login.other_host = None
    return login.ask(AUTH, login.auth, now)


def joined(login: LoginStanding, answer: Joined, now: float) -> Step:
    """Join the host that has it."""
    login.held, login.other_host = None, (JOINED_WITH, answer.host)
    return join(login, now, now)


def join_failed(login: LoginStanding, error: Unavailable, _now: float) -> Step:
    """Wait in vain, but ask nobody a second time: the other host may have pushed."""
    return login.lose(error, login.asked_at + PERSON_PATIENCE_S)


def taken_over(login: LoginStanding, answer: TakenOver, now: float) -> Step:
    """Ask Duo what became of the push of a host that has gone."""
    login.held, login.other_host, login.txid = answer.held, (TOOK_OVER, answer.host), answer.txid
    login.auth = None  # whatever is said of it later: it is not pushed a second time
    login.typed_elsewhere(answer.factor)
    login.pushed_at = now - answer.age_s
    return login.poll(now, now)


def decided_there(login: LoginStanding, answer: Decided, _now: float) -> Step:
    """Take the other host's verdict. For what is not Duo's word nobody gets in: fail mode is each host's own."""
    login.held, login.other_host = None, (JOINED_WITH, answer.host)
    verdict = unpacked_verdict(answer.verdict)
    if verdict is None or (verdict.is_accept and verdict.reason not in _DUO_ACCEPTS):
        verdict = push_lost(None)
    return login.decide(verdict)


def released(login: LoginStanding, _answer: Released, now: float) -> Step:
    """Claim it again."""
    return claim(login, now)


def lost_there(login: LoginStanding, answer: Lost, _now: float) -> Step:
    """End it: nobody can be asked about its push."""
    login.held, login.other_host = None, (JOINED_WITH, answer.host)
    return login.decide(push_lost(None))


def displaced(login: LoginStanding, now: float) -> Step:
    """Ask Duo no more: another host took this one for gone, and asks."""
    login.held, login.txid = None, ""
    login.auth = None  # as above
    return join(login, now, now)
