"""Slots of generations, the workers at them, and what one worker is to know of those before it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.supervisor.slot_life import SlotEvent, SlotLife, SlotState


@dataclass(eq=False)
class Worker:
    """A process that is to be, is, or was.

    Attributes:
        generation, slot: where it is, or was: numbers come again after a preparation that was given up.
        pid: 0 before it is started.
    """

    generation: "Generation"
    slot: "Slot"
    pid: int = 0

    def __repr__(self) -> str:
        return f"<Worker {self.slot.number} of generation {self.generation.number}, pid {self.pid}>"


@dataclass(eq=False)
class Link:
    """The way from a worker that is to leave to a slot that takes over these buckets from it.

    The near end is given to the worker and kept here until that is gone: a link that ends tells the successor that
    nobody else reads, or asks Duo, any more. The far end is for whoever comes to the slot.
    """

    worker: Worker
    successor: "Slot"
    buckets: list[int]


@dataclass
class Predecessor:
    """A worker, as one from which a slot's worker is to take over.

    Attributes:
        link: on which that tells what becomes of its logins; None once it is gone.
        has_handed_over: it reads no more, and its journal is complete.
        n_deaths: of workers that were to take over from it since it is gone, and never served.
    """

    worker: Worker
    link: Link | None = None
    has_handed_over: bool = False
    n_deaths: int = 0


@dataclass(eq=False)
class Slot:
    """Where one worker is, and what belongs to it from one worker to the next.

    Attributes:
        worker: None while there is none.
        predecessors: from whom its worker is to take over.
        links: from its worker to those that take over from it.
        spawned_at: when its last worker was started, in monotonic seconds.
        trouble: why its last worker never announced itself; empty if it did.
        n_failures: how many in a row did not.
    """

    number: int
    buckets: frozenset[int]
    life: SlotLife
    worker: Worker | None = None
    predecessors: list[Predecessor] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    spawned_at: float = 0.0
    trouble: str = ""
    n_failures: int = 0
    is_prepared: bool = False
    has_handed_over: bool = False

    @property
    def state(self) -> SlotState:
        """Where it stands."""
        return self.life.state

    def drain(self, now: float) -> None:
        """Let nobody come after its worker."""
        if self.state not in (SlotState.EMPTY, SlotState.DRAINING):
            self.life.happened(SlotEvent.DRAIN_REQUESTED, now)
        if self.worker is None:
            self.predecessors, self.links = [], []

    def drop_known(self) -> None:
        """Forget those that are gone and of which its worker knows all."""
        self.predecessors = [each for each in self.predecessors if each.link is not None]

    def note_death(self) -> int:
        """Count a worker that died before it knew those before it; return how many have by now."""
        gone = [each for each in self.predecessors if each.link is None]
        for predecessor in gone:
            predecessor.n_deaths += 1
        return max((each.n_deaths for each in gone), default=0)


class Generation:
    """The slots of one configuration.

    Attributes:
        is_dismissed: nobody comes to its slots any more.
        waits: another one serves, and its workers are not to serve before that hands over.
    """

    def __init__(self, number: int, buckets: Iterable[Iterable[int]]) -> None:
        """Make a slot for each set of buckets."""
        self.number = number
        self.slots = [Slot(number, frozenset(each), SlotLife(number)) for number, each in enumerate(buckets)]
        self.is_dismissed = self.waits = False

    @property
    def is_prepared(self) -> bool:
        """Whether every worker would serve."""
        return all(slot.is_prepared for slot in self.slots)

    @property
    def is_ready(self) -> bool:
        """Whether every worker serves."""
        return all(slot.state is SlotState.READY for slot in self.slots)

    @property
    def is_told_of(self) -> bool:
        """Whether every worker was named to those that are to take over from it.

        One that starts may serve already: what it says of that is heard later.
        """
        return all(any(link.worker is worker for link in worker.slot.links) for worker in workers_of(self))

    @property
    def is_gone(self) -> bool:
        """Whether no worker is left."""
        return all(slot.worker is None for slot in self.slots)


def workers_of(generation: Generation) -> list[Worker]:
    """Return the workers that there are."""
    return [slot.worker for slot in generation.slots if slot.worker is not None]
