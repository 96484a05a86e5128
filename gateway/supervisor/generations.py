"""The generations that there are: the present one, former ones of which somebody is left, and one that is to come.

What each of them holds is here (settings, sockets, board, ledger), from its making until nobody of it is left.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.settings import Settings, encode_settings
from gateway.ipc.board import Board
from gateway.ipc.ledger import Ledger
from gateway.ipc.memory import memfd
from gateway.ipc.orders import REMEMBER_S, GenerationOrders
from gateway.ipc.plan import board_plan, worker_count
from gateway.logs.setup import log_internal_error
from gateway.statistics.reading import Totals, merge
from gateway.supervisor.crew import Crew, CrewPlan
from gateway.supervisor.crews import CrewOwner, Crews
from gateway.supervisor.identity import UnknownIdentity, find_identity
from gateway.supervisor.journals import Journals
from gateway.supervisor.limits import files_wanted, raise_file_limit
from gateway.supervisor.overflows import Overflows
from gateway.supervisor.reload import Reload
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import CannotListen, ListeningSockets


class GenerationsOwner(CrewOwner, Protocol):
    """Who hears of workers and of generations: the arbiter.

    What it hears of a worker it tells `Generations`, too, by the method of that name.
    """

    def generation_prepares(self, crew: Crew) -> None:
        """The workers of the next generation are about to be started."""

    def generation_changed(self) -> None:
        """The present generation is another one from now on."""


class Generations:
    """Generations one after the other; at most one is to come.

    Attributes:
        crew: the workers of the present one.
        former: those of generations before it, and of some that never served, of which somebody is left.
        is_ending: nobody is put at any slot again.

    Args:
        settings, sockets: of the first one.
        journals: what a gateway that is gone has left, and where new ones are made.
        instance: the name of this gateway among those of a fleet.
        owner: is told of nothing before `start`.
    """

    def __init__(
        self, settings: Settings, sockets: ListeningSockets, journals: Journals, instance: str, owner: GenerationsOwner
    ) -> None:
        """Make the first one, without workers.

        Raises:
            UnknownIdentity: the machine has no such user or group.
            OSError: there is no memory or no descriptor left.
        """
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        self._key, self._instance = journals.key, instance
        self._settings_fds: dict[int, int] = {}
        self._workers = Crews(owner, journals)
        self._to_come: Reload | None = None
        self._counted = Totals(Counter(), Counter(), {})  # by crews that are gone
        self._overflows = Overflows()
        self.former: list[Crew] = []
        self.is_ending = False
        self.crew = self._create(1, settings, worker_count(settings), sockets)
        self._workers.take_found(self.crew)

    def _create(self, number: int, settings: Settings, n_workers: int, sockets: ListeningSockets) -> Crew:
        identity = find_identity(settings.gateway.user, settings.gateway.group)
        self._settings_fds[number] = memfd("radgate-settings", encode_settings(settings))
        former = sorted((each for each in self._settings_fds if each != number), reverse=True)
        generations = [GenerationOrders(each, self._settings_fds[each]) for each in (number, *former)]
        board = Board.create(board_plan(settings, n_workers))
        try:
            ledger = Ledger.create(n_workers)
        except OSError:
            board.close()
            raise
        plan = CrewPlan(settings, generations, n_workers, sockets, identity, self._key, board, ledger, self._instance)
        return self._workers.create(plan)

    # What there is.

    def crews(self) -> Iterator[Crew]:
        """Return those of all generations, the present one first."""
        yield self.crew
        yield from self.former
        if self._to_come is not None and self._to_come.crew is not None:
            yield self._to_come.crew

    @property
    def is_gone(self) -> bool:
        """Whether nobody is left, nor is to come."""
        return all(crew.generation.is_gone for crew in self.crews())

    def totals(self) -> Totals:
        """Return all that was ever counted, by workers, and by the kernel of sockets."""
        lost = Totals(self._overflows.look(crew.held for crew in self.crews()), Counter(), {})
        totals = merge(merge(self._counted, lost), self.crew.counted())
        for crew in self.former:
            totals = merge(totals, crew.counted().retired())
        return totals

    def _sockets_in_use(self) -> list[ListeningSockets]:
        """A former generation's workers answer by their sockets until they leave; until then they can be reused."""
        to_come = [self._to_come.sockets] if self._to_come is not None else []
        return [*(crew.plan.sockets for crew in self.crews()), *to_come]

    # Start and end.

    def start(self) -> None:
        """Put a worker at every slot of the first generation."""
        self._workers.start(self.crew)

    def stop(self) -> None:
        """Let every worker finish what is pending."""
        self._end(self._workers.stop)

    def leave(self) -> None:
        """Let every worker end at once; what it knows is for the next gateway to find."""
        self._end(self._workers.leave)

    def _end(self, end: Callable[[Crew], None]) -> None:
        self.is_ending = True
        if self._to_come is not None:
            self._to_come.stop()
        for crew in list(self.crews()):
            end(crew)

    def kill(self) -> None:
        """End every worker at once."""
        for crew in self.crews():
            crew.signal(signal.SIGKILL)

    def close(self, *, keeps_sockets: bool) -> None:
        """Give up the sockets; those of the present generation can be kept."""
        kept = [self.crew.plan.sockets] if keeps_sockets else []
        for crew in self.crews():
            crew.plan.sockets.close(kept)

    # What the owner has heard of a worker.

    def worker_prepared(self, crew: Crew) -> None:
        """Let a change go on once every worker would serve."""
        if self._to_come is not None:
            self._to_come.worker_prepared(crew)

    def worker_serves(self, crew: Crew) -> None:
        """Let a change go on once every worker serves."""
        if self._to_come is not None and crew is self.crew and crew.generation.is_ready:
            self._to_come.all_serve()

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """Give a change up where a worker cannot be started for it."""
        if self._to_come is not None:
            self._to_come.worker_missing(crew, slot)
        self._retire_if_gone(crew)

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """Give a change up or begin it anew, and a generation of which this was the last."""
        if self._to_come is not None:
            self._to_come.worker_gone(crew, slot, status)
        self._retire_if_gone(crew)

    def _retire_if_gone(self, crew: Crew) -> None:
        if crew in self.former and crew.generation.is_gone:
            self.former.remove(crew)
            self._overflows.look(each.held for each in (*self.crews(), crew))
            crew.plan.sockets.close(self._sockets_in_use())
            self._counted = merge(self._counted, crew.counted().retired())
            self._workers.forget(crew)

    # The change from one to the next.

    def find_obstacle(self, settings: Settings) -> str:
        """Return what would keep a generation with these settings from being prepared; empty if nothing is known."""
        if obstacle := self._find_want_of_buckets(settings):
            return obstacle
        try:
            ListeningSockets.try_addresses(listening_addresses(settings), self._sockets_in_use())
            find_identity(settings.gateway.user, settings.gateway.group)
        except (CannotListen, UnknownIdentity) as error:
            return str(error)
        return ""

    def taken_addresses(self, addresses: Sequence[ListeningAddress]) -> dict[str, str]:
        """Return which of these others have, and what is to be said of it; our own sockets are in nobody's way."""
        taken = {}
        for address in addresses:
            try:
                ListeningSockets.try_addresses([address], self._sockets_in_use())
            except CannotListen as error:
                if error.is_taken:
                    taken[str(address)] = str(error)
        return taken

    def _find_want_of_buckets(self, settings: Settings) -> str:
        n_workers, n_buckets = worker_count(settings), self.crew.plan.sockets.n_buckets
        if n_workers <= n_buckets:
            return ""
        return f"workers={n_workers} needs a restart; without one there can be {n_buckets} at most"

    async def change_over(self, settings: Settings) -> str:
        """Bring in a generation with these settings; return what keeps it from serving, empty if it serves."""
        if obstacle := self._find_want_of_buckets(settings):
            return obstacle
        raise_file_limit(files_wanted(settings).in_all)
        n_buckets = self.crew.plan.sockets.n_buckets
        try:
            sockets = ListeningSockets(listening_addresses(settings), n_buckets, self._sockets_in_use())
        except CannotListen as error:
            return str(error)
        self._to_come = Reload(settings, worker_count(settings), sockets, self)
        try:
            return await self._to_come.outcome()
        finally:
            self._to_come = None
            sockets.close(self._sockets_in_use())  # which are all of them, once the generation serves

    def prepare(self, reload: Reload) -> None:
        """Start the next generation's workers; those of the present one are told of in their orders.

        Raises:
            OSError: no descriptor is left.
            UnknownIdentity: the machine has no such user or group.
        """
        crew = self._create(self.crew.number + 1, reload.settings, reload.n_workers, reload.sockets)
        reload.crew = crew
        self._owner.generation_prepares(crew)
        self._workers.name_successors(self.crew, crew)
        self._workers.start(crew, in_background=True)

    def discard(self, crew: Crew | None) -> None:
        """End the next generation's workers; the present ones never heard of them."""
        settings_fd = self._settings_fds.pop(self.crew.number + 1, None)
        if settings_fd is not None:
            os.close(settings_fd)
        if crew is not None:
            self.former.append(crew)
            self._workers.abort(crew)
            self._retire_if_gone(crew)

    def switch(self, crew: Crew) -> None:
        """From here on the next generation serves: each worker as soon as its predecessors have handed over."""
        former, self.crew = self.crew, crew
        crew.on_duty_since = self._loop.time()
        self.former.append(former)
        try:
            self._owner.generation_changed()
        except Exception as error:  # noqa: BLE001 -- our own mistake costs what goes by settings, not the handover
            log_internal_error("Internal error while the next generation begins", error)
        self._workers.hand_over(former)
        self._loop.call_later(former.plan.settings.gateway.drain_timeout_s + 5.0, former.signal, signal.SIGKILL)
        self._loop.call_later(REMEMBER_S, self._forget_settings, former.number)
        self._retire_if_gone(former)

    def _forget_settings(self, number: int) -> None:
        if not any(crew.number == number for crew in self.crews()):
            for crew in self.crews():
                crew.forget_settings(number)
            os.close(self._settings_fds.pop(number))
        else:
            self._loop.call_later(REMEMBER_S, self._forget_settings, number)
