"""What the supervisor posts, and workers read."""

from collections.abc import Callable, Iterator

import pytest

from gateway.failmode.bulletin import Bulletin, BulletinCells
from gateway.failmode.states import BreakerState


def test_a_bulletin_is_read_as_it_was_posted():
    bulletin = BulletinCells([0] * 7)
    assert bulletin.read() == Bulletin(0, False, 0, 0)
    posted = Bulletin(
        state=2, is_fail_mode_active=True, trial=7, since_ns=123, ping_ns=456, is_isolated=True, is_left=True
    )
    bulletin.post(posted)
    assert bulletin.read() == posted


class Cells(list[int]):
    """Cells at the `n`-th use of which something else happens."""

    def __init__(self) -> None:
        super().__init__([0] * 7)
        self._left = -1
        self._happens: Callable[[], None] = lambda: None

    def at(self, n: int, happens: Callable[[], None]) -> None:
        self._left, self._happens = n, happens

    def __getitem__(self, index):
        self._use()
        return super().__getitem__(index)

    def __setitem__(self, index, value):
        self._use()
        super().__setitem__(index, value)

    def _use(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._happens()


def bulletin_of(state: BreakerState, trial: int = 1, *, is_elsewhere: bool = False) -> Bulletin:
    return Bulletin(state.number, state.is_fail_mode_active, trial, 0, is_isolated=is_elsewhere, is_left=is_elsewhere)


def seen_between(old: Bulletin, new: Bulletin) -> Iterator[Bulletin]:
    """Yield what is read where a look falls into a post, or a post into a look, wherever it does."""
    for n in range(20):
        for is_look_in_post in (True, False):
            cells = Cells()
            bulletin, seen = BulletinCells(cells), []
            bulletin.post(old)
            if is_look_in_post:
                cells.at(n, lambda: seen.append(bulletin.read()))  # noqa: B023 -- called within this turn
                bulletin.post(new)
            else:
                cells.at(n, lambda: bulletin.post(new))  # noqa: B023 -- likewise
                seen.append(bulletin.read())
            yield from seen


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (bulletin_of(BreakerState.DOWN), bulletin_of(BreakerState.TRIAL, 2)),
        (bulletin_of(BreakerState.TRIAL), bulletin_of(BreakerState.DOWN)),
        (bulletin_of(BreakerState.SUSPECT), bulletin_of(BreakerState.DOWN, is_elsewhere=True)),
        (bulletin_of(BreakerState.DOWN, is_elsewhere=True), bulletin_of(BreakerState.HEALTHY)),
        (bulletin_of(BreakerState.KEYS_REFUSED, is_elsewhere=True), bulletin_of(BreakerState.TRIAL, 2)),
    ],
)
def test_a_state_in_which_fail_mode_decides_is_never_seen_without_what_goes_with_it(old, new):
    """With the number of another trial there were two for one; without the other host fail mode would let users in."""
    for seen in seen_between(old, new):
        (posted,) = [each for each in (old, new) if each.state == seen.state]
        if posted.is_fail_mode_active:
            assert seen.is_isolated >= posted.is_isolated
            assert seen.is_left >= posted.is_left
        if posted.state == BreakerState.TRIAL.number:
            assert seen.trial == posted.trial
