"""How a login ends that asks the person for more, and one whose answer to that is not taken."""

from typing import Final

from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import Prompt
from gateway.engine.verdict import CHALLENGE, Verdict, rejection
from gateway.words.reasons import Reason

_ASKED: Final = {
    Prompt.MENU: "The user was asked to choose a factor",
    Prompt.PASSCODE: "The user was asked for a passcode",
    Prompt.ENROLMENT: "The user was told where to enrol",
    Prompt.RELAYED: "The home server asks the user for more",
}


def challenged(prompt: Prompt, text: str, attributes: bytes) -> Verdict:
    """Return the end of a login that asks for more.

    Args:
        prompt: what is asked.
        text: for the person alone: it may hold an address that enrols a device.
        attributes: State, encoded, and others.
    """
    return Verdict(CHALLENGE, Reason.CHALLENGED, text, _ASKED[prompt], attributes=attributes)


def answer_refused(why: Refused) -> Verdict:
    """Return the rejection of an answer whose token is not taken."""
    verdict = rejection(Reason.CHALLENGE_EXPIRED if why is Refused.EXPIRED else Reason.CHALLENGE_UNKNOWN)
    verdict.account = f"The request answered a challenge that is not taken: {why.value}"
    return verdict
