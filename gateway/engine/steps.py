"""What a login does next: it asks somebody, waits in vain, or has its verdict."""

from typing import final

from mypy_extensions import mypyc_attr

from gateway.engine.asking import Question
from gateway.engine.verdict import Verdict
from gateway.values import Value


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Ask(Value):
    """Ask somebody this, not before the instant `at` (0: now).

    `to` is the name under which the worker holds who answers: a Duo application, or the fleet.
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


Step = Ask | Hold | Verdict
