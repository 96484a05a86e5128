"""How a gateway ends: it drains, leaves at once, or leaves its process to other code."""

import asyncio
import logging
from collections.abc import Callable

from gateway.ipc.orders import LEAVE_TIMEOUT_S
from gateway.supervisor.generations import Generations
from gateway.supervisor.notify import Notifier

log = logging.getLogger("gateway.supervisor")


class Ending:
    """The end, from when it is asked for until nobody is left.

    What is asked for first is what happens; but who drains can be let leave.

    Attributes:
        is_to_be_replaced: other code is to take our place in this process once nobody is left.

    Args:
        generations: those of the gateway.
        notifier: tells the service manager.
        say_leaving: tells the other hosts of a fleet.
    """

    def __init__(self, generations: Generations, notifier: Notifier, say_leaving: Callable[[], None]) -> None:
        self._generations = generations
        self._notifier = notifier
        self._say_leaving = say_leaving
        self._loop = asyncio.get_running_loop()
        self._nobody_is_left = asyncio.Event()
        self.is_to_be_replaced = False
        self._leaves = False

    @property
    def is_final(self) -> bool:
        """Whether it has begun, and nobody takes our place in this process."""
        return self._generations.is_ending and not self.is_to_be_replaced

    async def wait(self) -> None:
        """Return once it has been asked for, and nobody is left."""
        await self._nobody_is_left.wait()

    def stop(self) -> None:
        """Drain: each worker finishes what is pending."""
        self.is_to_be_replaced = False
        if self._generations.is_ending:
            return
        self._notifier.stopping()
        self._say_leaving()
        log.info("Stopping: no more requests are taken, pending logins are finished")
        self._generations.stop()
        # A worker bounds its drain itself; one that hangs does not.
        drain_timeout_s = self._generations.crew.plan.settings.gateway.drain_timeout_s
        self._loop.call_later(drain_timeout_s + 5.0, self._generations.kill)
        self.see_who_is_left()

    def stop_or_kill(self) -> None:
        """Drain; asked again, end at once."""
        if self._generations.is_ending:
            self.is_to_be_replaced = False
            self._generations.kill()
        else:
            self.stop()

    def leave(self) -> None:
        """Leave logins that wait for a person to the next start, and end."""
        self.is_to_be_replaced = False
        self._notifier.stopping()
        self._leave()

    def make_place(self) -> None:
        """Leave likewise, but to other code in this process; whoever asked is answered before."""
        log.info("Leaving this process to the code on disk")
        self.is_to_be_replaced = True
        self._loop.call_soon(self._make_place)

    def _make_place(self) -> None:
        if not self._generations.is_ending:
            self._leave()

    def _leave(self) -> None:
        if self._leaves:
            return
        self._leaves = True
        log.info("Leaving: no more requests are taken; logins that wait for a person are left to the next start")
        self._generations.leave()
        self._loop.call_later(LEAVE_TIMEOUT_S + 1.0, self._generations.kill)
        self.see_who_is_left()

    def see_who_is_left(self) -> None:
        """End the wait if nobody is: to be called whenever somebody has gone."""
        if self._generations.is_ending and self._generations.is_gone:
            self._nobody_is_left.set()
