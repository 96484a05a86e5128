"""Who is at each slot, who takes over from whom, and what is given up: a plan of it, in which no process and no
descriptor is.

Events come in as calls, what is to be done goes out as effects, to be done in their order. What workers leave is known
here by who leaves it: a worker by itself (pids come again), its journal by the worker, a link by itself. A journal is
kept for as long as its worker lives or any slot is to take over from it, and so are links: nobody counts them, for
after each event what nobody needs is closed.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.supervisor.slot_life import SlotEvent, SlotState
from gateway.supervisor.slots import Generation, Link, Predecessor, Slot, Worker, workers_of
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

MAX_DEATHS: Final = 3  # of workers that were to take over from a dead one: then what it knew is given up, not the slot


class SuccessionPlan:
    """All generations that are there. Instants, `now`, are monotonic seconds."""

    def __init__(self) -> None:
        self.generations: list[Generation] = []
        self._journals: list[Worker] = []
        self._near_ends: list[Link] = []
        self._far_ends: list[Link] = []

    # Generations.

    def add(self, generation: Generation) -> None:
        """Take another one in."""
        self.generations.append(generation)

    def remove(self, generation: Generation) -> list[SuccessionEffect]:
        """Forget one of which no worker is left."""
        self.generations.remove(generation)
        return self._unneeded()

    def start(self, generation: Generation, now: float) -> list[SuccessionEffect]:
        """Put a worker at the first slot, and at the others one by one: where there are many that takes long."""
        first, *others = generation.slots
        return [self._spawn(generation, first, now), *(StartLater(slot, 0.0) for slot in others)]

    def take_found(self, generation: Generation, workers: Sequence[Worker]) -> None:
        """Let every slot take over from workers of a gateway that is gone: whose users are whose, their records say."""
        self._journals += workers
        for slot in generation.slots:
            slot.predecessors += [Predecessor(worker) for worker in workers]

    def name_successors(self, former: Generation, following: Generation) -> list[SuccessionEffect]:
        """Let every slot of the next generation take over from workers of the present one that serve its users.

        Until those are told to hand over, no worker of the next one serves: a slot of the present one that is vacant
        now may have a worker by then.
        """
        following.waits = True
        effects: list[SuccessionEffect] = []
        for old in former.slots:
            for new in following.slots:
                shared = sorted(old.buckets & new.buckets)
                if shared:
                    effects += self._name_successor(old, new, shared)
        return effects

    def _name_successor(self, old: Slot, new: Slot, shared: list[int]) -> list[SuccessionEffect]:
        if old.state is not SlotState.READY:  # its worker knows not all of those before it
            new.predecessors += [
                Predecessor(each.worker, each.link, each.has_handed_over, each.n_deaths) for each in old.predecessors
            ]
        if old.worker is None:
            return []
        link = Link(old.worker, new, shared)
        old.links.append(link)
        new.predecessors.append(Predecessor(old.worker, link))
        self._near_ends.append(link)
        self._far_ends.append(link)
        return [OpenLink(link)]

    def hand_over(self, generation: Generation, now: float) -> list[SuccessionEffect]:
        """Let every worker finish for its successors what it has begun, and leave; and let these serve."""
        generation.is_dismissed = True
        effects: list[SuccessionEffect] = []
        for slot in generation.slots:
            was_ready = slot.state is SlotState.READY
            slot.drain(now)
            if slot.worker is not None:
                effects.append(TellToHandOver(slot.worker, tuple(slot.links)) if was_ready else Kill(slot.worker))
        return effects + self._let_serve() + self._unneeded()

    def _let_serve(self) -> list[SuccessionEffect]:
        """Let the generation serve that waits."""
        effects: list[SuccessionEffect] = []
        for generation in self.generations:
            if generation.waits and not generation.is_dismissed:
                generation.waits = False
                effects += [LetServe(worker) for worker in workers_of(generation)]
        return effects

    def stop(self, generation: Generation, now: float) -> list[SuccessionEffect]:
        """Let every worker finish what is pending, and nobody come after it."""
        generation.is_dismissed = True
        for slot in generation.slots:
            slot.drain(now)
        return [Stop(worker) for worker in workers_of(generation)] + self._unneeded()

    def abort(self, generation: Generation, now: float) -> list[SuccessionEffect]:
        """End workers that never served; those before them go on serving.

        They end before their links do: the end of a link would let them serve.
        """
        generation.is_dismissed = True
        for slot in generation.slots:
            slot.drain(now)
        for slot in self._slots():
            slot.links = [link for link in slot.links if link.successor not in generation.slots]
        return [Kill(worker) for worker in workers_of(generation)] + self._unneeded()

    # What becomes of a worker.

    def could_not_spawn(self, worker: Worker, trouble: str, now: float) -> list[SuccessionEffect]:
        """Try again later: no process could be started, or no descriptor was left."""
        slot = worker.slot
        slot.worker = None
        slot.trouble, slot.n_failures = trouble, slot.n_failures + 1
        if worker.generation.is_dismissed:
            self._leave(slot, now)
            return self._unneeded()
        return self._back_off(slot, now) + self._unneeded()

    def prepared(self, worker: Worker) -> list[SuccessionEffect]:
        """Note that it would serve, if its predecessors had handed over."""
        slot = worker.slot
        slot.is_prepared = True
        slot.trouble, slot.n_failures = "", 0
        return []

    def serving(self, worker: Worker, now: float) -> list[SuccessionEffect]:
        """Note that it serves, and knows all that its predecessors did."""
        slot = worker.slot
        slot.life.happened(SlotEvent.REPORTED_READY, now)
        slot.drop_known()
        return self._unneeded()

    def handed_over(self, worker: Worker) -> list[SuccessionEffect]:
        """Note that it reads no more, and its journal is complete; a successor's successor must know."""
        worker.slot.has_handed_over = True
        for predecessor in self._predecessors():
            if predecessor.worker is worker:
                predecessor.has_handed_over = True
        return []

    def insist(self, worker: Worker) -> list[SuccessionEffect]:
        """End one that has not handed over: it hangs, or was not to be told. Its journal hands over for it."""
        slot = worker.slot
        return [Kill(worker)] if slot.worker is worker and not slot.has_handed_over else []

    def exited(self, worker: Worker, trouble: str, now: float, *, is_unsuited: bool = False) -> list[SuccessionEffect]:
        """Let others take over from it.

        Args:
            worker: that is gone.
            trouble: why, for one that has not announced itself.
            now: the instant.
            is_unsuited: it has said itself why it cannot start: what its predecessors left is not the cause.
        """
        slot = worker.slot
        if not slot.is_prepared:
            slot.trouble, slot.n_failures = trouble, slot.n_failures + 1
        slot.worker, slot.is_prepared, slot.has_handed_over = None, False, False
        effects: list[SuccessionEffect] = []
        if worker.generation.is_dismissed:
            self._leave(slot, now)
        else:
            effects = self._succeed(slot, worker, now, is_unsuited=is_unsuited)
        self._note_gone(worker)
        return effects + self._unneeded()

    def start_at(self, slot: Slot, now: float) -> list[SuccessionEffect]:
        """Put the first or the next worker at a slot, unless it was dismissed meanwhile."""
        generation = next((each for each in self.generations if slot in each.slots), None)
        if generation is None or generation.is_dismissed or slot.state not in (SlotState.EMPTY, SlotState.BACKOFF):
            return []
        if slot.state is SlotState.BACKOFF:
            slot.life.happened(SlotEvent.BACKOFF_ELAPSED, now)
        return [self._spawn(generation, slot, now)]

    def _spawn(self, generation: Generation, slot: Slot, now: float) -> SuccessionEffect:
        slot.life.happened(SlotEvent.SPAWNED, now)
        slot.worker = worker = Worker(generation, slot)
        slot.spawned_at = now
        self._journals.append(worker)
        return Spawn(worker, tuple(slot.predecessors))

    def _succeed(self, slot: Slot, worker: Worker, now: float, *, is_unsuited: bool) -> list[SuccessionEffect]:
        """Let the next worker take over from one that died, unless too many have died of the attempt."""
        had_served = slot.state is SlotState.READY
        n_deaths = 0 if had_served or is_unsuited else slot.note_death()
        slot.predecessors.append(Predecessor(worker, n_deaths=n_deaths))
        effects: list[SuccessionEffect] = []
        if n_deaths >= MAX_DEATHS:
            slot.drop_known()
            slot.n_failures = 0  # that may have been why
            effects.append(GoOnWithout(slot))
        return effects + self._back_off(slot, now)

    def _leave(self, slot: Slot, now: float) -> None:
        if slot.state is SlotState.DRAINING:
            slot.life.happened(SlotEvent.EXITED, now)
        slot.predecessors, slot.links = [], []

    def _back_off(self, slot: Slot, now: float) -> list[SuccessionEffect]:
        slot.life.happened(SlotEvent.EXITED, now)
        return [StartLater(slot, slot.life.backoff_s)]

    def _note_gone(self, worker: Worker) -> None:
        """Note that a worker is gone: a worker that serves since then knows all of it by its link's end."""
        for slot in self._slots():
            for predecessor in slot.predecessors:
                if predecessor.worker is worker:
                    predecessor.link = None
            if slot.state is SlotState.READY:
                slot.drop_known()

    # Who needs what.

    def _slots(self) -> Iterator[Slot]:
        return (slot for generation in self.generations for slot in generation.slots)

    def _predecessors(self) -> Iterator[Predecessor]:
        return (each for slot in self._slots() for each in slot.predecessors)

    def _unneeded(self) -> list[SuccessionEffect]:
        """Close what nobody needs any more."""
        predecessors = list(self._predecessors())
        workers = {slot.worker for slot in self._slots()} | {each.worker for each in predecessors}
        near_ends = {link for slot in self._slots() for link in slot.links}
        far_ends = {each.link for each in predecessors}
        effects: list[SuccessionEffect] = [CloseJournal(each) for each in self._journals if each not in workers]
        effects += [CloseNearEnd(each) for each in self._near_ends if each not in near_ends]
        effects += [CloseFarEnd(each) for each in self._far_ends if each not in far_ends]
        self._journals = [each for each in self._journals if each in workers]
        self._near_ends = [each for each in self._near_ends if each in near_ends]
        self._far_ends = [each for each in self._far_ends if each in far_ends]
        return effects
