"""The workers of all generations: what the plan of their succession decides is performed here, and nothing is decided.

Processes, journals and links are here; who takes over from whom is `succession_plan`'s.
"""

import asyncio
import logging
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from gateway.config.writing import explain_error
from gateway.ipc.orders import (
    CANNOT_START,
    FOUND,
    PredecessorOrders,
)
from gateway.ipc.plan import (
    pending_share,
)
from gateway.ipc.worker_channel import (
    FromWorker,
    HandOver,
    Leave,
    Serve,
    Successor,
    hear_worker,
    tell_worker,
)
from gateway.supervisor.crew import Crew, CrewPlan
from gateway.supervisor.journals import Journals
from gateway.supervisor.process import WorkerProcess, describe_status
from gateway.supervisor.slots import Generation, Link, Predecessor, Slot, Worker
from gateway.supervisor.stderr import say
from gateway.supervisor.succession_effects import (
    CloseFarEnd,
    CloseJournal,
    CloseNearEnd,
    GoOnWithout,
    Kill,
    LetServe,
    OpenLink,
    Spawn,
    StartLater,
    Stop,
    SuccessionEffect,
    TellToHandOver,
)
from gateway.supervisor.succession_plan import SuccessionPlan

log = logging.getLogger("gateway.supervisor")

HANDOVER_TIMEOUT_S = 2.0  # then the worker is killed, and its successor takes over from the journal
_LIKELY_CAUSES: dict[int, str] = {
    signal.SIGBUS: "; run_dir, whose journals it maps, is probably full or cannot be read"
}


class CrewOwner(Protocol):
    """Who hears of workers: the arbiter."""

    def worker_prepared(self, crew: Crew) -> None:
        """A worker would serve, if its predecessors had handed over."""

    def worker_serves(self, crew: Crew) -> None:
        """A worker serves."""

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """A worker could not even be started."""

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """A worker has exited, whether it was told to or not."""


class Crews:
    """Performs a succession plan: effects in their order, and those of an event that comes meanwhile behind them."""

    def __init__(self, owner: CrewOwner, journals: Journals) -> None:
        self.plan = SuccessionPlan()
        self._store = journals
        self._is_ending = self._leaves = False
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._crews: dict[Generation, Crew] = {}
        self._processes: dict[Worker, WorkerProcess] = {}
        self._journals: dict[Worker, int] = {}
        self._near_ends: dict[Link, socket.socket] = {}
        self._far_ends: dict[Link, socket.socket] = {}
        self._effects: deque[SuccessionEffect] = deque()
        self._is_performing = False
        self._in_background: Crew | None = None
        self._to_start: deque[Slot] = deque()
        self._perform_one: dict[type, Callable[[Any], None]] = {
            Spawn: self._spawn,
            StartLater: self._start_later,
            TellToHandOver: self._tell_to_hand_over,
            LetServe: self._let_serve,
            Stop: self._stop,
            Kill: lambda effect: self._kill(effect.worker),
            GoOnWithout: self._say_given_up,
            CloseJournal: self._close_journal,
            CloseNearEnd: lambda effect: self._close_end(self._near_ends, effect.link),
            CloseFarEnd: lambda effect: self._close_end(self._far_ends, effect.link),
        }

    # Generations.

    def create(self, plan: CrewPlan) -> Crew:
        """Return another generation's crew, without workers."""
        crew = Crew(plan, self.process)
        self._crews[crew.generation] = crew
        self.plan.add(crew.generation)
        return crew

    def forget(self, crew: Crew) -> None:
        """Forget a crew of which nobody is left."""
        self._perform(self.plan.remove(crew.generation))
        del self._crews[crew.generation]
        crew.close()

    def name_successors(self, former: Crew, crew: Crew) -> None:
        """Let a crew's workers, once there are some, take over from those of the present one.

        Raises:
            OSError: there is no descriptor left; the crew is to be aborted then.
        """
        for effect in self.plan.name_successors(former.generation, crew.generation):
            if isinstance(effect, OpenLink):
                far, near = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self._far_ends[effect.link], self._near_ends[effect.link] = far, near

    def start(self, crew: Crew, *, in_background: bool = False) -> None:
        """Put a worker at every slot; in the background if another generation serves meanwhile."""
        self._in_background = crew if in_background else None
        self._perform(self.plan.start(crew.generation, self._loop.time()))

    def hand_over(self, crew: Crew) -> None:
        """Let every worker finish for its successors what it has begun, and leave."""
        self._in_background = None
        self._perform(self.plan.hand_over(crew.generation, self._loop.time()))

    def stop(self, crew: Crew) -> None:
        """Let every worker finish what is pending, and put nobody at any slot again.

        What is pending all the same when the last one ends is for the next gateway to find.
        """
        self._is_ending = True
        self._perform(self.plan.stop(crew.generation, self._loop.time()))

    def leave(self, crew: Crew) -> None:
        """Let every worker end at once, and what it knows be for the next gateway to find."""
        self._leaves = True
        self.stop(crew)

    def take_found(self, crew: Crew) -> None:
        """Let a crew's workers, once there are some, take over from those of a gateway that is gone."""
        gone = Generation(FOUND, [()])
        workers = [Worker(gone, gone.slots[0]) for _ in self._store.found]
        self._journals.update(zip(workers, self._store.found, strict=True))
        self.plan.take_found(crew.generation, workers)

    def abort(self, crew: Crew) -> None:
        """End workers that never served."""
        self._perform(self.plan.abort(crew.generation, self._loop.time()))

    def process(self, worker: Worker | None) -> WorkerProcess | None:
        """Return a worker's process; None without one."""
        return self._processes.get(worker) if worker is not None else None

    # What is to be done.

    def _perform(self, effects: Iterable[SuccessionEffect]) -> None:
        self._effects.extend(effects)
        if self._is_performing:
            return
        self._is_performing = True
        try:
            while self._effects:
                effect = self._effects.popleft()
                self._perform_one[type(effect)](effect)
        finally:
            self._is_performing = False

    def _spawn(self, spawn: Spawn) -> None:
        worker, crew = spawn.worker, self._crews[spawn.worker.generation]
        try:
            max_logins = pending_share(crew.plan.settings, crew.plan.n_workers)
            self._journals[worker] = self._store.create(max_logins, crew.plan.sockets.numbering)
            predecessors = [self._predecessor_orders(each) for each in spawn.predecessors]
            process = WorkerProcess(crew.orders(worker, self._journals[worker], predecessors), crew.plan.identity)
        except OSError as error:
            trouble = explain_error(error)
            log.error("Worker %d cannot be started: %s", worker.slot.number, trouble)
            self._perform(self.plan.could_not_spawn(worker, trouble, self._loop.time()))
            self._owner.worker_missing(crew, worker.slot)
            return
        worker.pid = process.pid
        self._processes[worker] = process
        if crew is self._in_background:
            process.prefer_others()
        self._loop.add_reader(process.channel.fileno(), self._heard, worker, process)
        self._loop.add_reader(process.pidfd, self._exited, worker, process)

    def _predecessor_orders(self, predecessor: Predecessor) -> PredecessorOrders:
        worker = predecessor.worker
        link_fd = self._far_ends[predecessor.link].fileno() if predecessor.link is not None else None
        return PredecessorOrders(
            worker.pid, worker.generation.number, self._journals[worker], link_fd, predecessor.has_handed_over
        )

    def _start_later(self, later: StartLater) -> None:
        if later.after_s:
            self._loop.call_later(later.after_s, self._start_soon, later.slot)
        else:
            self._start_soon(later.slot)

    def _start_soon(self, slot: Slot) -> None:
        self._to_start.append(slot)
        if len(self._to_start) == 1:
            self._loop.call_soon(self._start_next)

    def _start_next(self) -> None:
        """Start one, and let the loop hear signals and workers before the next: a thousand take minutes."""
        slot = self._to_start.popleft()
        if self._to_start:
            self._loop.call_soon(self._start_next)
        self._perform(self.plan.start_at(slot, self._loop.time()))

    def _tell_to_hand_over(self, telling: TellToHandOver) -> None:
        worker = telling.worker
        process = self._processes[worker]
        word = HandOver([Successor(link.buckets) for link in telling.links])
        if tell_worker(process.channel, word, [self._near_ends[link].fileno() for link in telling.links]):
            self._loop.call_later(HANDOVER_TIMEOUT_S, self._insist, worker)
        else:
            self._perform(self.plan.insist(worker))

    def _let_serve(self, effect: LetServe) -> None:
        process = self.process(effect.worker)
        if process is not None and not tell_worker(process.channel, Serve()):
            process.signal(signal.SIGKILL)  # it would wait for ever

    def _insist(self, worker: Worker) -> None:
        effects = self.plan.insist(worker)
        if effects:
            log.error("Worker %d (pid %d) does not hand over and is killed", worker.slot.number, worker.pid)
        self._perform(effects)

    def _stop(self, stop: Stop) -> None:
        process = self._processes.get(stop.worker)
        if process is not None and not (self._leaves and tell_worker(process.channel, Leave())):
            process.signal(signal.SIGTERM)

    def _kill(self, worker: Worker) -> None:
        process = self._processes.get(worker)
        if process is not None:
            process.signal(signal.SIGKILL)

    def _say_given_up(self, given_up: GoOnWithout) -> None:
        number = given_up.slot.number
        log.error("Slot %d drops the pending logins of its last workers: they may be why those exited", number)

    def _close_journal(self, closing: CloseJournal) -> None:
        descriptor = self._journals.pop(closing.worker, None)
        if descriptor is not None:
            keeps = self._is_ending and (self._leaves or self._store.has_logins(descriptor))
            self._store.close(descriptor, keeps=keeps)

    def _close_end(self, ends: dict[Link, socket.socket], link: Link) -> None:
        end = ends.pop(link, None)
        if end is not None:
            end.close()

    # What workers say, and their end.

    def _heard(self, worker: Worker, process: WorkerProcess) -> None:
        try:
            word = hear_worker(process.channel)
        except ValueError:  # of newer code than ours: what it says beside what we know does not matter to us
            return
        except OSError:
            word = None
        crew = self._crews[worker.generation]
        if word is None:
            self._loop.remove_reader(process.channel.fileno())
        elif word is FromWorker.PREPARED:
            process.prefer_nobody()
            self._perform(self.plan.prepared(worker))
            self._owner.worker_prepared(crew)
        elif word is FromWorker.SERVING:
            self._perform(self.plan.serving(worker, self._loop.time()))
            log.info("Worker %d (pid %d) is ready", worker.slot.number, worker.pid)
            self._owner.worker_serves(crew)
        else:
            self._perform(self.plan.handed_over(worker))

    def _exited(self, worker: Worker, process: WorkerProcess) -> None:
        self._loop.remove_reader(process.pidfd)
        self._loop.remove_reader(process.channel.fileno())
        words = process.last_words
        status = process.reap()
        del self._processes[worker]
        crew, fate = self._crews[worker.generation], describe_status(status) + _LIKELY_CAUSES.get(-status, "")
        if not crew.generation.is_dismissed:
            self._tell_death(worker, fate, words)
        trouble, is_unsuited = words.rpartition("\n")[2] or fate, status == CANNOT_START
        self._perform(self.plan.exited(worker, trouble, self._loop.time(), is_unsuited=is_unsuited))
        self._owner.worker_gone(crew, worker.slot, status)

    def _tell_death(self, worker: Worker, fate: str, words: str) -> None:
        fields = {"said": words} if words else {}
        log.error("Worker %d (pid %d) exited: %s", worker.slot.number, worker.pid, fate, extra={"fields": fields})
        if words:
            say(words)
