"""What the supervisor tells all workers about an application: whether fail mode decides its logins."""

from typing import NamedTuple

from gateway.statistics.layout import Cells

# The supervisor's area of an application, of seven cells.
_STATE, _TRIAL, _SINCE, _FAIL_MODE_ACTIVE, _PING, _ISOLATED, _LEFT = range(7)


class Bulletin(NamedTuple):
    """What the supervisor tells all workers about one application. Its numbers are the breaker's own.

    `is_left`: another host can reach it, and this one cannot: pushes that are out are left to that one. `is_isolated`:
    this one is silent, too, meanwhile.
    """

    state: int
    is_fail_mode_active: bool
    trial: int
    since_ns: int
    ping_ns: int = 0
    is_isolated: bool = False
    is_left: bool = False


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
        cells[_ISOLATED] = bulletin.is_isolated
        cells[_LEFT] = bulletin.is_left
        cells[_FAIL_MODE_ACTIVE] = bulletin.is_fail_mode_active

    def read(self) -> Bulletin:
        """Return what was posted last."""
        cells = self._cells
        state, is_active, since_ns = cells[_STATE], bool(cells[_FAIL_MODE_ACTIVE]), cells[_SINCE]
        is_isolated, is_left = bool(cells[_ISOLATED]), bool(cells[_LEFT])
        return Bulletin(state, is_active, cells[_TRIAL], since_ns, cells[_PING], is_isolated, is_left)
