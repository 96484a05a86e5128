"""Who asks the store about the States of challenges, and keeps what does not fit into one there: `States` decides.

A login waits for the store as long as one that is claimed; longer, where it is lost without what another host keeps.
Whoever must not wait asks all the same: so other hosts know that the State is used.

What another host keeps may come to the store a moment after its challenge has come to the NAS. Where there is nothing
yet, the store is asked again until that patience is over: the login is lost without it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, final

from gateway.engine.asking import Asking
from gateway.engine.challenges.records import ChallengeRecord, packed_challenge
from gateway.fleet.connection import Call, ignore
from gateway.fleet.patience import Patience
from gateway.fleet.states import States
from gateway.fleet.store import Store
from gateway.fleetapi.questions import Answer, Unused, UseState
from gateway.fleetapi.resp import Answer as StoreAnswer
from gateway.fleetapi.resp import Refused

OnAnswer = Callable[[Answer], None]
KEPT_PATIENCE_S: Final = 1.0
_AGAIN_S: Final = 0.05
_clock: Final = time.monotonic


class StateClient:
    """Asks about States, for one worker."""

    def __init__(self, states: States, store: Store, patience: Patience) -> None:
        self._loop = asyncio.get_running_loop()
        self._states = states
        self._store = store
        self._patience = patience

    def keep(self, record: ChallengeRecord, life_s: float) -> None:
        """Keep at the store what does not fit into a State, for so long; without a store only this host has it."""
        run = self._states.keep(record.name, packed_challenge(record), life_s)
        if run is not None:
            self._store.run(run.script, run.key, run.arguments, Call(ignore))

    def ask(self, question: UseState, on_answer: OnAnswer) -> Asking:
        """Ask; `on_answer` is called once, in a later turn of the loop, unless the question is cancelled."""
        asked = _Asked(question, on_answer)
        self._use(asked)
        patience_s = self._patience_s(question)
        if patience_s > 0:
            asked.timer = self._loop.call_later(patience_s, self._due, asked)
        else:
            self._loop.call_soon(asked.answer, Unused())
        return asked

    def _use(self, asked: "_Asked") -> None:
        run = self._states.use(asked.question)
        self._store.run(run.script, run.key, run.arguments, Call(lambda answer: self._answered(asked, answer)))

    def _patience_s(self, question: UseState) -> float:
        if question.wants_kept and self._store.is_connected:
            return KEPT_PATIENCE_S
        return 0.0 if self._patience.is_away else self._patience.patience_s

    def _answered(self, asked: "_Asked", answer: StoreAnswer) -> None:
        if isinstance(answer, Refused):
            asked.answer(asked.found or Unused())
            return
        found = self._states.answered(asked.question, answer)
        if not isinstance(found, Unused):
            asked.answer(found)
            return
        if asked.found is not None:  # meanwhile it is this login that has used it
            found = Unused(found.kept, asked.found.again_s)
        if asked.question.wants_kept and not found.kept and asked.is_waiting:
            asked.found = found
            self._loop.call_later(_AGAIN_S, self._ask_again, asked)
        else:
            asked.answer(found)

    def _ask_again(self, asked: "_Asked") -> None:
        if asked.is_waiting:
            self._use(asked)

    def _due(self, asked: "_Asked") -> None:
        self._store.look(lambda: self._late(asked))

    def _late(self, asked: "_Asked") -> None:
        if asked.is_waiting and asked.found is None:
            self._patience.waited(asked.at, _clock())
        asked.answer(asked.found or Unused())


@final
class _Asked(Asking):
    """A question about a State.

    Attributes:
        found: what the store has answered first, while it has nothing of what is kept.
    """

    __slots__ = ("_on_answer", "at", "found", "question", "timer")

    def __init__(self, question: UseState, on_answer: OnAnswer) -> None:
        self.question = question
        self._on_answer: OnAnswer | None = on_answer
        self.timer: asyncio.TimerHandle | None = None
        self.found: Unused | None = None
        self.at = _clock()

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be answered."""
        return self._on_answer is not None

    def answer(self, answer: Answer) -> None:
        """Answer it, once."""
        on_answer = self._on_answer
        self.cancel()
        if on_answer is not None:
            on_answer(answer)

    def cancel(self) -> None:
        """Want no answer any more."""
        self._on_answer = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def took_s(self, _now: float) -> float:
        """Return 0: it is this gateway's own share."""
        return 0.0
