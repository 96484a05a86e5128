"""What the supervisor has decided about Duo, read from the board and told to the engine."""

from collections.abc import Callable, Mapping

from gateway.engine.effects import Effect
from gateway.engine.engine import Engine
from gateway.failmode.bulletin import BulletinCells
from gateway.failmode.states import BreakerState
from gateway.unavailable import Trouble, Unavailable

_STATES = tuple(BreakerState)
_DETAILS = {
    BreakerState.KEYS_REFUSED: "Duo refuses this application's keys, as the gateway knows already",
}


class BulletinReader:
    """Reads the bulletins, and tells the engine whose logins fail mode decides.

    Args:
        bulletins: the supervisor's areas of the board, by application.
        perform: does what the engine decides.
        drop_idle_connections: lets an application's idle connections go. They may be what failed, and the login that
            tries whether Duo is back must not meet them again.
        leave_pushes: lets other hosts have an application's pushes, or, with False, no more.
    """

    def __init__(
        self,
        bulletins: Mapping[str, BulletinCells],
        engine: Engine,
        perform: Callable[[list[Effect]], None],
        drop_idle_connections: Callable[[str], None],
        leave_pushes: Callable[[str, bool], None],
    ) -> None:
        self._bulletins = bulletins
        self._engine = engine
        self._perform = perform
        self._drop_idle_connections = drop_idle_connections
        self._leave_pushes = leave_pushes
        self._isolated: set[str] = set()
        self._left: set[str] = set()
        self._seen = dict.fromkeys(bulletins, (BreakerState.HEALTHY, 0))

    def look(self, now: float) -> None:
        """See what has changed."""
        for application, cells in self._bulletins.items():
            bulletin = cells.read()
            news = (_STATES[bulletin.state % len(_STATES)], bulletin.trial)
            if bulletin.is_isolated is not (application in self._isolated):
                self._isolate(application, is_isolated=bulletin.is_isolated)
            if bulletin.is_left is not (application in self._left):
                (self._left.add if bulletin.is_left else self._left.discard)(application)
                self._leave_pushes(application, bulletin.is_left)
            if news != self._seen[application]:
                before, self._seen[application] = self._seen[application], news
                self._take(application, before, news, now)

    def _isolate(self, application: str, *, is_isolated: bool) -> None:
        (self._isolated.add if is_isolated else self._isolated.discard)(application)
        self._engine.isolate(application, is_isolated=is_isolated)

    def _take(
        self, application: str, before: tuple[BreakerState, int], news: tuple[BreakerState, int], now: float
    ) -> None:
        (old, _), (state, _) = before, news
        if not state.is_fail_mode_active:
            self._perform(self._engine.outage(application, None, now))
            return
        self._drop_idle_connections(application)
        if not (state.admits_trial and old.is_fail_mode_active):
            detail = _DETAILS.get(state, "as the gateway knows already, so that nobody waits")
            self._perform(self._engine.outage(application, Unavailable(Trouble.OUTAGE, detail), now))
        if state.admits_trial:
            self._engine.try_one(application)
