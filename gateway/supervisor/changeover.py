"""The change from one generation of workers to the next, for a reload: a plan of it, in which no worker is.

    settling -> preparing -> switched -> serving, or abandoned

Workers that hand over must serve first, so the present generation gets a little time to settle. While the next one
prepares it may fail, and nothing has changed then. If a worker of the present generation dies meanwhile, what it knew
is not where the next one looks for it; nor is what one knows that has come meanwhile. Then the preparation is discarded
and begins anew, a few times. Once it is switched, there is no way back: the next generation is the present one, and
each of its workers serves as soon as its predecessors have handed over.

Events come in, what is to be done goes out, in order, and exactly one `SayOutcome` at the end.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SETTLE_TIMEOUT_S: Final = 10.0  # for slots whose workers have just died
PREPARE_TIMEOUT_S: Final = 60.0
SERVE_TIMEOUT_S: Final = 15.0
PREPARATIONS: Final = 5


class ChangeoverState(StrEnum):
    """How far it is."""

    SETTLING = "settling"
    """Slots of the present generation are given the time to be ready."""
    PREPARING = "preparing"
    """Workers of the next generation start, and read what can be read so far."""
    SWITCHED = "switched"
    """The next generation is the present one; not all of its workers serve yet."""
    SERVING = "serving"
    """It serves."""
    ABANDONED = "abandoned"
    """Nothing has changed."""


class ChangeoverEvent(StrEnum):
    """What happens to it."""

    SETTLED = "settled"
    """Every worker of the present generation serves."""
    PREPARED = "prepared"
    """Every worker of the next one would serve."""
    FAILED = "failed"
    """One of the next generation cannot be started, or has died."""
    PREDECESSOR_CAME = "predecessor_came"
    """Every worker of the next one would serve, and the present one has one that they were not told of."""
    PREDECESSOR_DIED = "predecessor_died"
    """One of the present generation has."""
    DIED_TOO_OFTEN = "died_too_often"
    """One of the present generation has, in each of the preparations that there may be."""
    ALL_SERVE = "all_serve"
    """Every worker of the next generation serves."""
    TIMED_OUT = "timed_out"
    """What is waited for takes too long."""
    STOP_ASKED = "stop_asked"
    """The gateway is to stop."""


_State, _Event = ChangeoverState, ChangeoverEvent

TRANSITIONS: dict[ChangeoverState, dict[ChangeoverEvent, ChangeoverState]] = {
    _State.SETTLING: {
        _Event.SETTLED: _State.PREPARING,
        _Event.TIMED_OUT: _State.PREPARING,
        _Event.PREDECESSOR_DIED: _State.SETTLING,
        _Event.STOP_ASKED: _State.ABANDONED,
    },
    _State.PREPARING: {
        _Event.PREPARED: _State.SWITCHED,
        _Event.PREDECESSOR_CAME: _State.PREPARING,
        _Event.PREDECESSOR_DIED: _State.SETTLING,
        _Event.DIED_TOO_OFTEN: _State.ABANDONED,
        _Event.FAILED: _State.ABANDONED,
        _Event.TIMED_OUT: _State.ABANDONED,
        _Event.STOP_ASKED: _State.ABANDONED,
    },
    _State.SWITCHED: {
        _Event.ALL_SERVE: _State.SERVING,
        _Event.TIMED_OUT: _State.SERVING,
        _Event.STOP_ASKED: _State.SERVING,
    },
    _State.SERVING: {},
    _State.ABANDONED: {},
}


@dataclass(frozen=True)
class Wait:
    """Say `TIMED_OUT` after so many seconds; any earlier `Wait` is over."""

    for_s: float


@dataclass(frozen=True)
class Prepare:
    """Start the next generation's workers, to take over from the present one's."""


@dataclass(frozen=True)
class Discard:
    """End the next generation's workers; the present one goes on serving."""


@dataclass(frozen=True)
class SwitchOver:
    """Make the next generation the present one, and let the former one hand over."""


@dataclass(frozen=True)
class SayLate:
    """Say that not every worker serves yet."""


@dataclass(frozen=True)
class SayOutcome:
    """Tell who asked for it: what keeps the next generation from serving, or nothing, for it serves."""

    problem: str


ChangeoverEffect = Wait | Prepare | Discard | SwitchOver | SayLate | SayOutcome

_PROBLEMS: dict[ChangeoverEvent, str] = {
    _Event.TIMED_OUT: f"the new workers were not ready within {PREPARE_TIMEOUT_S:g} s",
    _Event.DIED_TOO_OFTEN: "workers die too often; see the log, and reload once more",
    _Event.STOP_ASKED: "the gateway is stopping",
}


class Changeover:
    """One of them, from its start to its answer."""

    def __init__(self) -> None:
        self.state = ChangeoverState.SETTLING
        self._n_preparations = 0

    def begin(self, *, is_settled: bool) -> list[ChangeoverEffect]:
        """Return what to do first; `is_settled` says whether every worker of the present generation serves."""
        return self.happened(ChangeoverEvent.SETTLED) if is_settled else [Wait(SETTLE_TIMEOUT_S)]

    def prepared(self, *, know_all: bool) -> list[ChangeoverEffect]:
        """Switch over, or start the preparation again.

        Every worker of the next generation would serve; `know_all` says whether they were told of each worker of the
        present one.
        """
        return self.happened(ChangeoverEvent.PREPARED) if know_all else self._again(ChangeoverEvent.PREDECESSOR_CAME)

    def predecessor_died(self) -> list[ChangeoverEffect]:
        """Start the preparation again: a worker of the present generation has died."""
        return self._again(ChangeoverEvent.PREDECESSOR_DIED)

    def _again(self, event: ChangeoverEvent) -> list[ChangeoverEffect]:
        """Let this happen, unless it did too often."""
        is_too_often = self.state is ChangeoverState.PREPARING and self._n_preparations >= PREPARATIONS
        return self.happened(ChangeoverEvent.DIED_TOO_OFTEN if is_too_often else event)

    def all_serve(self) -> list[ChangeoverEffect]:
        """Go on if that was waited for: every worker of the present generation serves."""
        match self.state:
            case ChangeoverState.SETTLING:
                return self.happened(ChangeoverEvent.SETTLED)
            case ChangeoverState.SWITCHED:
                return self.happened(ChangeoverEvent.ALL_SERVE)
            case _:
                return []

    def happened(self, event: ChangeoverEvent, problem: str = "") -> list[ChangeoverEffect]:
        """Move to the next state and return what to do; `problem` says what has `FAILED`.

        Raises:
            ValueError: this cannot happen in the present state.
        """
        before = self.state
        following = TRANSITIONS[before].get(event)
        if following is None:
            raise ValueError(f"{event} cannot happen to a changeover that is {before}")
        self.state = following
        was_preparing = before is ChangeoverState.PREPARING
        effects: list[ChangeoverEffect] = (
            [Discard()] if was_preparing and following is not ChangeoverState.SWITCHED else []
        )
        return effects + self._entered(event, before, problem or _PROBLEMS.get(event, ""))

    def _entered(self, event: ChangeoverEvent, before: ChangeoverState, problem: str) -> list[ChangeoverEffect]:
        match self.state:
            case ChangeoverState.SETTLING:
                return [Wait(SETTLE_TIMEOUT_S)] if before is not self.state else []
            case ChangeoverState.PREPARING:
                self._n_preparations += 1
                return [Wait(PREPARE_TIMEOUT_S), Prepare()]
            case ChangeoverState.SWITCHED:
                return [Wait(SERVE_TIMEOUT_S), SwitchOver()]
            case ChangeoverState.SERVING:
                return [SayLate(), SayOutcome("")] if event is ChangeoverEvent.TIMED_OUT else [SayOutcome("")]
            case ChangeoverState.ABANDONED:
                return [SayOutcome(problem)]
