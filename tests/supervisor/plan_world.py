"""Plans of succession and changeover, performed by nobody: workers, journals and links are entries of sets.

Workers do here what real ones do: one serves once all those before it have handed over or are gone, and reads no more
once it is told to hand over.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.supervisor import changeover as change
from gateway.supervisor import succession_effects as succession
from gateway.supervisor.changeover import Changeover, ChangeoverEvent
from gateway.supervisor.slots import Generation, Link, Predecessor, Slot, Worker, workers_of
from gateway.supervisor.succession_plan import SuccessionPlan

N_BUCKETS = 4


@dataclass(eq=False)
class Process:
    """A worker as it runs.

    Attributes:
        predecessors: what its orders name, as they were then.
        known: workers whose journals it has read; its own is one.
        is_unheard: it serves, and its word of that has not been read yet.
        waits: for the word that lets it serve.
        links: near ends that it was given.
    """

    worker: Worker
    buckets: frozenset[int]
    predecessors: list[Predecessor]
    known: set[Worker]
    links: list[Link] = field(default_factory=list)
    waits: bool = False
    is_prepared: bool = False
    has_served: bool = False
    reads: bool = False
    is_unheard: bool = False
    is_told: bool = False
    has_handed_over: bool = False
    is_killed: bool = False


class World:
    """A gateway without processes.

    Attributes:
        open_journals, near_ends, far_ends: what the supervisor holds.
        processes: that live, by worker.
        answers: of reloads.
        fails: what is to fail next: "spawn", "link", "telling".
    """

    def __init__(self, n_workers: int = 2, n_found: int = 0) -> None:
        """Start so many workers; so many others' journals were found."""
        self.plan = SuccessionPlan()
        self.now = 0.0
        self.open_journals: set[Worker] = set()
        self.near_ends: set[Link] = set()
        self.far_ends: set[Link] = set()
        self.processes: dict[Worker, Process] = {}
        self.past: dict[Worker, Process] = {}
        self.given_up: set[Worker] = set()
        self.killed: list[Worker] = []
        self.to_start: list[Slot] = []
        self.to_insist: list[Worker] = []
        self.answers: list[str] = []
        self.n_asked = 0
        self.fails: set[str] = set()
        self.is_stopping = False
        self.changeover: Changeover | None = None
        self.waits = False
        self.preparing: Generation | None = None
        self.n_next = n_workers
        self._queue: deque[succession.SuccessionEffect] = deque()
        self._is_performing = False
        self.present = self._generation(1, n_workers)
        self._find(n_found)
        self.perform(self.plan.start(self.present, self.now))

    def _find(self, n_found: int) -> None:
        """Have found what so many workers of a gateway that is gone knew: of any bucket."""
        gone = Generation(0, [()])
        found = [Worker(gone, gone.slots[0]) for _ in range(n_found)]
        for worker in found:
            self.past[worker] = Process(worker, frozenset(range(N_BUCKETS)), [], {worker}, has_served=True)
        self.open_journals.update(found)
        self.plan.take_found(self.present, found)

    def _generation(self, number: int, n_workers: int) -> Generation:
        generation = Generation(number, [range(slot, N_BUCKETS, n_workers) for slot in range(n_workers)])
        self.plan.add(generation)
        return generation

    # What the plan of succession decides.

    def perform(self, effects: Iterable[succession.SuccessionEffect]) -> None:
        """Do it."""
        self._queue.extend(effects)
        if self._is_performing:
            return
        self._is_performing = True
        while self._queue:
            self._perform_one(self._queue.popleft())
        self._is_performing = False
        self._retire()

    def _perform_one(self, effect: succession.SuccessionEffect) -> None:
        match effect:
            case succession.Spawn(worker, predecessors):
                self._spawn(worker, list(predecessors))
            case succession.StartLater(slot, _):
                self.to_start.append(slot)
            case succession.TellToHandOver(worker, links):
                self._tell(worker, list(links))
            case succession.LetServe(worker):
                self.processes[worker].waits = False
            case succession.Stop(_):
                pass
            case succession.Kill(worker):
                self.killed.append(worker)
                if worker in self.processes:
                    self.processes[worker].is_killed, self.processes[worker].reads = True, False
            case succession.GoOnWithout(slot):
                pass
            case succession.CloseJournal(worker):
                assert worker not in self.processes, "the journal of one that lives"
                self.open_journals.discard(worker)
            case succession.CloseNearEnd(link):
                self.near_ends.discard(link)
            case succession.CloseFarEnd(link):
                self.far_ends.discard(link)

    def _spawn(self, worker: Worker, predecessors: list[Predecessor]) -> None:
        for predecessor in predecessors:
            assert predecessor.worker in self.open_journals, "a journal that is needed"
            assert predecessor.link is None or predecessor.link in self.far_ends
        if "spawn" in self.fails:
            self.fails.discard("spawn")
            self.perform(self.plan.could_not_spawn(worker, "no process", self.now))
            if worker.generation is self.preparing:
                self.changed(ChangeoverEvent.FAILED, "no process")
            return
        self.open_journals.add(worker)
        copies = [Predecessor(each.worker, each.link, each.has_handed_over) for each in predecessors]
        buckets = worker.slot.buckets
        waits = worker.generation.waits
        self.processes[worker] = self.past[worker] = Process(worker, buckets, copies, {worker}, waits=waits)

    def _tell(self, worker: Worker, links: list[Link]) -> None:
        process = self.processes[worker]
        if "telling" in self.fails:
            self.fails.discard("telling")
            self.perform(self.plan.insist(worker))
            return
        assert set(links) <= self.near_ends
        process.is_told, process.links, process.reads = True, links, False
        self.to_insist.append(worker)

    def _retire(self) -> None:
        for generation in list(self.plan.generations):
            if generation not in (self.present, self.preparing) and generation.is_gone:
                self.perform(self.plan.remove(generation))

    # What the plan of changeover decides.

    def changed(self, event: ChangeoverEvent, problem: str = "") -> None:
        """Let something happen to the changeover, if there is one."""
        if self.changeover is not None:
            self.change(self.changeover.happened(event, problem))

    def change(self, effects: list[change.ChangeoverEffect]) -> None:
        """Do what it decides."""
        for effect in effects:
            match effect:
                case change.Wait(_):
                    self.waits = True
                case change.Prepare():
                    self._prepare()
                case change.Discard():
                    self._discard()
                case change.SwitchOver():
                    self._switch()
                case change.SayLate():
                    pass
                case change.SayOutcome(problem):
                    self.answers.append(problem)
                    self.changeover, self.waits = None, False

    def _prepare(self) -> None:
        assert self.preparing is None
        self.preparing = self._generation(self.present.number + 1, self.n_next)
        for effect in self.plan.name_successors(self.present, self.preparing):
            assert isinstance(effect, succession.OpenLink)
            if "link" in self.fails:
                self.fails.discard("link")
                self.changed(ChangeoverEvent.FAILED, "no descriptor")
                return
            self.near_ends.add(effect.link)
            self.far_ends.add(effect.link)
        self.perform(self.plan.start(self.preparing, self.now))

    def _discard(self) -> None:
        generation, self.preparing = self.preparing, None
        assert generation is not None
        before = [(slot.worker, slot.state) for slot in self.present.slots], len(self.killed)
        effects = self.plan.abort(generation, self.now)
        assert before[0] == [(slot.worker, slot.state) for slot in self.present.slots], "it changes nothing"
        for effect in effects:
            if isinstance(effect, succession.Kill | succession.Stop | succession.TellToHandOver):
                assert effect.worker.generation is generation
        self.perform(effects)

    def _switch(self) -> None:
        assert self.preparing is not None
        former, self.present, self.preparing = self.present, self.preparing, None
        self.perform(self.plan.hand_over(former, self.now))

    # What may happen. Each does nothing where it cannot.

    def prepare(self, process: Process) -> None:
        """Let a worker say that it would serve."""
        if process.is_killed or process.is_prepared:
            return
        process.is_prepared = True
        self.perform(self.plan.prepared(process.worker))
        generation = process.worker.generation
        if generation is self.preparing and generation.is_prepared:
            assert self.changeover is not None
            self.change(self.changeover.prepared(know_all=self.present.is_told_of))

    def may_serve(self, process: Process) -> bool:
        """Whether it is let, and all those before it have handed over, or are gone as their links show."""
        return (
            process.is_prepared
            and not process.waits
            and all(
                predecessor.link is None
                or predecessor.has_handed_over
                or self._has_ended(predecessor.link)
                or self._has_said(predecessor)
                for predecessor in process.predecessors
            )
        )

    def _has_ended(self, link: Link) -> bool:
        holder = self.processes.get(link.worker)
        return link not in self.near_ends and (holder is None or link not in holder.links)

    def _has_said(self, predecessor: Predecessor) -> bool:
        before = self.past[predecessor.worker]
        return before.has_handed_over and predecessor.link in before.links

    def serve(self, process: Process) -> None:
        """Let a worker serve, if nothing keeps it from that, and be heard."""
        self.begin_to_serve(process)
        self.hear(process)

    def begin_to_serve(self, process: Process) -> None:
        """Let a worker serve, if nothing keeps it from that; what it says of it is not read yet."""
        if process.is_killed or process.has_served or process.is_told or not self.may_serve(process):
            return
        process.has_served = process.reads = process.is_unheard = True
        for predecessor in process.predecessors:
            process.known |= self.past[predecessor.worker].known

    def hear(self, process: Process) -> None:
        """Let it be heard that a worker serves."""
        if not process.is_unheard:
            return
        process.is_unheard = False
        self.perform(self.plan.serving(process.worker, self.now))
        if process.worker.generation is self.present and self.present.is_ready and self.changeover is not None:
            self.change(self.changeover.all_serve())

    def hand_over(self, process: Process) -> None:
        """Let a worker that was told to say that it reads no more."""
        if process.is_killed or not process.is_told or process.has_handed_over:
            return
        process.has_handed_over = True
        self.perform(self.plan.handed_over(process.worker))

    def exit(self, process: Process, *, is_unsuited: bool = False) -> None:
        """Let a worker end."""
        worker = process.worker
        process.reads = False
        del self.processes[worker]
        generation, slot = worker.generation, worker.slot
        before = [each.worker for each in slot.predecessors]
        effects = self.plan.exited(worker, "it died", self.now, is_unsuited=is_unsuited)
        if any(isinstance(each, succession.GoOnWithout) for each in effects):
            for each in (*before, worker):
                self.given_up |= self.past[each].known
        self.perform(effects)
        if generation is self.preparing:
            self.changed(ChangeoverEvent.FAILED, "a worker died")
        elif generation is self.present and self.changeover is not None and not self.is_switched:
            self.change(self.changeover.predecessor_died())

    @property
    def is_switched(self) -> bool:
        """Whether the changeover under way has no way back."""
        return self.changeover is not None and self.changeover.state is change.ChangeoverState.SWITCHED

    def start_again(self, slot: Slot) -> None:
        """Let a slot's pause be over."""
        self.to_start.remove(slot)
        self.perform(self.plan.start_at(slot, self.now))

    def insist(self, worker: Worker) -> None:
        """Let the time to hand over be over."""
        self.to_insist.remove(worker)
        self.perform(self.plan.insist(worker))

    def time_out(self) -> None:
        """Let what a changeover waits for take too long."""
        if self.waits:
            self.changed(ChangeoverEvent.TIMED_OUT)

    def reload(self, n_workers: int) -> None:
        """Ask for another generation; another reload that is under way goes first."""
        if self.changeover is None and not self.is_stopping:
            self.n_asked += 1
            self.n_next = n_workers
            self.changeover = Changeover()
            self.change(self.changeover.begin(is_settled=self.present.is_ready))

    def stop(self) -> None:
        """Ask all to finish."""
        if self.is_stopping:
            return
        self.is_stopping = True
        self.changed(ChangeoverEvent.STOP_ASKED)
        for generation in list(self.plan.generations):
            self.perform(self.plan.stop(generation, self.now))

    def go_on(self) -> None:
        """Let everybody do what is next, without a failure."""
        for slot in list(self.to_start):
            self.start_again(slot)
        for process in list(self.processes.values()):
            if process.is_killed or process.has_handed_over:
                self.exit(process)
            elif process.is_told:
                self.hand_over(process)
            elif not process.is_prepared:
                self.prepare(process)
            else:
                self.serve(process)

    def settle(self) -> None:
        """Go on until nothing changes any more."""
        for _ in range(8):
            self.go_on()

    def end(self) -> None:
        """Stop, and let everybody end."""
        self.stop()
        for process in list(self.processes.values()):
            self.exit(process)

    # What must be true, always.

    def check(self) -> None:
        """Raise AssertionError where it is not."""
        for bucket in range(N_BUCKETS):
            readers = [each for each in self.processes.values() if each.reads and bucket in each.buckets]
            assert len(readers) <= 1, "two read one bucket"
            if not self.is_stopping:
                self._check_owner(bucket)
                for worker in [each.worker for each in self.past.values() if each.has_served]:
                    if bucket in self.past[worker].buckets:
                        assert self._is_kept(worker, bucket), f"what {worker} knew of {bucket} is lost"
        assert len(self.answers) == self.n_asked - (self.changeover is not None)

    def _check_owner(self, bucket: int) -> None:
        (slot,) = [each for each in self.present.slots if bucket in each.buckets]
        assert (slot.worker in self.processes) if slot.worker is not None else (slot in self.to_start)

    def _is_kept(self, worker: Worker, bucket: int) -> bool:
        """Whether somebody who lives knows it, or whoever comes next will."""
        if worker in self.given_up or worker in self.processes:
            return True
        if any(each.has_served and worker in each.known and bucket in each.buckets for each in self.processes.values()):
            return True
        (slot,) = [each for each in self.present.slots if bucket in each.buckets]
        return any(
            worker in self.past[each.worker].known and each.worker in self.open_journals for each in slot.predecessors
        )

    def check_end(self) -> None:
        """Nothing is left over once all are gone."""
        assert not self.processes
        assert not workers_of(self.present)
        self.perform(self.plan.remove(self.present))
        assert not self.plan.generations
        assert not [*self.open_journals, *self.near_ends, *self.far_ends]
