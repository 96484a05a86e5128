"""Whatever a login asks somebody, and is answered.

A question under way is an `Asking`: whoever asks derives from that, and keeps the rest to itself.
"""

from mypy_extensions import trait

from gateway.duoapi import calls
from gateway.engine import first_factor
from gateway.fleetapi import questions

Question = calls.Call | questions.Question | first_factor.Question
Answer = calls.Answer | questions.Answer | first_factor.Answer


@trait
class Asking:
    """Somebody is being asked."""

    __slots__ = ()

    def cancel(self) -> None:
        """Want no answer any more."""
        raise NotImplementedError

    def took_s(self, now: float) -> float:
        """Return how many seconds of it, until its answer `now`, went to who was asked, or to a person."""
        raise NotImplementedError
