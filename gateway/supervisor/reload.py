"""One reload under way: performs what its changeover decides, by what `Generations` offers."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from gateway.config.settings import Settings
from gateway.config.writing import explain_error
from gateway.ipc.orders import CANNOT_START
from gateway.supervisor.changeover import (
    Changeover,
    ChangeoverEffect,
    ChangeoverEvent,
    Discard,
    Prepare,
    SayLate,
    SayOutcome,
    SwitchOver,
    Wait,
)
from gateway.supervisor.code_on_disk import CodeState, code_on_disk
from gateway.supervisor.crew import Crew
from gateway.supervisor.identity import UnknownIdentity
from gateway.supervisor.process import describe_status
from gateway.supervisor.slots import Slot
from gateway.supervisor.sockets import ListeningSockets

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("gateway.supervisor")

_CODE_CHANGED = "the code on disk has changed while workers started from it; reload again once its installation is done"


class ReloadOwner(Protocol):
    """Who has generations: `Generations`."""

    @property
    def crew(self) -> Crew:
        """The present one."""

    def prepare(self, reload: "Reload") -> None:
        """Make the next crew, set `reload.crew`, and start its workers.

        Raises:
            OSError: no descriptor is left.
            UnknownIdentity: the machine has no such user or group.
        """

    def discard(self, crew: Crew | None) -> None:
        """End the next crew's workers, if it came to be."""

    def switch(self, crew: Crew) -> None:
        """Make the next crew the present one."""


class Reload:
    """A generation with other settings, from when it is to come until it serves, or is given up.

    Attributes:
        settings, sockets: those of the generation.
        crew: its workers while they prepare; None before, and once it is the present one.
    """

    def __init__(self, settings: Settings, n_workers: int, sockets: ListeningSockets, owner: ReloadOwner) -> None:
        self.settings = settings
        self.n_workers = n_workers
        self.sockets = sockets
        self.crew: Crew | None = None
        self._former = owner.crew
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._changeover = Changeover()
        self._answer: asyncio.Future[str] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._code: CodeState = {}
        self._perform_one: dict[type, Callable[[Any], None]] = {
            Wait: self._wait,
            Prepare: self._prepare,
            Discard: self._discard,
            SwitchOver: self._switch,
            SayLate: self._say_late,
            SayOutcome: self._say_outcome,
        }

    async def outcome(self) -> str:
        """Change over, and return what keeps the generation from serving; empty if it serves."""
        try:
            self._perform(self._changeover.begin(is_settled=self._former.generation.is_ready))
            return await self._answer
        finally:
            self.stop()  # which changes nothing but after an internal error, that leaves nothing half prepared

    # What happens meanwhile.

    def worker_prepared(self, crew: Crew) -> None:
        """A worker would serve."""
        if crew is not self.crew or not crew.generation.is_prepared:
            return
        if code_on_disk() == self._code:
            self._perform(self._changeover.prepared(know_all=self._former.generation.is_told_of))
        else:
            self._happened(ChangeoverEvent.FAILED, _CODE_CHANGED)

    def all_serve(self) -> None:
        """Every worker of the present generation serves."""
        if not self._answer.done():
            self._perform(self._changeover.all_serve())

    def worker_missing(self, crew: Crew, slot: Slot) -> None:
        """A worker could not even be started."""
        if crew is self.crew:
            self._happened(ChangeoverEvent.FAILED, f"a worker could not start with it: {slot.trouble}")

    def worker_gone(self, crew: Crew, slot: Slot, status: int) -> None:
        """A worker has exited."""
        if crew is self.crew:
            verb = "could not start with it" if status == CANNOT_START or slot.trouble else "died"
            self._happened(ChangeoverEvent.FAILED, f"a worker {verb}: {slot.trouble or describe_status(status)}")
        elif crew is self._former is self._owner.crew and not self._answer.done():
            self._perform(self._changeover.predecessor_died())

    def stop(self) -> None:
        """The gateway is to stop."""
        self._happened(ChangeoverEvent.STOP_ASKED)

    def _happened(self, event: ChangeoverEvent, problem: str = "") -> None:
        if not self._answer.done():
            self._perform(self._changeover.happened(event, problem))

    # What is to be done.

    def _perform(self, effects: list[ChangeoverEffect]) -> None:
        for effect in effects:
            self._perform_one[type(effect)](effect)

    def _wait(self, wait: Wait) -> None:
        self._stop_waiting()
        self._timer = self._loop.call_later(wait.for_s, self._happened, ChangeoverEvent.TIMED_OUT)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _prepare(self, _: Prepare) -> None:
        self._code = code_on_disk()
        try:
            self._owner.prepare(self)
        except UnknownIdentity as error:
            self._happened(ChangeoverEvent.FAILED, str(error))
        except OSError as error:
            self._happened(ChangeoverEvent.FAILED, f"no workers can be prepared: {explain_error(error)}")

    def _discard(self, _: Discard) -> None:
        crew, self.crew = self.crew, None
        self._owner.discard(crew)

    def _switch(self, _: SwitchOver) -> None:
        crew, self.crew = self.crew, None
        if crew is not None:
            self._owner.switch(crew)

    def _say_late(self, _: SayLate) -> None:
        log.error("Not every worker of generation %d serves yet", self._owner.crew.number)

    def _say_outcome(self, outcome: SayOutcome) -> None:
        self._stop_waiting()
        self._answer.set_result(outcome.problem)
