"""A stage with workers, their witnesses, a breaker and a Duo whose weather is a function of the instant.

Its clock goes on in steps of 10 ms; evidence and looks are 100 ms apart, as in the gateway.
"""

import heapq
from collections.abc import Callable
from itertools import count
from zlib import crc32

from gateway.duoapi.calls import Call, Preauth
from gateway.failmode.breaker import Breaker, BreakerLimits, Decision, StateChanged
from gateway.failmode.evidence import Evidence, Witness
from gateway.failmode.probing import Failed, Passed, Probe, ProbeOutcome, Refused
from gateway.failmode.states import BreakerState
from gateway.unavailable import Trouble

HEALTHY, SUSPECT, DOWN, TRIAL, KEYS_REFUSED, CLOCK_SKEWED = BreakerState

Fate = tuple[float, Trouble | None]
"""When a call ends, in seconds, and with which trouble; None for an answer."""
Weather = Callable[[float, str], Fate]
"""What becomes of a call asked at an instant by a user, or by `ping` or `check`."""

ANSWER: Fate = (0.1, None)
HANG: Fate = (30.0, None)
CALL_TIMEOUT_S = 10.0
TIMEOUT = tuple(Trouble).index(Trouble.TIMEOUT) + 1  # as evidence numbers it
BEGIN = 1_020.0  # when the weather changes; all was well

QUICK_TROUBLES = [Trouble.CONNECT, Trouble.HTTP_STATUS, Trouble.BAD_ANSWER, Trouble.CLOSED, Trouble.DNS, Trouble.TLS]


def fair(_now: float, _who: str) -> Fate:
    return ANSWER


def only_logins(fate: Fate) -> Weather:
    return lambda now, who: ANSWER if who in ("ping", "check") else fate


def outage(begins: float, ends: float, fate: Fate) -> Weather:
    return lambda now, who: fate if begins <= now < ends else fair(now, who)


class Site:
    """Workers whose users log in at Duo, `rate` of them a second.

    Args:
        is_cutting: at the beginning of fail mode calls under way are given up, as the engine does.
    """

    def __init__(
        self,
        weather: Weather,
        n_workers: int = 2,
        rate: float = 200.0,
        limits: BreakerLimits | None = None,
        is_cutting: bool = True,
    ) -> None:
        self.weather = weather
        self.rate = rate
        self.breaker = Breaker(limits)
        self.now = 1_000.0
        self.changes: list[tuple[float, StateChanged]] = []
        self.probes: list[Probe] = []
        self.n_asked = 0
        self._witnesses = [Witness() for _ in range(n_workers)]
        self._evidence = [Evidence()] * n_workers
        self._tried = [0] * n_workers
        self._is_cutting = is_cutting
        self._pending: dict[int, tuple[Call, int]] = {}
        self._ends: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = count()
        self._tick = 0

    def run(self, seconds: float) -> "Site":
        for _ in range(round(seconds * 100)):
            self._step()
        return self

    def run_to(self, instant: float) -> "Site":
        return self.run(instant - self.now)

    def sleep(self, seconds: float) -> "Site":
        """Let the whole machine stand still."""
        self.now += seconds
        return self

    def states(self, since: float = 0.0) -> list[BreakerState]:
        return [change.new for at, change in self.changes if at >= since]

    def when(self, state: BreakerState, since: float = 0.0) -> float:
        return next(at for at, change in self.changes if at >= since and change.new is state)

    def login(self, user: str) -> None:
        worker = crc32(user.encode()) % len(self._witnesses)
        standing = self.breaker.standing
        if standing.state.is_fail_mode_active:
            if not standing.state.admits_trial or self._tried[worker] == standing.trial:
                return
            self._tried[worker] = standing.trial
        self._ask(user, worker)

    def _step(self) -> None:
        self._tick += 1
        self.now = round(self.now + 0.01, 6)
        while self._ends and self._ends[0][0] <= self.now:
            heapq.heappop(self._ends)[2]()
        if self.rate and self._tick % max(1, round(100 / self.rate)) == 0:
            for _ in range(max(1, round(self.rate / 100))):
                self.login(f"user-{next(self.numbers)}")
        for number, witness in enumerate(self._witnesses):
            if (self._tick + 3 * number) % 10 == 0:
                self._evidence[number] = witness.evidence(
                    self.now, self.breaker.standing.since, self.breaker.standing.ping_s
                )
        if self._tick % 10 == 5:
            self._perform(self.breaker.observe(self._evidence, self.now))

    def _ask(self, user: str, worker: int) -> None:
        call, token, asked_at = Preauth(user), next(self.numbers), self.now
        self.n_asked += 1
        self._witnesses[worker].asked(call, token, asked_at)
        self._pending[token] = call, worker
        seconds, trouble = self.weather(asked_at, user)
        if seconds > CALL_TIMEOUT_S:
            seconds, trouble = CALL_TIMEOUT_S, Trouble.TIMEOUT

        def end() -> None:
            if self._pending.pop(token, None) is None:
                return
            if trouble is None:
                self._witnesses[worker].answered(call, token, seconds, self.now)
            else:
                self._witnesses[worker].failed(call, token, trouble, "", seconds, self.now)

        self._at(asked_at + seconds, end)

    def _perform(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Probe):
                self._probe(decision)
                continue
            self.changes.append((self.now, decision))
            if decision.new is DOWN and self._is_cutting:
                for token, (_, worker) in self._pending.items():
                    self._witnesses[worker].forgotten(token)
                self._pending.clear()

    def _probe(self, probe: Probe) -> None:
        self.probes.append(probe)
        seconds, trouble = self.weather(self.now, probe.kind)
        outcome: ProbeOutcome = Passed(0.0) if trouble is None else Failed(trouble, "why")
        if trouble in (Trouble.CONFIGURATION, Trouble.CLOCK):
            outcome = Refused(trouble, "why")
        if seconds > probe.timeout_s:
            self._tell(probe, Failed(Trouble.TIMEOUT, "no answer"), probe.timeout_s)
        if seconds <= CALL_TIMEOUT_S:
            self._tell(probe, outcome, seconds)

    def _tell(self, probe: Probe, outcome: ProbeOutcome, seconds: float) -> None:
        self._at(self.now + seconds, lambda: self._perform(self.breaker.probed(probe, outcome, self.now)))

    def _at(self, instant: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._ends, (instant, next(self.numbers), action))


def quiet(weather: Weather, **settings: int) -> Site:
    return Site(weather, rate=0.0, limits=BreakerLimits(**settings)).run_to(BEGIN)
