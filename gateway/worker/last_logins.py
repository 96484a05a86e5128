"""The last logins of a worker, written into its ring ten times a second at most."""

from collections.abc import Callable
from typing import Final

from gateway.engine.effects import Finished
from gateway.engine.replies import LABELS, NO_REPLY
from gateway.ipc.ledger import FinishedLogin, LoginRing

HOLD_S: Final = 0.1
MOST_AT_ONCE: Final = 256  # logins: beyond 2,560 a second one worker's list has gaps, and the log has them all


def finished_login(finished: Finished, at: float) -> FinishedLogin:
    """Return what the ledger says of a login; nothing of what the user typed is there."""
    verdict = finished.verdict
    return FinishedLogin(
        at,
        finished.user_name,
        finished.peer.address[0],
        finished.section,
        LABELS[verdict.outcome] if finished.n_packets else NO_REPLY,
        verdict.reason,
        finished.factor,
        round(finished.duration_s * 1000),
        verdict.account,
        verdict.hint,
    )


class LastLogins:
    """Shows finished logins in a ring, each at once or many together."""

    __slots__ = ("_call_later", "_held", "_ring", "_written_at")

    def __init__(self, ring: LoginRing, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        """Write into a ring; `call_later` is the loop's."""
        self._ring = ring
        self._call_later = call_later
        self._held: list[tuple[Finished, float]] = []
        self._written_at = 0.0

    def add(self, finished: Finished, at: float) -> None:
        """Show a login that ended at this instant, in Unix seconds."""
        held = self._held
        if not held and not 0.0 <= at - self._written_at < HOLD_S:  # clocks are put back, too
            self._written_at = at
            self._ring.write(finished_login(finished, at))
            return
        if not held:
            self._call_later(HOLD_S, self.flush)
        held.append((finished, at))
        if len(held) >= 2 * MOST_AT_ONCE:
            del held[:MOST_AT_ONCE]
            self._ring.skip(MOST_AT_ONCE)

    def flush(self) -> None:
        """Show those that are held back."""
        held, self._held = self._held, []
        if len(held) > MOST_AT_ONCE:
            self._ring.skip(len(held) - MOST_AT_ONCE)
        for finished, at in held[-MOST_AT_ONCE:]:
            self._written_at = at
            self._ring.write(finished_login(finished, at))
