"""Whether Duo is there, decided once for all workers: a circuit breaker for each application.

It looks at what the workers have seen (`evidence`) about ten times a second, has ping and check asked when that is odd,
and says what state the application is in. What may follow what is a table of `states`, which probe is asked when is a
matter of `probing`.

- What begins fail mode is a streak: failed probes, and different users whose calls failed or wait too long. It begins
  anew with each answer that anybody has and each round of ping and check that passes, has to last `STREAK_S`, and at
  least one probe of it has failed. So no names that anybody may invent begin it while ping and check are answered, nor
  while others are. HTTP 429 and our own overload count for nothing either: users can provoke them.
- Users' testimony counts for less once it was found wrong: where several users' calls failed and ping and check
  passed, `DOUBTFUL_PROBES` have to fail. Those logins are decided one by one, and a person has to learn of them.
- A login has to pass before fail mode ends, but names that fail hold it for `MOST_TRIALS` at most.
- Keys and clock are judged by `check` alone: what users met is only a reason to ask. One odd thing makes suspicious, a
  check that is refused then is believed.
- A Duo that answers, but late, is waited for: patience with logins follows its pings, here and in the workers, and what
  it takes at most is `LONGEST_PATIENCE_S`.
- When nobody has looked for a while, the process or the machine stood still: what was asked before that is void.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from gateway.failmode.accounts import account_of_event, hint_of
from gateway.failmode.evidence import LATELY_S, LONGEST_PATIENCE_S, OVERDUE_S, SILENCE_S, Evidence, add_up, patience_s
from gateway.failmode.probing import Failed, Passed, Probe, ProbeKind, ProbeOutcome, Probing, Refused
from gateway.failmode.states import TRANSITIONS, BreakerEvent, BreakerState
from gateway.unavailable import Trouble

STREAK_S = 0.75  # without an answer to anybody, and without a round that passed, before fail mode begins
DOUBTFUL_PROBES = 3  # that must have failed where logins fail although ping and check pass
LOGINS_WELL_S = 60.0  # without users who failed lately, until logins count as well again
CALM_S = 2.0  # without trouble, after probes that passed, until a suspicion is dropped
TRIAL_S = 0.5  # for a login to come by
MOST_TRIALS = 3  # in a row, while ping and check pass
CLOCK_SKEW_S = 30.0  # between Duo's clock and ours, either way
PAUSE_S = 2.0  # between two looks: we stood still

_NEVER = float("-inf")


class BreakerLimits(NamedTuple):
    """What may be set.

    Attributes:
        failures_to_open: how long a streak begins fail mode: 2 to 64.
    """

    failures_to_open: int = 5


class StateChanged(NamedTuple):
    """The state is another, or (`old` and `new` the same) has another cause.

    Attributes:
        event: what changed it.
        account: what happened, in one line.
        hint: what an administrator should look at; empty when there is nothing to do.
    """

    old: BreakerState
    new: BreakerState
    event: BreakerEvent
    account: str
    hint: str


Decision = Probe | StateChanged


class Standing(NamedTuple):
    """What workers and the status page need to know.

    Attributes:
        since, ping_s: for `Witness.evidence`.
        trial: how many trials there have been: each worker lets one login through in each.
        entered_at: when the state began.
        account, hint: of the last change.
    """

    state: BreakerState
    since: float
    trial: int
    entered_at: float
    account: str
    hint: str
    ping_s: float


class Breaker:
    """The state of one application. The caller does what is returned; instants are monotonic seconds.

    Attributes:
        limits: may change at any time.
    """

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self.limits = limits or BreakerLimits()
        self._state = BreakerState.HEALTHY
        self._since = 0.0
        self._trial = self._n_trials = 0  # ever, and since a probe failed
        self._entered_at = 0.0
        self._event: BreakerEvent | None = None
        self._account = self._hint = ""
        self._seen = Evidence()
        self._looked_at = _NEVER
        self._trouble: Trouble | None = None
        self._trouble_text = ""
        self._troubled_at = 0.0
        self._n_failed_probes = 0
        self._probing = Probing()
        self._passed_at = _NEVER
        self._away_at = _NEVER  # when Duo was last seen away
        self._failing_at = _NEVER  # when users were last seen whose calls had failed lately
        self._skew_s = 0.0

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        return self._state

    @property
    def standing(self) -> Standing:
        """All that is to be published; whenever it differs from what was published last."""
        ping_s = self._probing.ping_s
        return Standing(self._state, self._since, self._trial, self._entered_at, self._account, self._hint, ping_s)

    @property
    def are_logins_failing(self) -> bool:
        """Whether several users' calls failed although ping and check passed, and the end of that is not known."""
        return self._event is BreakerEvent.LOGINS_FAIL

    @property
    def streak(self) -> int:
        """Different users whose calls failed or wait too long, and failed probes, since the streak began."""
        return int(self._seen.n_failing + self._seen.n_overdue) + self._n_failed_probes

    def observe(self, evidence: Sequence[Evidence], now: float) -> list[Decision]:
        """Look at what each worker has seen; about ten times a second."""
        self._note_pause(now)
        self._seen = seen = add_up(evidence, self._since)
        if seen.since > self._since:
            self._since = seen.since
            self._n_failed_probes = 0
        if self._state.is_fail_mode_active:
            self._away_at = now
        if seen.n_lately:
            self._failing_at = now
        look = self._LOOKS.get(self._state)
        event = look(self, seen, now) if look is not None else None
        decisions = self._happened(event, now) if event is not None else []
        ping = self._probing.due(self._state, now)
        return [*decisions, ping] if ping is not None else decisions

    def probed(self, probe: Probe, outcome: ProbeOutcome, now: float) -> list[Decision]:
        """Take what came of a probe."""
        self._note_pause(now)
        if not self._probing.end(probe):
            return self._heard_late(probe, outcome, now)
        if isinstance(outcome, Refused):
            return self._probe_refused(outcome, now)
        if isinstance(outcome, Passed):
            return self._probe_passed(probe, outcome, now)
        if outcome.trouble is Trouble.RATE_LIMIT:
            return self._probe_passed(probe, Passed(), now)
        return [] if outcome.trouble is Trouble.BUSY else self._probe_failed(probe, outcome, now)

    def __repr__(self) -> str:
        return f"<Breaker {self._state} streak={self.streak} trial={self._trial}>"

    # What a look means, by state.

    def _look_for_trouble(self, seen: Evidence, now: float) -> BreakerEvent | None:
        self._hurry_if_calls_wait(seen, now)
        return BreakerEvent.TROUBLED if self._sees_trouble(seen, now) else None

    def _look_again(self, seen: Evidence, now: float) -> BreakerEvent | None:
        self._hurry_if_calls_wait(seen, now)
        if self._sees_trouble(seen, now):
            self._probing.hurry()
        if self._is_streak_complete(now):
            return BreakerEvent.STREAK_COMPLETE
        if self.are_logins_failing:
            if now - self._failing_at < LOGINS_WELL_S:
                return None
        elif self._do_many_fail(seen, now):
            return BreakerEvent.LOGINS_FAIL if self._passed_at > self._entered_at else None
        if seen.answered_at > self._troubled_at:
            return self._healthy(BreakerEvent.ANSWERED)
        is_calm = self._passed_at >= self._troubled_at and now - self._troubled_at >= CALM_S
        return self._healthy(BreakerEvent.CALMED) if is_calm else None

    def _look_at_trial(self, seen: Evidence, now: float) -> BreakerEvent | None:
        if seen.answered_at > self._entered_at:
            return self._healthy(BreakerEvent.ANSWERED)
        self._sees_trouble(seen, now)
        if seen.waiting_since:
            left_s = self._patience_s(OVERDUE_S) - _waiting_s(seen, now)
            has_lasted_s = now - self._entered_at
            return self._trial_failed if left_s <= 0.0 or has_lasted_s >= TRIAL_S + LONGEST_PATIENCE_S else None
        if seen.n_failing:
            return self._trial_failed
        return self._healthy(BreakerEvent.NOBODY_CAME) if now - self._entered_at >= TRIAL_S else None

    _LOOKS: ClassVar[dict[BreakerState, Callable[["Breaker", Evidence, float], BreakerEvent | None]]] = {
        BreakerState.HEALTHY: _look_for_trouble,
        BreakerState.CLOCK_SKEWED: _look_for_trouble,
        BreakerState.SUSPECT: _look_again,
        BreakerState.TRIAL: _look_at_trial,
    }

    def _sees_trouble(self, seen: Evidence, now: float) -> bool:
        """Whether there is trouble not known yet, or calls wait in vain, or many failed; takes note of it."""
        waiting_s = _waiting_s(seen, now)
        if waiting_s >= self._patience_s(SILENCE_S):
            self._note_trouble(Trouble.TIMEOUT, f"no answer for {waiting_s:.1f} s", now)
        elif seen.troubled_at > self._troubled_at and seen.troubled_at >= self._since:
            self._note_trouble(seen.last_trouble, "a login's call", seen.troubled_at)
        elif self._do_many_fail(seen, now):  # others are answered
            self._note_trouble(seen.last_trouble, "a login's call", self._troubled_at)
        else:
            return False
        return True

    def _do_many_fail(self, seen: Evidence, now: float) -> bool:
        """Whether as many users as make a streak failed lately, and no probe did."""
        return seen.n_lately >= self.limits.failures_to_open and now - self._away_at >= LATELY_S

    def _patience_s(self, least_s: float) -> float:
        return patience_s(max(self._seen.typical_s, self._probing.ping_s), least_s)

    @property
    def _trial_failed(self) -> BreakerEvent:
        return BreakerEvent.LOGINS_FAIL if self._n_trials >= MOST_TRIALS else BreakerEvent.TRIAL_FAILED

    def _healthy(self, event: BreakerEvent) -> BreakerEvent:
        return BreakerEvent.CLOCK_OFF if self._is_clock_off else event

    # What comes of probes.

    def _hurry_if_calls_wait(self, seen: Evidence, now: float) -> None:
        """Ask before anything is suspected: where nothing is answered, a probe needs its time to fail."""
        if _waiting_s(seen, now) >= SILENCE_S:
            self._probing.hurry()

    def _probe_passed(self, probe: Probe, passed: Passed, now: float) -> list[Decision]:
        if passed.skew_s is not None:
            self._skew_s = passed.skew_s
        if probe.kind is ProbeKind.PING:
            self._probing.learn(probe, passed, now)
            return [self._probing.ask(ProbeKind.CHECK, self._state, now)]
        self._passed_at = probe.started_at
        self._start_afresh(self._passed_at)
        match self._state:
            case BreakerState.DOWN | BreakerState.KEYS_REFUSED:
                return self._happened(BreakerEvent.PROBES_PASSED, now)
            case BreakerState.HEALTHY if self._is_clock_off:
                return self._happened(BreakerEvent.CLOCK_OFF, now)
            case BreakerState.CLOCK_SKEWED if not self._is_clock_off:
                return self._happened(BreakerEvent.CLOCK_RIGHT, now)
            case BreakerState.SUSPECT:
                self._probing.rest(now + CALM_S)
        return []

    def _heard_late(self, probe: Probe, outcome: ProbeOutcome, now: float) -> list[Decision]:
        """Learn from a ping that was answered after its time how slow Duo is; then it is there."""
        if not isinstance(outcome, Passed) or not self._probing.is_late_ping(probe, self._since, now):
            return []
        self._probing.learn(probe, outcome, now)
        if self._state is not BreakerState.DOWN or self._probing.is_checking:
            return []
        return [self._probing.ask(ProbeKind.CHECK, self._state, now)]

    def _probe_failed(self, probe: Probe, failed: Failed, now: float) -> list[Decision]:
        self._n_failed_probes += 1
        self._found_away(now)
        self._note_trouble(failed.trouble, f"{probe.kind}: {failed.detail}", now)
        if BreakerEvent.TROUBLED in TRANSITIONS[self._state]:
            return self._happened(BreakerEvent.TROUBLED, now)
        if self._is_streak_complete(now) and BreakerEvent.STREAK_COMPLETE in TRANSITIONS[self._state]:
            return self._happened(BreakerEvent.STREAK_COMPLETE, now)
        return []

    def _probe_refused(self, refused: Refused, now: float) -> list[Decision]:
        """One refusal makes suspicious, the next one is believed."""
        self._n_failed_probes = 0
        self._found_away(now)
        self._note_trouble(refused.trouble, refused.detail, now)
        is_clock = refused.trouble is Trouble.CLOCK
        for event in (BreakerEvent.CLOCK_REFUSED if is_clock else BreakerEvent.KEYS_REFUSED, BreakerEvent.TROUBLED):
            if event in TRANSITIONS[self._state]:
                return self._happened(event, now)
        return []

    # Changes.

    def _happened(self, event: BreakerEvent, now: float) -> list[Decision]:
        """Move to the state that follows; nothing is said when it is the same for the same cause."""
        old, new = self._state, TRANSITIONS[self._state].get(event)
        if new is None:
            raise ValueError(f"{event} cannot happen to an application that is {old}")
        trouble = f"{self._trouble}: {self._trouble_text}"
        account = account_of_event(event, trouble, self._seen, self._n_failed_probes, self._skew_s)
        hint = hint_of(event, self._trouble)
        is_news = (new, account) != (old, self._account)
        self._event, self._account, self._hint = event, account, hint
        if new is not old:
            self._enter(new, now)
        return [StateChanged(old, new, event, account, hint)] if is_news else []

    def _enter(self, new: BreakerState, now: float) -> None:
        old, self._state, self._entered_at = self._state, new, now
        self._probing.enter(new, now)
        if new is BreakerState.TRIAL:
            self._trial += 1
            self._n_trials += 1
            self._start_afresh(now)
        elif old is BreakerState.SUSPECT and not new.is_fail_mode_active:
            self._start_afresh(self._troubled_at)
        self._failing_at = now

    def _is_streak_complete(self, now: float) -> bool:
        n_probes_needed = DOUBTFUL_PROBES if self.are_logins_failing else 1
        return (
            self.streak >= self.limits.failures_to_open
            and self._n_failed_probes >= n_probes_needed
            and now - self._since >= STREAK_S
        )

    @property
    def _is_clock_off(self) -> bool:
        return abs(self._skew_s) > CLOCK_SKEW_S

    def _note_trouble(self, trouble: Trouble | None, text: str, at: float) -> None:
        self._trouble, self._trouble_text = trouble, text
        self._troubled_at = max(self._troubled_at, at)

    def _found_away(self, now: float) -> None:
        self._away_at = now
        self._n_trials = 0

    def _start_afresh(self, since: float) -> None:
        """Let nothing count that was asked before."""
        if since > self._since:
            self._since = since
            self._seen = Evidence(since)
        self._n_failed_probes = 0

    def _note_pause(self, now: float) -> None:
        if now - self._looked_at > PAUSE_S:
            self._start_afresh(now)
            self._probing.restart(now)
            self._troubled_at = now
            if self._looked_at > _NEVER:  # calls have lost their connections, and it was nobody's name
                self._away_at = now
            if self._state is BreakerState.TRIAL:
                self._entered_at = now
        self._looked_at = now


def _waiting_s(seen: Evidence, now: float) -> float:
    return now - seen.waiting_since if seen.waiting_since else 0.0
