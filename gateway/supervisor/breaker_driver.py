"""The breakers' driver: lets them look, asks their probes, publishes and logs what they decide.

Nothing here decides, waits or raises into the event loop. Instants are those of `time.monotonic`, which all processes
of a machine share.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from gateway.duoapi.calls import Answer, Call, Check, Ping, Refusal, Time
from gateway.failmode.breaker import Breaker, Decision, Standing, StateChanged
from gateway.failmode.evidence import (
    LONGEST_PATIENCE_S,
    Evidence,
)
from gateway.failmode.probing import Failed, Passed, Probe, ProbeKind, ProbeOutcome, Refused
from gateway.logs.setup import log_internal_error
from gateway.supervisor.fail_mode_log import FailModeLog
from gateway.unavailable import Trouble, Unavailable

LOOK_INTERVAL_S = 0.1

_CALLS: dict[ProbeKind, type[Ping] | type[Check]] = {ProbeKind.PING: Ping, ProbeKind.CHECK: Check}


class PendingProbe(Protocol):
    """A probe that has been asked: `duo.pending_call.PendingCall`."""

    wire_s: float

    def cancel(self) -> None:
        """Want no answer any more."""


class ProbeAsker(Protocol):
    """Somebody who asks one application: `duo.client`."""

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> PendingProbe:
        """Ask; `on_answer` is called exactly once, never before this returns, and not if the question is cancelled."""


class WatchedApplication(NamedTuple):
    """An application to watch.

    Attributes:
        key: what workers and supervisor call it: `api_host:port/ikey`.
        breaker: its state; may have served another driver before.
        asker: asks its probes, with time-outs not below theirs.
        consequence: what fail mode means for its sections, in one line, for the log.
    """

    key: str
    breaker: Breaker
    asker: ProbeAsker
    consequence: str


class BreakerDriver:
    """Watches applications on the running loop, from `start` to `stop`.

    Args:
        read_evidence: returns what each worker shows about an application, by its key; none of it is no evidence.
        publish: is told an application's key and standing at the first look, and whenever that differs: up to once a
            look, since `Standing.since` follows the logins that Duo answers.
        clock: monotonic seconds.
        wall_clock: Unix seconds, which Duo's clock is compared with.
    """

    def __init__(
        self,
        applications: Iterable[WatchedApplication],
        read_evidence: Callable[[str], Sequence[Evidence]],
        publish: Callable[[str, Standing], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._watched = [_Watched(application, publish, clock, wall_clock) for application in applications]
        self._read_evidence = read_evidence
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look at once, and then ten times a second."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_INTERVAL_S, self.start)
        self.step()

    def step(self) -> None:
        """Look once at each application."""
        for watched in self._watched:
            try:
                watched.look(self._read_evidence(watched.application.key))
            except Exception as error:  # noqa: BLE001 -- neither the loop nor the other applications may suffer
                log_internal_error("Internal error while watching Duo", error)

    def stop(self) -> None:
        """Look no more and drop all probes; the breakers stay as they are, for another driver."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for watched in self._watched:
            watched.leave()


class _Watched:
    """One application, its probe under way, and what was said of it."""

    def __init__(
        self,
        application: WatchedApplication,
        publish: Callable[[str, Standing], None],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.application = application
        self._publish = publish
        self._clock = clock
        self._wall_clock = wall_clock
        self._published: Standing | None = None
        self._probe: Probe | None = None
        self._handles: dict[Probe, PendingProbe] = {}  # of those past their time too: a late answer is one
        self._log = FailModeLog(application.key, application.consequence, application.breaker)

    def look(self, evidence: Sequence[Evidence]) -> None:
        """Let the breaker look."""
        now = self._clock()
        probe = self._probe
        if probe is not None and now >= probe.started_at + probe.timeout_s:
            self._probe = None
            self._take(probe, Failed(Trouble.TIMEOUT, f"no answer within {probe.timeout_s:g} s"), now)
        for late in [each for each in self._handles if now - each.started_at > LONGEST_PATIENCE_S]:
            self._handles.pop(late).cancel()
        self._perform(self.application.breaker.observe(evidence, now), now)

    def drop_probes(self) -> None:
        """Want no answers any more."""
        handles, self._handles, self._probe = self._handles, {}, None
        for handle in handles.values():
            handle.cancel()

    def leave(self) -> None:
        """Drop the probe, and let the breaker know that nothing came of it: it would ask no other one."""
        probe = self._probe
        self.drop_probes()
        if probe is not None:
            self.application.breaker.probed(probe, Failed(Trouble.BUSY, "the probe was dropped"), self._clock())

    def _answered(self, probe: Probe, answer: Answer | Unavailable) -> None:
        try:
            asked = self._handles.pop(probe, None)
            outcome = outcome_of(answer, self._wall_clock(), asked.wire_s if asked is not None else None)
            if probe is self._probe:
                self._probe = None
                self._take(probe, outcome, self._clock())
            elif isinstance(answer, Time):
                self._take(probe, outcome, self._clock())
        except Exception as error:  # noqa: BLE001 -- we are called by the event loop
            log_internal_error("Internal error while probing Duo", error)

    def _take(self, probe: Probe, outcome: ProbeOutcome, now: float) -> None:
        if not isinstance(outcome, Passed):
            self._log.probe_failed(probe, outcome)
        self._perform(self.application.breaker.probed(probe, outcome, now), now)

    def _perform(self, decisions: list[Decision], now: float) -> None:
        """Publish before anything else: logins wait for it."""
        self._publish_news()
        for decision in decisions:
            if isinstance(decision, StateChanged):
                self._log.state_changed(decision, now)
            else:
                self._ask(decision)

    def _publish_news(self) -> None:
        standing = self.application.breaker.standing
        if standing == self._published:
            return
        try:
            self._publish(self.application.key, standing)
            self._published = standing
        except Exception as error:  # noqa: BLE001 -- the breaker must go on; the next look tries again
            log_internal_error("Internal error while publishing the state of an application", error)

    def _ask(self, probe: Probe) -> None:
        self._probe = probe
        try:
            self._handles[probe] = self.application.asker.ask(_CALLS[probe.kind](), partial(self._answered, probe))
        except Exception as error:  # noqa: BLE001 -- our own mistake says nothing about Duo
            log_internal_error("Internal error while probing Duo", error)
            self._probe = None
            self.application.breaker.probed(probe, Failed(Trouble.BUSY, "the probe could not be asked"), self._clock())


def outcome_of(answer: Answer | Unavailable, unix_now: float, wire_s: float | None = None) -> ProbeOutcome:
    """Return what an answer to a probe means, for which Duo took `wire_s` of all the time since it was asked."""
    if isinstance(answer, Time):
        return Passed(answer.time - unix_now if answer.time is not None else None, wire_s)
    if isinstance(answer, Refusal):  # a probe holds nothing of a user's that Duo could refuse
        return Failed(Trouble.BAD_ANSWER, f"HTTP {answer.http_status} {answer.message!r}")
    if not isinstance(answer, Unavailable):
        return Failed(Trouble.BAD_ANSWER, f"an answer that was not asked for: {type(answer).__name__}")
    if answer.trouble in (Trouble.CONFIGURATION, Trouble.CLOCK):
        return Refused(answer.trouble, answer.detail)
    return Failed(answer.trouble, answer.detail)
