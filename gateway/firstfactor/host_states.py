"""How a host of a first factor is, as far as is known: one table for home servers and domain controllers."""

from enum import StrEnum
from typing import Final


class HostState(StrEnum):
    """Whether a host answers."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    UP = "up"  # as far as is known
    DOWN = "down"  # it was silent: others are asked, it only if there is no other
    TRIAL = "trial"  # one question is to tell


class HostEvent(StrEnum):
    """What a host does."""

    __hash__ = str.__hash__

    HEARD = "heard"  # an answer that is its own
    SILENT = "silent"  # none, where one was due
    TRIED = "tried"  # a question goes there because its rest is over
    LEFT = "left"  # that question was given up before anything could be told


# Bare names: before Python 3.12 to look a member up costs as much as a call.
UP: Final = HostState.UP
DOWN: Final = HostState.DOWN
TRIAL: Final = HostState.TRIAL
HEARD: Final = HostEvent.HEARD
SILENT: Final = HostEvent.SILENT
TRIED: Final = HostEvent.TRIED
LEFT: Final = HostEvent.LEFT

HOST_TRANSITIONS: Final[dict[HostState, dict[HostEvent, HostState]]] = {
    UP: {HEARD: UP, SILENT: DOWN},
    DOWN: {HEARD: UP, SILENT: DOWN, TRIED: TRIAL},
    TRIAL: {HEARD: UP, SILENT: DOWN, LEFT: DOWN},
}
