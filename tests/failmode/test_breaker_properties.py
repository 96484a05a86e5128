"""Who may open fail mode, and for how long: properties of many thousand histories, drawn with a seed each.

A history has real witnesses and a real breaker, on a clock that goes on in steps of 50 ms. Names, their workers and
troubles, hangs, answers, the durations of probes and the phases of evidence and looks are drawn.
"""

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from random import Random
from zlib import crc32

import pytest

from gateway.duoapi.calls import Preauth
from gateway.failmode.breaker import MOST_TRIALS, TRIAL_S, Breaker, BreakerLimits, Decision
from gateway.failmode.evidence import (
    LONGEST_PATIENCE_S,
    Evidence,
    Witness,
)
from gateway.failmode.probing import DOWN_INTERVAL_S, EARLY_PROBE_TIMEOUT_S, Failed, Passed, Probe, ProbeOutcome
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from tests.long_form import histories

STEP_S = 0.05
SHOW_S = 0.1  # between two looks, and as long as evidence is old
CALL_TIMEOUT_S = 10.0
CHUNKS = 10
BAD = (
    Trouble.CONNECT,
    Trouble.TLS,
    Trouble.CLOSED,
    Trouble.HTTP_STATUS,
    Trouble.BAD_ANSWER,
    Trouble.TIMEOUT,
    Trouble.CONFIGURATION,
    Trouble.RATE_LIMIT,
    Trouble.BUSY,
)

Fate = tuple[float, Trouble | None]
"""When a call ends, in seconds, and with which trouble; None for an answer."""


class History:
    """Workers, their witnesses and a breaker; what becomes of each call and probe is up to the one who asks."""

    def __init__(self, seed: int, n_failures: int = 5, is_former_rule: bool = False) -> None:
        self.draw = draw = Random(seed)
        self.breaker = (FormerRule if is_former_rule else Breaker)(BreakerLimits(n_failures))
        self.now = draw.uniform(1.0, 9_999.0)
        self.probe_fate: Callable[[], Fate] = lambda: (0.05, None)
        self.n_openings = 0
        n_workers = draw.randint(1, 4)
        self._witnesses = [Witness() for _ in range(n_workers)]
        self._phases = [draw.randrange(2) for _ in range(n_workers)]
        self._evidence = [Evidence()] * n_workers
        self._tried = [0] * n_workers
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self._calls: dict[int, tuple[Witness, Preauth]] = {}
        self._numbers = count()
        self._n_steps = 0

    def names(self, most: int, n_known: int = 0) -> Iterable[str]:
        """Draw names: all of them new, or some of a few known ones."""
        for _ in range(self.draw.randint(0, most)):
            yield f"name-{self.draw.randrange(n_known) if n_known else next(self._numbers)}"

    def login(self, user: str, fate: Fate) -> None:
        """Ask for a user, unless fail mode decides."""
        worker = crc32(user.encode()) % len(self._witnesses)
        state = self.breaker.state
        if state.is_fail_mode_active:
            trial = self.breaker.standing.trial
            if not state.admits_trial or self._tried[worker] == trial:
                return
            self._tried[worker] = trial
        token, call, witness = next(self._numbers), Preauth(user), self._witnesses[worker]
        witness.asked(call, token, self.now)
        self._calls[token] = witness, call
        seconds, trouble = fate if fate[0] <= CALL_TIMEOUT_S else (CALL_TIMEOUT_S, Trouble.TIMEOUT)
        self._at(self.now + seconds, lambda: self._end(token, seconds, trouble))

    def step(self) -> None:
        """Go on."""
        self._n_steps += 1
        self.now += STEP_S
        while self._ends and self._ends[0][0] <= self.now:
            heapq.heappop(self._ends)[2]()
        standing = self.breaker.standing
        for number, witness in enumerate(self._witnesses):
            if (self._n_steps + self._phases[number]) % 2:
                self._evidence[number] = witness.evidence(self.now, standing.since, standing.ping_s)
        if self._n_steps % 2:
            self._perform(self.breaker.observe(self._evidence, self.now))

    def _end(self, token: int, seconds: float, trouble: Trouble | None) -> None:
        known = self._calls.pop(token, None)
        if known is None:
            return
        witness, call = known
        if trouble is None:
            witness.answered(call, token, seconds, self.now)
        else:
            witness.failed(call, token, trouble, "", seconds, self.now)

    def _perform(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Probe):
                self._ask(decision)
            elif decision.new.is_fail_mode_active and not decision.old.is_fail_mode_active:
                self.n_openings += 1
                for token, (witness, _) in self._calls.items():
                    witness.forgotten(token)
                self._calls.clear()

    def _ask(self, probe: Probe) -> None:
        seconds, trouble = self.probe_fate()
        wire_s = self.draw.uniform(0.2, 1.0) * seconds
        outcome: ProbeOutcome = Passed(0.0, wire_s) if trouble is None else Failed(trouble, "why")
        if seconds > probe.timeout_s:
            self._tell(probe, Failed(Trouble.TIMEOUT, "no answer"), probe.timeout_s)
        if seconds <= LONGEST_PATIENCE_S:
            self._tell(probe, outcome, seconds)

    def _tell(self, probe: Probe, outcome: ProbeOutcome, seconds: float) -> None:
        self._at(self.now + seconds, lambda: self._perform(self.breaker.probed(probe, outcome, self.now)))

    def _at(self, instant: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._ends, (instant, next(self._numbers), action))

    # What is drawn for calls and probes.

    def any_fate(self) -> Fate:
        """Return what a name may meet that somebody invented."""
        draw = self.draw
        kind = draw.random()
        if kind < 0.2:
            return (60.0, None)
        return (draw.uniform(0.0, draw.choice((0.02, 0.5, 3.0))), draw.choice(BAD) if kind < 0.9 else None)

    def bad_fate(self) -> Fate:
        """Return what is no answer."""
        return self.draw.choice(((60.0, None), (self.draw.uniform(0.0, 1.0), self.draw.choice(BAD[:6]))))

    def well(self) -> Fate:
        """Return the answer to a probe, in time."""
        return (self.draw.uniform(0.01, EARLY_PROBE_TIMEOUT_S - STEP_S), None)

    def anything(self) -> Fate:
        """Return what may become of a probe."""
        return self.draw.choice((self.well(), self.bad_fate(), self.bad_fate()))


class FormerRule(Breaker):
    """A breaker that users alone may open, and hold open."""

    def _is_streak_complete(self, now: float) -> bool:
        return self.streak >= self.limits.failures_to_open

    def _start_afresh(self, since: float) -> None:
        if since != self._passed_at:
            super()._start_afresh(since)
        self._n_failed_probes = 0

    @property
    def _trial_failed(self) -> BreakerEvent:
        return BreakerEvent.TRIAL_FAILED


def openings_of(seed: int, *, are_probes_well: bool, is_somebody_answered: bool, is_former_rule: bool = False) -> int:
    """Play 3.5 s in which names fail, and return how often fail mode began."""
    history = History(seed, Random(seed).randint(2, 8), is_former_rule)
    draw = history.draw
    history.probe_fate = history.well if are_probes_well else history.anything
    burst, n_known = draw.choice((1, 6, 30)), draw.choice((0, 0, 20))
    pause = draw.choice((1, 2, 5, 20))
    for number in range(70):
        if number % pause == 0:
            for name in history.names(burst, n_known):
                history.login(name, history.any_fate())
        if is_somebody_answered and number % 4 == 0:  # each 0.2 s, and 0.3 s later at most
            history.login(f"well-{draw.randrange(99)}", (draw.uniform(0.01, 0.3), None))
        history.step()
    return history.n_openings


def closing_of(seed: int, *, is_former_rule: bool = False) -> tuple[float, int]:
    """Play an outage that ends with names that fail in every trial; return how long it went on, and later openings."""
    history = History(seed, is_former_rule=is_former_rule)
    draw = history.draw
    history.probe_fate = history.bad_fate
    while not history.breaker.state.is_fail_mode_active:
        history.login(f"user-{draw.random()}", history.bad_fate())
        history.step()
    for _ in range(draw.randrange(80)):
        history.step()
    history.probe_fate = history.well
    ended_at = history.now
    while history.breaker.state.is_fail_mode_active and history.now - ended_at < 2 * LONGEST_CLOSING_S:
        for name in history.names(draw.choice((2, 9))):
            history.login(name, history.bad_fate())
        history.step()
    lasted_s, n_openings = history.now - ended_at, history.n_openings
    for _ in range(60):
        for name in history.names(6):
            history.login(name, history.bad_fate())
        history.step()
    return lasted_s, history.n_openings - n_openings


LONGEST_ROUND_S = 2 * EARLY_PROBE_TIMEOUT_S + 2 * SHOW_S
LONGEST_TRIAL_S = TRIAL_S + LONGEST_PATIENCE_S + 2 * SHOW_S
LONGEST_CLOSING_S = 1.0 + MOST_TRIALS * (DOWN_INTERVAL_S + LONGEST_ROUND_S + LONGEST_TRIAL_S)


def opening_of(seed: int, *, is_hanging: bool, n_evil: int = 0) -> float:
    """Play an outage of everything under load, and return how long after the last answer fail mode began."""
    history = History(seed)
    draw = history.draw
    usual_s, rate = draw.uniform(0.01, 0.3), draw.choice((1, 5, 20))  # logins in each step
    history.probe_fate = lambda: (draw.uniform(0.01, 0.3), None)
    begins = draw.randint(10, 60)
    last_answer_at = 0.0
    for number in range(begins + 100):
        is_away = number >= begins
        if number == begins:
            history.probe_fate = lambda: (60.0, None) if is_hanging else (draw.uniform(0.0, 0.05), Trouble.CONNECT)
        for name in history.names(2 * rate):
            fate: Fate = (draw.uniform(0.5, 1.0) * usual_s, None)
            if is_away:
                fate = (60.0, None) if is_hanging else (draw.uniform(0.0, 0.05), draw.choice(BAD[:5]))
            else:
                last_answer_at = max(last_answer_at, history.now + fate[0])
            history.login(name, fate)
        for name in history.names(n_evil):
            history.login(name, history.bad_fate())
        history.step()
        if history.n_openings:
            return history.now - last_answer_at
    return float("inf")


def seeds(chunk: int, n_histories: int) -> range:
    return range(chunk * n_histories, (chunk + 1) * n_histories)


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize(("are_probes_well", "is_somebody_answered"), [(True, True), (True, False), (False, True)])
def test_no_names_begin_fail_mode_while_probes_or_others_are_answered(
    chunk: int, are_probes_well: bool, is_somebody_answered: bool
):
    for seed in seeds(chunk, histories(320)):
        n_openings = openings_of(seed, are_probes_well=are_probes_well, is_somebody_answered=is_somebody_answered)
        assert n_openings == 0, seed


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_names_hold_fail_mode_when_probes_are_answered_again(chunk: int):
    for seed in seeds(chunk, histories(50)):
        lasted_s, n_later_openings = closing_of(seed)
        assert lasted_s < LONGEST_CLOSING_S, seed
        assert n_later_openings == 0, seed


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize(("is_hanging", "within_s"), [(False, 1.0), (True, 2.0)])
def test_an_outage_of_everything_is_known_in_time(chunk: int, is_hanging: bool, within_s: float):
    for seed in seeds(chunk, histories(50)):
        assert opening_of(seed, is_hanging=is_hanging) < within_s, seed


@pytest.mark.parametrize(("is_hanging", "within_s"), [(False, 1.5), (True, 3.5)])
def test_an_outage_of_everything_is_known_although_names_failed_before(is_hanging: bool, within_s: float):
    for seed in range(histories(200)):
        assert opening_of(seed, is_hanging=is_hanging, n_evil=6) < within_s, seed


def test_the_histories_find_a_breaker_that_users_alone_open_or_hold_open():
    """Else they would prove nothing."""
    for are_probes_well, is_somebody_answered in ((True, True), (True, False), (False, True)):
        n_found = sum(
            openings_of(
                seed,
                are_probes_well=are_probes_well,
                is_somebody_answered=is_somebody_answered,
                is_former_rule=True,
            )
            > 0
            for seed in range(100)
        )
        assert n_found > 5
    assert any(closing_of(seed, is_former_rule=True)[0] > LONGEST_CLOSING_S for seed in range(10))
