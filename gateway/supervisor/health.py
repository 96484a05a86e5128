"""The breakers' driver: lets them look, asks their probes, publishes and logs what they decide.

Nothing here decides, waits or raises into the event loop. Instants are those of `time.monotonic`, which all processes
of a machine share.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from gateway.duoapi.calls import Answer, Call, Check, Ping, Refusal, Time
from gateway.failmode.breaker import Breaker, Decision, Health, StateChanged
from gateway.failmode.evidence import (
    LONGEST_PATIENCE_S,
    Evidence,
)
from gateway.failmode.probing import Failed, Passed, Probe, ProbeKind, ProbeOutcome, Refused
from gateway.failmode.states import BreakerEvent, BreakerState
from gateway.logs.setup import log_internal_error
from gateway.unavailable import Trouble, Unavailable

log = logging.getLogger("gateway.health")

LOOK_INTERVAL_S = 0.1

_CALLS: dict[ProbeKind, type[Ping] | type[Check]] = {ProbeKind.PING: Ping, ProbeKind.CHECK: Check}
_LEVELS = {
    BreakerState.DOWN: logging.WARNING,
    BreakerState.CLOCK_SKEWED: logging.WARNING,
    BreakerState.KEYS_REFUSED: logging.ERROR,
}


class Asked(Protocol):
    """A question to Duo: `duo.client.PendingCall`."""

    wire_s: float

    def cancel(self) -> None:
        """Want no answer any more."""


class Asker(Protocol):
    """Somebody who asks one application: `duo.client`."""

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> Asked:
        """Ask; `on_answer` is called exactly once, never before this returns, and not if the question is cancelled."""


class Application(NamedTuple):
    """An application to watch.

    Attributes:
        key: what workers and supervisor call it: `api_host:port/ikey`.
        breaker: its state; may have served another watch before.
        asker: asks its probes, with time-outs not below theirs.
        consequence: what fail mode means for its sections, in one line, for the log.
    """

    key: str
    breaker: Breaker
    asker: Asker
    consequence: str


class HealthWatch:
    """Watches applications on the running loop, from `start` to `stop`.

    Args:
        read_evidence: returns what each worker shows about an application, by its key; none of it is no evidence.
        publish: is told an application's key and health at the first look, and whenever the health differs: up to once
            a look, since `Health.since` follows the logins that Duo answers.
        clock: monotonic seconds.
        wall_clock: Unix seconds, which Duo's clock is compared with.
    """

    def __init__(
        self,
        applications: Iterable[Application],
        read_evidence: Callable[[str], Sequence[Evidence]],
        publish: Callable[[str, Health], None],
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
        """Look no more and drop all probes; the breakers stay as they are, for another watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for watched in self._watched:
            watched.leave()


class _Watched:
    """One application, its probe under way, and what was said of it."""

    def __init__(
        self,
        application: Application,
        publish: Callable[[str, Health], None],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.application = application
        self._publish = publish
        self._clock = clock
        self._wall_clock = wall_clock
        self._published: Health | None = None
        self._probe: Probe | None = None
        self._handles: dict[Probe, Asked] = {}  # of those past their time too: a late answer is one
        self._story = _Story(application)

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
            self._story.probe_failed(probe, outcome)
        self._perform(self.application.breaker.probed(probe, outcome, now), now)

    def _perform(self, decisions: list[Decision], now: float) -> None:
        """Publish before anything else: logins wait for it."""
        self._publish_news()
        for decision in decisions:
            if isinstance(decision, StateChanged):
                self._story.state_changed(decision, now)
            else:
                self._ask(decision)

    def _publish_news(self) -> None:
        health = self.application.breaker.health
        if health == self._published:
            return
        try:
            self._publish(self.application.key, health)
            self._published = health
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


class _Story:
    """What the log says of one application: a line when fail mode begins and one when it ends.

    The same when logins fail although ping and check pass, and of the clock.
    """

    def __init__(self, application: Application) -> None:
        self._consequence = application.consequence
        api_host, _, ikey = application.key.rpartition("/")
        self._name = {"application": ikey, "api_host": api_host}
        known = application.breaker.health  # from another watch
        self._began_at = known.entered_at if known.state.is_fail_mode_active else None
        self._is_clock_off = known.state is BreakerState.CLOCK_SKEWED
        self._are_logins_failing = application.breaker.are_logins_failing

    def state_changed(self, change: StateChanged, now: float) -> None:
        """Tell of a change."""
        level = _LEVELS.get(change.new, logging.INFO)
        if change.new.is_fail_mode_active:
            self._tell_of_fail_mode(level, change, now)
        elif change.event is BreakerEvent.LOGINS_FAIL:
            self._say(logging.WARNING, change, f"{self._end(now)}{change.account}. Of these, {self._consequence}")
        elif self._began_at is not None:
            self._say(level, change, f"{self._end(now)}{change.account}")
        elif self._are_logins_failing:
            self._say(level, change, f"Logins fail no more: {change.account}")
        elif self._is_clock_off and change.new is BreakerState.HEALTHY:
            self._say(level, change, "This machine's clock agrees with Duo's again")
        else:
            is_news = change.new is BreakerState.CLOCK_SKEWED and not self._is_clock_off
            self._say(level if is_news else logging.DEBUG, change, change.account)
        self._are_logins_failing = change.event is BreakerEvent.LOGINS_FAIL
        if change.new is not BreakerState.SUSPECT:
            self._is_clock_off = change.new is BreakerState.CLOCK_SKEWED

    def _tell_of_fail_mode(self, level: int, change: StateChanged, now: float) -> None:
        if self._began_at is None:
            self._began_at = now
            self._say(level, change, f"Fail mode begins: {change.account}. {_sentence(self._consequence)}")
            return
        is_trial = BreakerState.TRIAL in (change.old, change.new)
        text = f"Fail mode goes on: {change.account}. {_sentence(self._consequence)}"
        self._say(logging.DEBUG if is_trial else level, change, text)

    def _end(self, now: float) -> str:
        began_at, self._began_at = self._began_at, None
        return "" if began_at is None else f"Fail mode has ended after {now - began_at:.1f} s: "

    def probe_failed(self, probe: Probe, outcome: Failed | Refused) -> None:
        """Tell of a probe that did not pass."""
        log.debug("%s did not pass (%s: %s)", probe.kind, outcome.trouble, outcome.detail, extra={"fields": self._name})

    def _say(self, level: int, change: StateChanged, text: str) -> None:
        fields = {**self._name, "state": change.new.value}
        if change.hint:
            fields["hint"] = change.hint
        log.log(level, "%s", text, extra={"fields": fields})


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


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
