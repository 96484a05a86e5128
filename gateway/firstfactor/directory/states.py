"""How far a question to directories is, and how a connection is: two tables, nothing else says what may follow what."""

from enum import StrEnum
from typing import Final


class AskedState(StrEnum):
    """How far a question is."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    NEW = "new"
    WAITING = "waiting"  # for a place at its host
    SEARCHING = "searching"  # for who was named, or waiting for a connection to do so
    BINDING = "binding"  # as who was found, or waiting for a connection to do so
    ENDED = "ended"


class ConnectionState(StrEnum):
    """How a connection is."""

    __hash__ = str.__hash__

    OPENING = "opening"
    BINDING = "binding"  # as the service account
    READY = "ready"  # for searches, or for the next user
    BUSY = "busy"  # with a user's bind
    CLOSED = "closed"


# Bare names: before Python 3.12 to look a member up costs as much as a call.
NEW: Final = AskedState.NEW
WAITING: Final = AskedState.WAITING
SEARCHING: Final = AskedState.SEARCHING
BINDING: Final = AskedState.BINDING
ENDED: Final = AskedState.ENDED
OPENING: Final = ConnectionState.OPENING
BINDING_SERVICE: Final = ConnectionState.BINDING
READY: Final = ConnectionState.READY
BUSY: Final = ConnectionState.BUSY
CLOSED: Final = ConnectionState.CLOSED

ASKED_TRANSITIONS: Final[dict[AskedState, frozenset[AskedState]]] = {
    NEW: frozenset({WAITING, SEARCHING, ENDED}),
    WAITING: frozenset({WAITING, SEARCHING, BINDING, ENDED}),
    SEARCHING: frozenset({WAITING, SEARCHING, BINDING, ENDED}),
    BINDING: frozenset({WAITING, BINDING, ENDED}),
    ENDED: frozenset(),
}

CONNECTION_TRANSITIONS: Final[dict[ConnectionState, frozenset[ConnectionState]]] = {
    OPENING: frozenset({BINDING_SERVICE, READY, CLOSED}),
    BINDING_SERVICE: frozenset({READY, CLOSED}),
    READY: frozenset({BUSY, CLOSED}),
    BUSY: frozenset({READY, CLOSED}),
    CLOSED: frozenset(),
}
