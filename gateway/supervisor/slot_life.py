"""The life of a slot, which outlives the process in it, and how long to wait before the next one."""

from enum import StrEnum

FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 30.0
STEADY_AFTER_S = 10.0  # a worker that served this long died of something new: start afresh


class SlotState(StrEnum):
    """Where a slot stands."""

    EMPTY = "empty"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    BACKOFF = "backoff"


class SlotEvent(StrEnum):
    """What happens to a slot."""

    SPAWNED = "spawned"
    REPORTED_READY = "reported_ready"
    DRAIN_REQUESTED = "drain_requested"
    EXITED = "exited"
    BACKOFF_ELAPSED = "backoff_elapsed"


TRANSITIONS: dict[SlotState, dict[SlotEvent, SlotState]] = {
    SlotState.EMPTY: {SlotEvent.SPAWNED: SlotState.STARTING, SlotEvent.DRAIN_REQUESTED: SlotState.EMPTY},
    SlotState.STARTING: {
        SlotEvent.REPORTED_READY: SlotState.READY,
        SlotEvent.DRAIN_REQUESTED: SlotState.DRAINING,
        SlotEvent.EXITED: SlotState.BACKOFF,
    },
    SlotState.READY: {SlotEvent.DRAIN_REQUESTED: SlotState.DRAINING, SlotEvent.EXITED: SlotState.BACKOFF},
    SlotState.DRAINING: {
        SlotEvent.REPORTED_READY: SlotState.DRAINING,
        SlotEvent.DRAIN_REQUESTED: SlotState.DRAINING,
        SlotEvent.EXITED: SlotState.EMPTY,
    },
    SlotState.BACKOFF: {SlotEvent.BACKOFF_ELAPSED: SlotState.EMPTY, SlotEvent.DRAIN_REQUESTED: SlotState.EMPTY},
}


class SlotLife:
    """The state of one slot; who holds the process, it does not know.

    Attributes:
        restarts: how many workers have died here without being told to leave.
        unserved_since: the instant from which on nobody has served; None while somebody does.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = SlotState.EMPTY
        self.restarts = 0
        self.unserved_since: float | None = None
        self._ready_at: float | None = None
        self._deaths_in_a_row = 0

    def happened(self, event: SlotEvent, now: float) -> SlotState:
        """Move to the next state and return it.

        Raises:
            ValueError: this cannot happen in the present state.
        """
        following = TRANSITIONS[self.state].get(event)
        if following is None:
            raise ValueError(f"{event} cannot happen to a slot that is {self.state}")
        if following is SlotState.READY:
            self._ready_at = now
        elif following is SlotState.BACKOFF:
            self._died(now)
        if following is SlotState.READY:
            self.unserved_since = None
        elif self.unserved_since is None:
            self.unserved_since = now
        self.state = following
        return following

    def _died(self, now: float) -> None:
        was_steady = self._ready_at is not None and now - self._ready_at >= STEADY_AFTER_S
        self._deaths_in_a_row = 0 if was_steady else self._deaths_in_a_row + 1
        self._ready_at = None
        self.restarts += 1

    @property
    def backoff_s(self) -> float:
        """How long to wait before the next worker: not at all after the first death, then 0.1 s doubling to 30 s."""
        if self._deaths_in_a_row < 2:
            return 0.0
        return float(min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._deaths_in_a_row - 2, 16)))

    def __repr__(self) -> str:
        return f"<SlotLife {self.number} {self.state} restarts={self.restarts}>"
