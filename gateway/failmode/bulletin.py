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
        """Write it. The state, which decides logins, comes when all that goes with it is there; that another host is
        asked instead ends behind it.
        """
        cells = self._cells
        cells[_SINCE] = bulletin.since_ns
        cells[_PING] = bulletin.ping_ns
        cells[_TRIAL] = bulletin.trial
        cells[_ISOLATED] |= bulletin.is_isolated
        cells[_LEFT] |= bulletin.is_left
        cells[_FAIL_MODE_ACTIVE] = bulletin.is_fail_mode_active
        cells[_STATE] = bulletin.state
        cells[_ISOLATED] = bulletin.is_isolated
        cells[_LEFT] = bulletin.is_left

    def read(self) -> Bulletin:
        """Return what was posted last: of a post that goes on meanwhile a state with all that goes with it."""
        cells = self._cells
        was_isolated, was_left = cells[_ISOLATED], cells[_LEFT]
        state = cells[_STATE]  # before all that is written before it
        is_isolated, is_left = bool(was_isolated | cells[_ISOLATED]), bool(was_left | cells[_LEFT])
        is_active = bool(cells[_FAIL_MODE_ACTIVE])
        return Bulletin(state, is_active, cells[_TRIAL], cells[_SINCE], cells[_PING], is_isolated, is_left)
