"""What the supervisor tells all workers about an application: whether fail mode decides its logins."""

from typing import NamedTuple

from gateway.statistics.layout import Cells

# The supervisor's area of an application, of five cells.
_STATE, _TRIAL, _SINCE, _FAILMODE_ACTIVE, _PING = range(5)


class Bulletin(NamedTuple):
    """What the supervisor tells all workers about one application. Its numbers are the breaker's own."""

    state: int
    is_failmode_active: bool
    trial: int
    since_ns: int
    ping_ns: int = 0


class BulletinCells:
    """The area of one application: the supervisor posts, workers look."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def post(self, bulletin: Bulletin) -> None:
        """Write it; the flag that decides logins comes last."""
        cells = self._cells
        cells[_SINCE] = bulletin.since_ns
        cells[_PING] = bulletin.ping_ns
        cells[_STATE] = bulletin.state
        cells[_TRIAL] = bulletin.trial
        cells[_FAILMODE_ACTIVE] = bulletin.is_failmode_active

    def read(self) -> Bulletin:
        """Return what was posted last."""
        cells = self._cells
        return Bulletin(cells[_STATE], bool(cells[_FAILMODE_ACTIVE]), cells[_TRIAL], cells[_SINCE], cells[_PING])

    @property
    def is_failmode_active(self) -> bool:
        """Whether logins get the fail mode at once."""
        return self._cells[_FAILMODE_ACTIVE] != 0
