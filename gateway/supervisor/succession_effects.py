"""What a plan of succession wants done: values, which `crews` performs."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.supervisor.slots import Link, Predecessor, Slot, Worker


@dataclass(frozen=True)
class _OfWorker:
    worker: Worker


@dataclass(frozen=True)
class _OfLink:
    link: Link


@dataclass(frozen=True)
class Spawn(_OfWorker):
    """Start a worker, with a journal of its own, that takes over from its predecessors."""

    predecessors: Sequence[Predecessor]


@dataclass(frozen=True)
class TellToHandOver(_OfWorker):
    """Let a worker read no more, and tell on these links what becomes of its logins; say `insist` later."""

    links: Sequence[Link]


class LetServe(_OfWorker):
    """Let a worker serve that waits for that, as soon as its predecessors have handed over."""


class Stop(_OfWorker):
    """Let a worker finish what is pending and end."""


class Kill(_OfWorker):
    """End a worker at once."""


class CloseJournal(_OfWorker):
    """Nobody needs what a worker wrote any more."""


class OpenLink(_OfLink):
    """Make a link."""


class CloseNearEnd(_OfLink):
    """Its worker is gone, or nobody takes over from it: the link ends."""


class CloseFarEnd(_OfLink):
    """Nobody will come who has not got this end."""


@dataclass(frozen=True)
class StartLater:
    """Say `start_at` after so many seconds, and in another turn of the loop for each slot."""

    slot: Slot
    after_s: float


@dataclass(frozen=True)
class GoOnWithout:
    """Say that a slot goes on without what its last workers knew."""

    slot: Slot


SuccessionEffect = (
    Spawn
    | StartLater
    | OpenLink
    | TellToHandOver
    | LetServe
    | Stop
    | Kill
    | GoOnWithout
    | CloseJournal
    | CloseNearEnd
    | CloseFarEnd
)
