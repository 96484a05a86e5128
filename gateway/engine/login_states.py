"""Where a login can stand, and what may follow what: `TRANSITIONS`."""

from enum import StrEnum
from typing import Final

PERSON_PATIENCE_S: Final = 75.0  # a push lives 60 s at Duo; what is not decided by then has timed out


class LoginState(StrEnum):
    """Where a login stands."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    NEW = "new"
    USING = "using"  # the fleet is asked whether the State that it answers was used at another host
    FIRST_FACTOR = "first_factor"
    PREAUTH = "preauth"
    CLAIMING = "claiming"
    JOINED = "joined"  # another host asks Duo
    AUTH = "auth"
    WAITING = "waiting"
    ELSEWHERE = "elsewhere"  # another worker waits for Duo's answer
    LOST = "lost"  # Duo may have pushed, but the worker that asked, or its connection, was gone before the push's name
    DECIDED = "decided"


# Bare names, for the tables' sake; before Python 3.12 they also cost a tenth of `LoginState.NEW`.
NEW: Final = LoginState.NEW
USING: Final = LoginState.USING
FIRST_FACTOR: Final = LoginState.FIRST_FACTOR
PREAUTH: Final = LoginState.PREAUTH
CLAIMING: Final = LoginState.CLAIMING
JOINED: Final = LoginState.JOINED
AUTH: Final = LoginState.AUTH
WAITING: Final = LoginState.WAITING
ELSEWHERE: Final = LoginState.ELSEWHERE
LOST: Final = LoginState.LOST
DECIDED: Final = LoginState.DECIDED

TRANSITIONS: Final[dict[LoginState, frozenset[LoginState]]] = {
    NEW: frozenset({USING, FIRST_FACTOR, PREAUTH, CLAIMING, AUTH, ELSEWHERE, DECIDED}),
    USING: frozenset({FIRST_FACTOR, PREAUTH, CLAIMING, AUTH, DECIDED}),
    FIRST_FACTOR: frozenset({PREAUTH, CLAIMING, AUTH, DECIDED}),
    PREAUTH: frozenset({CLAIMING, AUTH, DECIDED}),
    CLAIMING: frozenset({AUTH, JOINED, WAITING, DECIDED}),
    JOINED: frozenset({CLAIMING, WAITING, LOST, DECIDED}),
    AUTH: frozenset({WAITING, LOST, DECIDED}),
    WAITING: frozenset({WAITING, JOINED, DECIDED}),
    ELSEWHERE: frozenset({WAITING, JOINED, LOST, DECIDED}),
    LOST: frozenset({DECIDED}),
    DECIDED: frozenset(),
}

STATE_WORDS: Final[dict[LoginState, str]] = {state: state.value for state in LoginState}
"""Plain texts, for records: `value` is a property in Python."""

FAIL_MODE_STATES: Final = (PREAUTH, AUTH)
"""Where fail mode may take the place of a question that is about to be put: Duo is asked, and nobody is pushed yet."""
