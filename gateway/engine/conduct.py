"""From one step of a login to the next: its question is put, or it is held, or it ends.

A question is put only after the login is kept, and not while fail mode decides in its place.
"""

from gateway.engine.deadlines import Deadlines
from gateway.engine.effects import LeftOut, Outbox, PutQuestion, StopAsking
from gateway.engine.endings import Endings
from gateway.engine.keeping import Keeping
from gateway.engine.login_states import DECIDED
from gateway.engine.outages import Outages
from gateway.engine.pending import PendingLogin
from gateway.engine.sharing import FleetNames
from gateway.engine.steps import Ask, Consult, Hold, Step
from gateway.engine.timers import Timers
from gateway.engine.verdict import Verdict
from gateway.unavailable import Unavailable


class Conduct:
    """Conducts logins under way."""

    __slots__ = ("_deadlines", "_endings", "_keeping", "_names", "_outages", "_outbox", "_timers")

    def __init__(
        self,
        outages: Outages,
        keeping: Keeping,
        endings: Endings,
        timers: Timers,
        outbox: Outbox,
        names: FleetNames | None,
    ) -> None:
        """Put questions; those for the fleet get the names that logins have there."""
        self._outages = outages
        self._names = names
        self._keeping = keeping
        self._endings = endings
        self._timers = timers
        self._deadlines = Deadlines(timers, self._expire)
        self._outbox = outbox

    def begin(self, pending: PendingLogin, step: Step, now: float) -> None:
        """Take the first step of a login that this worker has; from now on its deadline counts."""
        deadline_s = pending.section.response_deadline_s
        if deadline_s:
            self._deadlines.begin(pending, deadline_s, now)
        self.proceed(pending, step, now)

    def proceed(self, pending: PendingLogin, step: Step, now: float) -> None:
        """Put the login's next question, hold it, or end it."""
        if isinstance(step, Ask):
            error = self._outages.in_place_of(step, pending) if self._outages.away else None
            if error is not None:
                self.do_without(pending, error, now)
                return
            if self._names is not None and step.to == pending.login.policy.fleet:
                self._names.put_into(step.question, pending)
            self._keeping.keep(pending)  # what must not be asked twice
            pending.waits_since = now
            if step.at:  # the pause before it is a person's
                pending.duo_s += step.at - now
                pending.waits_since = step.at
            self._outbox.add(PutQuestion(pending, step.to, step.question, step.at))
        elif isinstance(step, Verdict):
            self._endings.finish(pending, step, now)
        elif isinstance(step, Hold):
            self._hold(pending, step, now)
        else:
            self._consult(pending, step, now)

    def _consult(self, pending: PendingLogin, consult: Consult, now: float) -> None:
        """Go on as the section's mode says."""
        mode = pending.section.mode
        self.proceed(pending, mode.consulted(pending.login, consult.answer, now), now)
        left_out = mode.left_out_now()
        if left_out is not None:
            self._outbox.add(LeftOut(pending.section.name, *left_out))

    def do_without(self, pending: PendingLogin, error: Unavailable, now: float) -> None:
        """Go on without an application that is away; if another host can reach it, the NAS is to ask there."""
        if self._is_isolated(pending):
            self._endings.abandon(pending)
        else:
            self.proceed(pending, pending.login.unavailable(error, now), now)

    def stop_asking(self, pending: PendingLogin, now: float) -> None:
        """Want no answer to the question that is under way any more."""
        pending.waited(now)
        self._outbox.add(StopAsking(pending))

    def _hold(self, pending: PendingLogin, hold: Hold, now: float) -> None:
        """Give a login up later, or now if it is known already that Duo is away."""
        self._keeping.keep(pending)
        pending.waits_since = now
        is_settled = pending.login.has_lost_answer and pending.login.policy.application in self._outages.away
        self._timers.at(now if is_settled else hold.until, self._give_up, pending)

    def _give_up(self, pending: PendingLogin, now: float) -> None:
        if pending.login.state is not DECIDED:
            is_away = pending.login.policy.application in self._outages.away and not self._is_isolated(pending)
            pending.waited(now)
            self._endings.finish(pending, pending.login.give_up(is_away), now)

    def _expire(self, pending: PendingLogin, now: float) -> None:
        if pending.login.state is not DECIDED:
            self.stop_asking(pending, now)
            self._endings.finish(pending, pending.login.expire(), now)

    def _is_isolated(self, pending: PendingLogin) -> bool:
        return pending.login.policy.application in self._outages.isolated
