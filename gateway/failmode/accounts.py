"""What log, terminal and page say of each event of a breaker's: what happened, in one line, and what to do about it."""

from gateway.failmode.evidence import Evidence
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from gateway.words.english import clock_difference
from gateway.words.explanations import LOGINS_FAIL, SET_THE_CLOCK, TROUBLES

_ACCOUNTS = {
    BreakerEvent.TROUBLED: "Duo is being probed ({trouble})",
    BreakerEvent.ANSWERED: "Duo answers logins",
    BreakerEvent.CALMED: "Ping and check pass, and no more logins fail",
    BreakerEvent.LOGINS_FAIL: (
        "Ping and check pass, but logins fail and are decided one by one ({failing}the last trouble was {trouble})"
    ),
    BreakerEvent.STREAK_COMPLETE: "Duo does not answer ({streak}; the last trouble was {trouble})",
    BreakerEvent.PROBES_PASSED: "Ping and check pass; each worker lets one login try",
    BreakerEvent.TRIAL_FAILED: "Ping and check pass, but the login that was to try failed ({trouble})",
    BreakerEvent.NOBODY_CAME: "Ping and check pass",
    BreakerEvent.KEYS_REFUSED: "Duo refuses this application's keys: {trouble}",
    BreakerEvent.CLOCK_REFUSED: "Duo refuses the date of calls, although it is Duo's own time: {trouble}",
    BreakerEvent.CLOCK_OFF: "This machine's clock is {skew}; calls are dated by Duo's clock",
    BreakerEvent.CLOCK_RIGHT: "This machine's clock agrees with Duo's",
}

_EXPLAINED_BY_TROUBLE = frozenset(
    {BreakerEvent.STREAK_COMPLETE, BreakerEvent.TRIAL_FAILED, BreakerEvent.KEYS_REFUSED, BreakerEvent.CLOCK_REFUSED}
)


def account_of_event(event: BreakerEvent, trouble: str, seen: Evidence, n_failed_probes: int, skew_s: float) -> str:
    """Return what happened.

    Args:
        event: the event.
        trouble: the last one, with its details.
        seen: what all workers have seen.
        n_failed_probes: in this streak.
        skew_s: how far Duo's clock is ahead of ours (negative: behind).
    """
    n_lately = int(seen.n_lately)
    return _ACCOUNTS[event].format(
        trouble=trouble,
        streak=_streak(seen, n_failed_probes),
        failing=f"users with a failed call: {n_lately}; " if n_lately else "",
        skew=clock_difference(skew_s),
    )


def hint_of(event: BreakerEvent, trouble: Trouble | None) -> str:
    """Return what an administrator should look at; empty when there is nothing to do."""
    if event is BreakerEvent.CLOCK_OFF:
        return SET_THE_CLOCK
    if event is BreakerEvent.LOGINS_FAIL:
        return LOGINS_FAIL
    return TROUBLES[trouble].remedy if event in _EXPLAINED_BY_TROUBLE and trouble else ""


def _streak(seen: Evidence, n_failed_probes: int) -> str:
    counts = {
        "users with a failed call": int(seen.n_failing),
        "users waiting in vain": int(seen.n_overdue),
        "failed probes": n_failed_probes,
    }
    return ", ".join(f"{what}: {count}" for what, count in counts.items() if count)
