"""What the first factor's answers mean to a login: rows of `engine.login`'s tables.

Fail mode has no part in them: it concerns Duo alone. Nobody gets in whom the first factor has not accepted.
"""

from typing import Final

from gateway.engine.first_factor import NOBODY, Accepted, Challenged, Refused
from gateway.engine.login_standing import LoginStanding
from gateway.engine.primary import Told
from gateway.engine.steps import Consult, Step
from gateway.engine.verdict import Verdict, rejection
from gateway.radius.passing import to_reject
from gateway.unavailable import Trouble, Unavailable
from gateway.words.ad_codes import AD_CODES
from gateway.words.reasons import REFUSED_FIRST_FACTOR, Reason

_WRONG_PASSWORD: Final = ("", "52e")  # codes of Active Directory that may mean one
_MENDED_HERE: Final = frozenset({Trouble.CONFIGURATION, Trouble.CERTIFICATE})  # hosts are there, and say or show why
_NO_FAIL_MODE: Final = "failmode has no part in it"
_LOOK_AT_THE_FILE: Final = (
    "the text in parentheses says what is wrong, and what to write; radgate check --connect tries each step; "
    + _NO_FAIL_MODE
)
_REFUSALS: Final = {reason.value: reason for reason in REFUSED_FIRST_FACTOR}


def accepted(login: LoginStanding, answer: Accepted, now: float) -> Step:
    """Let the mode say how it goes on."""
    _note(login, now, answer.host)
    login.forget_password()
    return Consult(answer)


def challenged(login: LoginStanding, answer: Challenged, now: float) -> Step:
    """Let the mode pass the question on."""
    _note(login, now, answer.host)
    login.forget_password()
    return Consult(answer)


def refused(login: LoginStanding, answer: Refused, now: float) -> Step:
    """End it: Duo is not asked, and nobody else is."""
    _note(login, now, answer.host, answer.code)
    verdict = refusal(answer)
    reading = login.primary.reading if login.primary is not None else ""
    if reading and verdict.reason is Reason.FIRST_FACTOR_REJECTED and answer.code in _WRONG_PASSWORD:
        verdict.hint += f"; {reading}"
    return login.decide(verdict)


def failed(login: LoginStanding, error: Unavailable, now: float) -> Step:
    """End it: nobody gets in whose first factor could not be asked, whatever Duo would say.

    Whoever asks may see the deadline before the engine does: the login ends for the same reason.
    """
    _note(login, now)
    question = login.primary.question if login.primary is not None else None
    is_over = question is not None and 0 < question.deadline <= now
    verdict = rejection(Reason.DEADLINE if is_over else Reason.FIRST_FACTOR_UNREACHABLE)
    verdict.account += f" ({error.trouble}: {error.detail})"
    if not is_over and error.remedy:
        verdict.hint = f"{error.remedy}; {_NO_FAIL_MODE}"
    elif not is_over and error.trouble in _MENDED_HERE:
        verdict.hint = _LOOK_AT_THE_FILE
    return login.decide(verdict)


def refusal(answer: Refused) -> Verdict:
    """Return the rejection: what is told of it beyond its reason is for administrators alone."""
    verdict = rejection(_REFUSALS.get(answer.reason, Reason.FIRST_FACTOR_REJECTED))
    known = AD_CODES.get(answer.code)
    if known is not None:
        said = f", {answer.code}: {known.happened}"
        verdict.hint = known.remedy
    else:
        said = (f", {answer.code}" if answer.code else "") + (f": {answer.text!r}" if answer.text else "")
    verdict.account += f" ({answer.host or NOBODY}{said})"
    verdict.attributes = to_reject(answer.attributes)
    return verdict


def _note(login: LoginStanding, now: float, host: str = "", ad_code: str = "") -> None:
    if login.primary is not None:
        login.primary.told = Told(now - login.asked_at, ad_code, host)
