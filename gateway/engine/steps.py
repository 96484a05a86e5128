"""What a login does next: it asks somebody, waits in vain, has its verdict, or lets its mode say."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import AuthAnswer, PreauthAnswer
from gateway.engine.asking import Question
from gateway.engine.first_factor import Accepted, Challenged
from gateway.engine.verdict import Verdict
from gateway.fleetapi.questions import Unused
from gateway.values import Value

Consulted = Unused | Accepted | Challenged | PreauthAnswer | AuthAnswer
"""Answers that mean something else in each mode."""


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Ask(Value):
    """Ask somebody this, not before the instant `at` (0: now).

    `to` is the name under which the worker holds who answers: a Duo application, a first factor, or the fleet.
    """

    __slots__ = ("at", "question", "to")

    def __init__(self, to: str, question: Question, at: float = 0.0) -> None:
        self.to = to
        self.question = question
        self.at = at


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Hold(Value):
    """Nothing can be asked: give the login up at the instant `until`, or now if Duo is known to be away."""

    __slots__ = ("until",)

    def __init__(self, until: float) -> None:
        self.until = until


@final
@mypyc_attr(acyclic=True)
class Consult(Value):
    """What this answer means is for the mode of the login's section to say: `engine.modes.mode.Mode.consulted`."""

    __slots__ = ("answer",)

    def __init__(self, answer: Consulted) -> None:
        self.answer = answer


Step = Ask | Hold | Verdict | Consult
