"""Calls that Duo refused for their date: one ping asks for its time, and then they are asked again.

A call waits for that no longer than for its answer. Where Duo tells no time, its refusal stands.
"""

import asyncio
from collections.abc import Callable

from gateway.duo.clock import DuoClock
from gateway.duo.pending_call import OnAnswer, PendingCall
from gateway.duoapi.calls import Answer
from gateway.unavailable import Unavailable


class Misdated:
    """The calls of one application that wait for Duo's time."""

    def __init__(
        self,
        clock: DuoClock,
        *,
        ping: Callable[[OnAnswer], object],
        ask_again: Callable[[PendingCall], None],
        give_up: Callable[[PendingCall, Unavailable], None],
    ) -> None:
        """Wait for `clock` to be told.

        Args:
            clock: dates calls; whoever hears Duo's time tells it.
            ping: asks for the time; what it is given is called when it has ended.
            ask_again: takes a call that is to be dated anew.
            give_up: takes a call whose refusal stands, and what it ends with.
        """
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._ping = ping
        self._ask_again = ask_again
        self._give_up = give_up
        self._waiting: dict[PendingCall, Unavailable] = {}
        self._is_asking = False

    def wait(self, pending: PendingCall, trouble: Unavailable, now: float) -> None:
        """Ask the call again as soon as Duo has told its time, or fail with `trouble` when the call's time is over."""
        pending.held(now, self._loop.call_later(max(0.0, pending.deadline - now), self._expire, pending))
        self._waiting[pending] = trouble
        if pending.dated_at <= self._clock.told_at:  # another call's ping was quicker
            self._settle(pending)
        elif not self._is_asking:
            self._is_asking = True
            self._ping(self._ping_ended)

    def drop(self, pending: PendingCall) -> None:
        """Forget a cancelled call, if it waits."""
        self._waiting.pop(pending, None)

    def _ping_ended(self, _answer: Answer | Unavailable) -> None:
        self._is_asking = False
        for pending in tuple(self._waiting):
            if pending in self._waiting:  # the end of another one has not cancelled it
                self._settle(pending)

    def _settle(self, pending: PendingCall) -> None:
        if pending.dated_at <= self._clock.told_at:
            del self._waiting[pending]
            self._ask_again(pending)
        else:
            self._expire(pending)

    def _expire(self, pending: PendingCall) -> None:
        self._give_up(pending, self._waiting.pop(pending))
