"""The workers of a generation: what makes it, who is at its slots, and what they are told."""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

from gateway.config.settings import Settings
from gateway.ipc.board import Board
from gateway.ipc.ledger import Ledger
from gateway.ipc.orders import (
    GenerationOrders,
    Orders,
    PredecessorOrders,
)
from gateway.ipc.plan import (
    application_key,
    log_plan,
)
from gateway.ipc.worker_channel import (
    ToWorker,
    tell_worker,
)
from gateway.logs.setup import log_descriptors
from gateway.statistics.layout import Key
from gateway.statistics.reading import (
    SecretUse,
    Totals,
    merge,
)
from gateway.supervisor.identity import Identity
from gateway.supervisor.process import WorkerProcess
from gateway.supervisor.slots import Generation, Slot, Worker
from gateway.supervisor.sockets import ListeningSockets

SILENT_AFTER_S = 2.0  # a worker shows ten times a second that its loop turns


class CrewPlan(NamedTuple):
    """What makes a generation.

    Attributes:
        generations: settings in memfds, its own first, then former ones of which logins may still wait.
        key: of all digests and checksums.
        instance: the name of this gateway among those of a fleet.
    """

    settings: Settings
    generations: list[GenerationOrders]
    n_workers: int
    sockets: ListeningSockets
    identity: Identity
    key: bytes
    board: Board
    ledger: Ledger
    instance: str = ""

    def __repr__(self) -> str:
        """Hide the key."""
        return f"<CrewPlan generation={self.generations[0].number}>"


class Crew:
    """The workers of a generation.

    Attributes:
        number: of the generation.
        applications: the keys of its Duo applications.
        on_duty_since: the instant from which on all users are its own; before, a former generation serves them.
    """

    def __init__(self, plan: CrewPlan, process_of: Callable[[Worker | None], WorkerProcess | None]) -> None:
        self.plan = plan
        self.number = plan.generations[0].number
        buckets = [plan.sockets.buckets(number, plan.n_workers) for number in range(plan.n_workers)]
        self.generation = Generation(self.number, buckets)
        self.board = plan.board
        self.applications = frozenset(application_key(server.application) for server in plan.settings.servers)
        self.on_duty_since = 0.0
        self._process_of = process_of

    @property
    def slots(self) -> list[Slot]:
        """Those of its workers."""
        return self.generation.slots

    def process(self, slot: Slot) -> WorkerProcess | None:
        """Return who is at a slot; None while nobody is."""
        return self._process_of(slot.worker)

    @property
    def held(self) -> tuple[ListeningSockets, int]:
        """Its sockets, and among how many slots they are dealt out."""
        return self.plan.sockets, self.plan.n_workers

    @property
    def processes(self) -> list[WorkerProcess]:
        """Those that there are."""
        found = (self.process(slot) for slot in self.slots)
        return [process for process in found if process is not None]

    def orders(self, worker: Worker, journal_fd: int, predecessors: list[PredecessorOrders]) -> Orders:
        """Return what one of its workers is told at the start."""
        plan, number = self.plan, worker.slot.number
        return Orders(
            slot=number,
            n_workers=plan.n_workers,
            generations=plan.generations,
            key=plan.key,
            channel_fd=-1,
            board_fd=plan.board.descriptor,
            journal_fd=journal_fd,
            sockets=plan.sockets.of_slot(number, plan.n_workers),
            predecessors=predecessors,
            ledger_fd=plan.ledger.descriptor,
            buckets=plan.sockets.passages_of_slot(number, plan.n_workers),
            log_fds=log_descriptors(log_plan(plan.settings.log)),
            instance=plan.instance,
            waits=worker.generation.waits,
        )

    def forget_settings(self, number: int) -> None:
        """Tell workers that are yet to start nothing of a former generation, whose settings are closed."""
        generations = [each for each in self.plan.generations if each.number != number]
        self.plan = self.plan._replace(generations=generations)

    def unserved_s(self, slot: Slot, now: float) -> float:
        """Return for how long nobody has served the users of a slot: one that gives no sign of life does not."""
        if slot.life.unserved_since is not None:
            return now - max(slot.life.unserved_since, self.on_duty_since)
        signs = self.board.signs_of_life(slot.number)
        is_known = slot.worker is not None and signs.pid == slot.worker.pid
        silence_s = now - signs.heartbeat_ns / 1e9 if is_known else 0.0
        return silence_s if silence_s > SILENT_AFTER_S else 0.0

    def counted(self) -> Totals:
        """Return all that its workers have counted, what each counts of itself by slot."""
        return reduce(merge, (self.board.read(slot.number).totals.of_slot(slot.number) for slot in self.slots))

    def secret_uses(self) -> dict[Key, SecretUse]:
        """Return what its workers have seen of clients that have two secrets, by section and client."""
        uses: dict[Key, SecretUse] = {}
        for slot in self.slots:
            for key, use in self.board.secret_uses(slot.number).items():
                uses[key] = use.added(uses.get(key, SecretUse()))
        return uses

    def tell(self, word: ToWorker) -> None:
        """Say something to every worker; one that does not take it is looked after by others."""
        for process in self.processes:
            tell_worker(process.channel, word)

    def signal(self, number: int) -> None:
        """Send a signal to every worker."""
        for process in self.processes:
            process.signal(number)

    def close(self) -> None:
        """Give up what is shared with workers that are gone."""
        self.board.close()
        self.plan.ledger.close()
