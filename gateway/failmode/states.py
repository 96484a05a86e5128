"""The states of an application, and what may follow what: the whole of it is the table `TRANSITIONS`.

docs/fail-mode.md shows it as a picture and says what each state means for a login.
"""

from enum import StrEnum


class BreakerState(StrEnum):
    """What an application's logins meet."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DOWN = "down"
    TRIAL = "trial"
    KEYS_REFUSED = "keys_refused"
    CLOCK_SKEWED = "clock_skewed"

    @property
    def number(self) -> int:
        """Its place in this list, for shared memory; `tuple(BreakerState)[number]` is the way back."""
        return _STATES.index(self)

    @property
    def is_fail_mode_active(self) -> bool:
        """Whether logins get the fail mode at once."""
        return self in (BreakerState.DOWN, BreakerState.TRIAL, BreakerState.KEYS_REFUSED)

    @property
    def admits_trial(self) -> bool:
        """Whether each worker lets one login through to Duo all the same."""
        return self is BreakerState.TRIAL


_STATES = tuple(BreakerState)


class BreakerEvent(StrEnum):
    """What changes the state."""

    TROUBLED = "troubled"
    ANSWERED = "answered"
    CALMED = "calmed"
    LOGINS_FAIL = "logins_fail"
    STREAK_COMPLETE = "streak_complete"
    PROBES_PASSED = "probes_passed"
    TRIAL_FAILED = "trial_failed"
    NOBODY_CAME = "nobody_came"
    KEYS_REFUSED = "keys_refused"
    CLOCK_REFUSED = "clock_refused"
    CLOCK_OFF = "clock_off"
    CLOCK_RIGHT = "clock_right"


TRANSITIONS: dict[BreakerState, dict[BreakerEvent, BreakerState]] = {
    BreakerState.HEALTHY: {
        BreakerEvent.TROUBLED: BreakerState.SUSPECT,
        BreakerEvent.CLOCK_OFF: BreakerState.CLOCK_SKEWED,
    },
    BreakerState.SUSPECT: {
        BreakerEvent.ANSWERED: BreakerState.HEALTHY,
        BreakerEvent.CALMED: BreakerState.HEALTHY,
        BreakerEvent.LOGINS_FAIL: BreakerState.SUSPECT,
        BreakerEvent.STREAK_COMPLETE: BreakerState.DOWN,
        BreakerEvent.KEYS_REFUSED: BreakerState.KEYS_REFUSED,
        BreakerEvent.CLOCK_REFUSED: BreakerState.DOWN,
        BreakerEvent.CLOCK_OFF: BreakerState.CLOCK_SKEWED,
    },
    BreakerState.DOWN: {
        BreakerEvent.PROBES_PASSED: BreakerState.TRIAL,
        BreakerEvent.KEYS_REFUSED: BreakerState.KEYS_REFUSED,
        BreakerEvent.CLOCK_REFUSED: BreakerState.DOWN,
    },
    BreakerState.TRIAL: {
        BreakerEvent.ANSWERED: BreakerState.HEALTHY,
        BreakerEvent.NOBODY_CAME: BreakerState.HEALTHY,
        BreakerEvent.TRIAL_FAILED: BreakerState.DOWN,
        BreakerEvent.LOGINS_FAIL: BreakerState.SUSPECT,
        BreakerEvent.CLOCK_OFF: BreakerState.CLOCK_SKEWED,
    },
    BreakerState.KEYS_REFUSED: {
        BreakerEvent.PROBES_PASSED: BreakerState.TRIAL,
        BreakerEvent.STREAK_COMPLETE: BreakerState.DOWN,
        BreakerEvent.CLOCK_REFUSED: BreakerState.DOWN,
    },
    BreakerState.CLOCK_SKEWED: {
        BreakerEvent.TROUBLED: BreakerState.SUSPECT,
        BreakerEvent.CLOCK_RIGHT: BreakerState.HEALTHY,
    },
}
