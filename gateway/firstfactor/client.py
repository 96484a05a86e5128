"""Whoever asks a first factor: who waits for an answer, and the timer. What is asked whom is for its plan to decide."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from gateway.engine.asking import Asking
from gateway.engine.first_factor import Answer, CheckFirstFactor
from gateway.statistics.counters import FirstFactorCounters
from gateway.unavailable import Unavailable

OnAnswer = Callable[[Answer | Unavailable], None]
A = TypeVar("A")
"""What a plan makes of a question."""

_GRAIN_S: Final = 0.02  # a busy client's timers: as many of them at once as fall into it
_clock: Final = time.monotonic


class FirstFactorClient(Generic[A]):
    """Asks questions, many at once, from `start` to `close`."""

    def __init__(self, counters: FirstFactorCounters | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._counters = counters
        self._pending: dict[A, PendingQuestion[A]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._is_asking = False
        self._is_closed = False

    def start(self) -> None:
        """Find the way to those who are asked; questions may come before."""
        raise NotImplementedError

    def show(self) -> None:
        """Show on the board how they are."""
        raise NotImplementedError

    def ask(self, question: CheckFirstFactor, on_answer: OnAnswer) -> "PendingQuestion[A]":
        """Ask; `on_answer` hears the answer or why there is none, once, and never before this returns.

        The question forgets its credentials as soon as it is answered.
        """
        now = _clock()
        asked = self._asked(question)
        self._pending[asked] = pending = PendingQuestion(self, asked, question, on_answer, now)
        self._is_asking = True
        try:
            self._put(asked, now)
        finally:
            self._is_asking = False
        return pending

    def close(self) -> None:
        """Drop all questions without a word."""
        self._is_closed = True
        for pending in self._pending.values():
            pending.question.forget()
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def n_pending(self) -> int:
        """Questions without an answer yet."""
        return len(self._pending)

    def drop(self, asked: A) -> None:
        """Forget a cancelled question."""
        self._pending.pop(asked, None)
        self._withdraw(asked, _clock())

    def _asked(self, question: CheckFirstFactor) -> A:
        """Return what the plan makes of a question."""
        raise NotImplementedError

    def _put(self, asked: A, now: float) -> None:
        """Have the plan ask it."""
        raise NotImplementedError

    def _withdraw(self, asked: A, now: float) -> None:
        """Have the plan forget it."""
        raise NotImplementedError

    def _due(self, now: float) -> None:
        """Have the plan do what is due."""
        raise NotImplementedError

    def _answered(self, asked: A, result: Answer | Unavailable) -> None:
        """Tell whoever has asked, once it knows that it has."""
        pending = self._pending.pop(asked, None)
        if pending is None:
            return
        if self._is_asking:
            self._loop.call_soon(self._deliver, pending, result)
        else:
            pending.answered(result)

    def _deliver(self, pending: "PendingQuestion[A]", result: Answer | Unavailable) -> None:
        if not self._is_closed:
            pending.answered(result)

    def _arm(self, due: float | None) -> None:
        """Have the plan called at its next instant."""
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(_GRAIN_S, due - _clock())
        self._timer_at = due
        self._timer = self._loop.call_later(delay_s, self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._due(_clock())


class PendingQuestion(Asking, Generic[A]):
    """A question that has been asked; `cancel` when its answer is of no more interest."""

    __slots__ = ("_asked", "_asked_at", "_client", "_on_answer", "question")

    def __init__(
        self, client: FirstFactorClient[A], asked: A, question: CheckFirstFactor, on_answer: OnAnswer, asked_at: float
    ) -> None:
        self._client: FirstFactorClient[A] | None = client
        self._asked = asked
        self.question = question
        self._on_answer = on_answer
        self._asked_at = asked_at

    def cancel(self) -> None:
        """Drop the question: its `on_answer` is not called any more."""
        client, self._client = self._client, None
        if client is not None:
            client.drop(self._asked)

    def took_s(self, now: float) -> float:
        """Return the seconds since it was asked: to wait for a place or an address is to wait for who is asked."""
        return now - self._asked_at

    def answered(self, result: Answer | Unavailable) -> None:
        """Tell whoever has asked, unless that is cancelled."""
        if self._client is not None:
            self._client = None
            self._on_answer(result)
