"""How far a question to home servers is: a table, and nothing else says what may follow what."""

from enum import StrEnum
from typing import Final


class AskedState(StrEnum):
    """How far a question is."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    NEW = "new"
    WAITING = "waiting"  # for a place, or for the address of its home server
    OUT = "out"
    ENDED = "ended"


# Bare names: before Python 3.12 to look a member up costs as much as a call.
NEW: Final = AskedState.NEW
WAITING: Final = AskedState.WAITING
OUT: Final = AskedState.OUT
ENDED: Final = AskedState.ENDED

ASKED_TRANSITIONS: Final[dict[AskedState, frozenset[AskedState]]] = {
    NEW: frozenset({WAITING, OUT, ENDED}),
    WAITING: frozenset({WAITING, OUT, ENDED}),
    OUT: frozenset({WAITING, OUT, ENDED}),
    ENDED: frozenset(),
}
