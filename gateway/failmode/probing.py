"""Which probe is asked when, and for how long it is waited: a round is a ping and, if that passes, a check.

A Duo that answers, but late, is waited for: how slow it is a ping tells, also one that is answered after its time.
What a probe's outcome means for the application's state is for the breaker to say.
"""

from enum import StrEnum
from typing import NamedTuple

from gateway.failmode.evidence import LONGEST_PATIENCE_S, OVERDUE_S, patience_s
from gateway.failmode.states import BreakerState
from gateway.unavailable import Trouble

QUIET_INTERVAL_S = 60.0  # between rounds of probes while all is well
SLOW_INTERVAL_S = 10.0  # while the last ping took so long that calls are waited for longer than usual
CLOCK_INTERVAL_S = 10.0  # while this machine's clock is off
DOWN_INTERVAL_S = 2.0  # while Duo is down: no less than ping and check take
SUSPECT_INTERVAL_S = 0.25  # while something is odd
HURRIED_INTERVAL_S = 0.5  # while logins wait or fail and probes pass
KEYS_INTERVAL_S = 5.0  # while the keys are refused
PROBE_TIMEOUT_S = 1.0
EARLY_PROBE_TIMEOUT_S = 0.75  # before fail mode has begun
PROBE_FACTOR = 1.5  # times what the last ping took, its handshake included: neither is ever shorter

_NEVER = float("-inf")

_ROUND_INTERVALS_S = {
    BreakerState.HEALTHY: QUIET_INTERVAL_S,
    BreakerState.SUSPECT: SUSPECT_INTERVAL_S,
    BreakerState.DOWN: DOWN_INTERVAL_S,
    BreakerState.TRIAL: QUIET_INTERVAL_S,
    BreakerState.KEYS_REFUSED: KEYS_INTERVAL_S,
    BreakerState.CLOCK_SKEWED: CLOCK_INTERVAL_S,
}


class ProbeKind(StrEnum):
    """What a probe asks: `calls.Ping` or `calls.Check`."""

    PING = "ping"
    CHECK = "check"


class Probe(NamedTuple):
    """Ask this now, and tell `Breaker.probed` what came of it: `Failed` with TIMEOUT after `timeout_s`, and then
    `Passed` if it is answered all the same.
    """

    kind: ProbeKind
    timeout_s: float
    started_at: float


class Passed(NamedTuple):
    """Duo answered a probe.

    Attributes:
        skew_s: how far its clock is ahead of ours (negative: behind), None where it tells no time.
        wire_s: what it took Duo to answer once it was asked; None is all the time, the handshake included.
    """

    skew_s: float | None = None
    wire_s: float | None = None


class Failed(NamedTuple):
    """A probe had no answer that could be used."""

    trouble: Trouble
    detail: str


class Refused(NamedTuple):
    """Duo refused a probe: `trouble` is CONFIGURATION for the keys or CLOCK for its date."""

    trouble: Trouble
    detail: str


ProbeOutcome = Passed | Failed | Refused


class Probing:
    """The probes of one application. Instants are monotonic seconds.

    Attributes:
        under_way: the probe whose outcome is waited for.
        ping_s: what it took Duo to answer the last ping; 0 before the first answer.
    """

    def __init__(self) -> None:
        self.under_way: Probe | None = None
        self.ping_s = 0.0
        self._probe_s = 0.0  # how long the last ping took in all
        self._round_at = self._last_round_at = _NEVER

    def due(self, state: BreakerState, now: float) -> Probe | None:
        """Return the ping of the next round, if it is time for it and no probe is under way."""
        if self.under_way is not None or now < self._round_at:
            return None
        self._last_round_at = now
        self._round_at = now + self._interval_s(state)
        return self.ask(ProbeKind.PING, state, now)

    def ask(self, kind: ProbeKind, state: BreakerState, now: float) -> Probe:
        """Return a probe that is under way from now on."""
        timeout_s = PROBE_TIMEOUT_S if state.is_fail_mode_active else EARLY_PROBE_TIMEOUT_S
        if kind is ProbeKind.CHECK or state is not BreakerState.DOWN:  # there it is one of many, and heard late
            timeout_s = patience_s(self._probe_s, timeout_s, PROBE_FACTOR)
        self.under_way = Probe(kind, timeout_s, now)
        return self.under_way

    def end(self, probe: Probe) -> bool:
        """Return whether this is the probe under way, which is over then; what comes of another one comes late."""
        is_under_way = probe == self.under_way
        if is_under_way:
            self.under_way = None
        return is_under_way

    def is_late_ping(self, probe: Probe, since: float, now: float) -> bool:
        """Return whether a ping that is answered now was answered after its time, and tells how slow Duo is.

        One that was answered in time belongs to a state that is over, and one of before `since` counts for nothing.
        """
        is_late = probe.timeout_s < now - probe.started_at <= LONGEST_PATIENCE_S
        return probe.kind is ProbeKind.PING and is_late and probe.started_at >= since

    @property
    def is_checking(self) -> bool:
        """Whether a check is under way."""
        return self.under_way is not None and self.under_way.kind is ProbeKind.CHECK

    def learn(self, ping: Probe, passed: Passed, now: float) -> None:
        """Learn what a ping took. Only its own answer tells how long calls on open connections may take."""
        self._probe_s = now - ping.started_at
        self.ping_s = self._probe_s if passed.wire_s is None else passed.wire_s

    def enter(self, state: BreakerState, now: float) -> None:
        """Begin anew for another state."""
        if state is BreakerState.SUSPECT:  # what was asked before a suspicion tells of it, too
            self._round_at = max(now, self._last_round_at + SUSPECT_INTERVAL_S)
            return
        self.under_way = None
        self._round_at = now + self._interval_s(state)

    def hurry(self) -> None:
        """Begin the next round sooner."""
        self._round_at = min(self._round_at, self._last_round_at + HURRIED_INTERVAL_S)

    def rest(self, until: float) -> None:
        """Begin no round before."""
        self._round_at = until

    def restart(self, now: float) -> None:
        """Let nothing count that was asked before, and begin a round at once."""
        self.under_way = None
        self._round_at = now

    def _interval_s(self, state: BreakerState) -> float:
        if state is BreakerState.HEALTHY and patience_s(self.ping_s, OVERDUE_S) > OVERDUE_S:
            return SLOW_INTERVAL_S
        return _ROUND_INTERVALS_S[state]
