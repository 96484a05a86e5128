"""What a worker knows of Duo applications that are away, and where fail mode decides in place of a question to one.

Here it is decided whether a question is put; what else leads to fail mode is in ARCHITECTURE.md, "The way of fail
mode". A question to anybody else is put: whether its answer lets the user in does not depend on Duo.
"""

from gateway.engine.login_states import FAIL_MODE_STATES
from gateway.engine.pending import PendingLogin
from gateway.engine.steps import Ask
from gateway.unavailable import Unavailable


class Outages:
    """Applications, by name.

    Attributes:
        away: why, of those that are: fail mode decides about their logins.
        isolated: those that another host can reach and this one cannot. New requests meet silence, and while such an
            application is away, what waits for it is forgotten: the NAS asks that host.
    """

    __slots__ = ("_trials", "away", "isolated")

    def __init__(self) -> None:
        self.away: dict[str, Unavailable] = {}
        self._trials: set[str] = set()
        self.isolated: set[str] = set()

    def begin(self, application: str, error: Unavailable) -> None:
        """Let fail mode decide about an application's logins, for this reason; no trial of before counts any more."""
        self._trials.discard(application)
        self.away[application] = error

    def end(self, application: str) -> bool:
        """Let an application be asked; return whether it was away."""
        self._trials.discard(application)
        return self.away.pop(application, None) is not None

    def try_one(self, application: str) -> None:
        """Let one login ask an application all the same, to its end."""
        self._trials.add(application)

    def in_place_of(self, ask: Ask, pending: PendingLogin) -> Unavailable | None:
        """Return for what reason fail mode decides in place of a question that is about to be put; None: it is put.

        So it is while the Duo application that it is for is away, as long as nobody is pushed.
        """
        error = self.away.get(ask.to)
        if error is None or pending.is_trial or pending.login.state not in FAIL_MODE_STATES:
            return None
        if ask.to in self._trials:
            self._trials.discard(ask.to)
            pending.is_trial = True
            return None
        return error
