"""When fail mode begins and ends.

`Site` is a stage with workers, their witnesses, a breaker and a Duo whose weather is a function of the instant. Its
clock goes on in steps of 10 ms; evidence and looks are 100 ms apart, as in the gateway.
"""

import heapq
from collections.abc import Callable
from itertools import count, pairwise
from zlib import crc32

import pytest

from gateway.duoapi.calls import Call, Preauth
from gateway.failmode.breaker import (
    CALM_S,
    LOGINS_WELL_S,
    MOST_TRIALS,
    PAUSE_S,
    STREAK_S,
    TRIAL_S,
    Breaker,
    BreakerLimits,
    Decision,
    StateChanged,
)
from gateway.failmode.evidence import (
    LATELY_S,
    LONGEST_PATIENCE_S,
    OVERDUE_S,
    SILENCE_S,
    Evidence,
    Witness,
)
from gateway.failmode.probing import (
    CLOCK_INTERVAL_S,
    KEYS_INTERVAL_S,
    PROBE_FACTOR,
    PROBE_TIMEOUT_S,
    QUIET_INTERVAL_S,
    SUSPECT_INTERVAL_S,
    Failed,
    Passed,
    Probe,
    ProbeKind,
    ProbeOutcome,
    Refused,
)
from gateway.failmode.states import TRANSITIONS, BreakerEvent, BreakerState
from gateway.unavailable import Trouble
from gateway.words.explanations import (
    LOGINS_FAIL,
    TROUBLES,
)

HEALTHY, SUSPECT, DOWN, TRIAL, KEYS_REFUSED, CLOCK_SKEWED = BreakerState

Fate = tuple[float, Trouble | None]
"""When a call ends, in seconds, and with which trouble; None for an answer."""
Weather = Callable[[float, str], Fate]
"""What becomes of a call asked at an instant by a user, or by `ping` or `check`."""

ANSWER: Fate = (0.1, None)
HANG: Fate = (30.0, None)
CALL_TIMEOUT_S = 10.0
TIMEOUT = tuple(Trouble).index(Trouble.TIMEOUT) + 1  # as evidence numbers it


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


BEGIN = 1_020.0

QUICK_TROUBLES = [Trouble.CONNECT, Trouble.HTTP_STATUS, Trouble.BAD_ANSWER, Trouble.CLOSED, Trouble.DNS, Trouble.TLS]


# Under load.


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("trouble", QUICK_TROUBLES)
def test_fail_mode_begins_within_1_s_when_every_call_fails(trouble: Trouble, n_workers: int):
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, trouble)), n_workers).run_to(BEGIN + 10)
    assert site.when(DOWN) - BEGIN < 1.0


@pytest.mark.parametrize("n_workers", [1, 2, 5])
@pytest.mark.parametrize("usual_s", [0.02, 0.1, 0.3])
def test_fail_mode_begins_within_2_s_of_a_black_hole(n_workers: int, usual_s: float):
    def weather(now: float, _who: str) -> Fate:
        return HANG if now >= BEGIN else (usual_s, None)

    site = Site(weather, n_workers).run_to(BEGIN + 10)
    assert site.when(DOWN) - BEGIN < 2.0


@pytest.mark.parametrize("is_cutting", [True, False])
@pytest.mark.parametrize("fate", [HANG, (0.01, Trouble.CONNECT)])
@pytest.mark.parametrize("rate", [0.0, 1.0, 200.0])
@pytest.mark.parametrize("quarter", range(8))
def test_fail_mode_ends_within_3_s_of_duos_return_and_stays_away(
    quarter: int, rate: float, fate: Fate, is_cutting: bool
):
    """Calls of the outage that time out 10 s later do not begin it anew."""
    end = BEGIN + 6 + quarter / 4
    site = Site(outage(BEGIN, end, fate), is_cutting=is_cutting).run_to(BEGIN + 5)
    assert site.breaker.state is DOWN
    site.rate = rate
    site.run_to(end + 12)
    healthy_at = site.when(HEALTHY, since=end)
    assert healthy_at - end < 3.0
    assert DOWN not in site.states(since=healthy_at)


def test_while_down_nobody_but_one_login_of_each_worker_and_trial_is_asked():
    site = Site(outage(BEGIN, BEGIN + 60, HANG)).run_to(BEGIN + 5)
    n_asked = site.n_asked
    site.run(5)
    assert site.n_asked == n_asked
    site.weather = only_logins(HANG)
    site.run(6)
    assert site.breaker.standing.trial > 1
    assert site.n_asked - n_asked <= 2 * site.breaker.standing.trial


def test_a_slow_duo_is_not_suspected():
    site = Site(lambda now, who: (0.7, None)).run(20)
    site.rate = 1.0
    begin = site.now
    site.run(60)
    assert site.states(since=begin) == []


@pytest.mark.parametrize("n_workers", [1, 5])
@pytest.mark.parametrize("rate", [1.0, 20.0, 400.0])
@pytest.mark.parametrize("slow_s", [1.2, 2.0, 3.5])
def test_a_duo_that_becomes_slow_is_soon_waited_for(slow_s: float, rate: float, n_workers: int):
    site = Site(outage(BEGIN, BEGIN + 300, (slow_s, None)), n_workers, rate).run_to(BEGIN + 300)
    assert DOWN not in site.states(since=BEGIN + 4 * slow_s)
    site.run(60)
    assert site.breaker.state is HEALTHY
    assert site.breaker.standing.ping_s < 0.2


def test_a_late_ping_starts_no_second_check():
    site = Site(outage(BEGIN, BEGIN + 300, (3.5, None)), rate=400.0).run_to(BEGIN + 20)
    down_at = site.when(DOWN, since=BEGIN)
    over_at = site.when(HEALTHY, since=down_at)
    checks = [probe for probe in site.probes if probe.kind is ProbeKind.CHECK and down_at < probe.started_at < over_at]
    assert len(checks) == 1


def test_a_duo_that_was_slow_may_go_away():
    site = Site(outage(BEGIN, BEGIN + 60, (2.0, None))).run_to(BEGIN + 50)
    last_answer_at, end = BEGIN + 52, BEGIN + 100
    site.weather = outage(BEGIN + 50, end, HANG)
    site.run_to(end + 30)
    assert site.when(DOWN, since=last_answer_at) - last_answer_at < LONGEST_PATIENCE_S + 0.5
    assert site.when(HEALTHY, since=end) - end < 3.0


def test_a_duo_slower_than_patience_is_away():
    site = Site(outage(BEGIN, BEGIN + 100, (5.0, None))).run_to(BEGIN + 99)
    assert set(site.states(since=BEGIN + 2)) <= {DOWN}


def test_some_failing_logins_among_many_begin_nothing():
    def weather(_now: float, who: str) -> Fate:
        return (0.01, Trouble.HTTP_STATUS) if crc32(who.encode()) % 10 == 0 else ANSWER

    site = Site(weather).run(60)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_worker_that_fails_alone_begins_nothing():
    """Others are answered: it is no outage of Duo's."""

    def weather(_now: float, who: str) -> Fate:
        return (0.01, Trouble.TLS) if crc32(who.encode()) % 2 else ANSWER

    site = Site(weather, n_workers=2).run(60)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


@pytest.mark.parametrize("trouble", [Trouble.RATE_LIMIT, Trouble.BUSY])
def test_what_users_can_provoke_begins_nothing(trouble: Trouble):
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, trouble))).run_to(BEGIN + 70)
    assert site.states() == []


def test_a_rate_limit_ends_fail_mode():
    """Else a flood of logins would keep the door open under failmode=safe."""
    site = Site(outage(BEGIN, BEGIN + 10, HANG)).run_to(BEGIN + 10)
    site.weather = lambda now, who: (0.01, Trouble.RATE_LIMIT)
    site.run(3)
    assert site.breaker.state is HEALTHY


# Logins that fail although ping and check pass: somebody may be inventing the names.


EVIL_FATES = [(0.01, trouble) for trouble in QUICK_TROUBLES] + [HANG, (0.9, Trouble.CLOSED)]


def evil_names(site: Site, seconds: float, n_names: int = 6) -> None:
    """Send distinct names every 0.25 s."""
    for _ in range(round(seconds * 4)):
        for _ in range(n_names):
            site.login(f"evil-{next(site.numbers)}")
        site.run(0.25)


def against_evil(fate: Fate, others: Weather = fair) -> Weather:
    return lambda now, who: fate if who.startswith("evil") else others(now, who)


@pytest.mark.parametrize("fate", EVIL_FATES)
@pytest.mark.parametrize("rate", [0.0, 5.0, 200.0])
def test_names_that_fail_never_begin_fail_mode_while_ping_and_check_pass(rate: float, fate: Fate):
    site = Site(against_evil(fate), rate=rate).run_to(BEGIN)
    evil_names(site, 30)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_duo_that_answers_ping_and_check_and_no_login_is_not_away():
    """Until here it was, after 1 s: nothing tells it from names that somebody invents, and so each login decides."""
    site = Site(outage(BEGIN, BEGIN + 60, (0.01, Trouble.HTTP_STATUS)))
    site.weather = lambda now, who: ANSWER if who in ("ping", "check") or now < BEGIN else (0.01, Trouble.HTTP_STATUS)
    site.run_to(BEGIN + 20)
    assert site.states() == [SUSPECT, SUSPECT]


@pytest.mark.parametrize("rate", [0.0, 5.0, 200.0])
def test_logins_that_fail_are_told_of_once_and_when_it_is_over(rate: float):
    site = Site(against_evil((0.01, Trouble.HTTP_STATUS)), rate=rate).run_to(BEGIN)
    evil_names(site, 30)
    told = [(at, change) for at, change in site.changes if change.event is BreakerEvent.LOGINS_FAIL]
    ((at, change),) = told
    assert at - BEGIN < 1.0
    assert change.account.startswith("Ping and check pass, but logins fail and are decided one by one (users with a")
    assert change.account.endswith("the last trouble was http_status: a login's call)")
    assert change.hint == LOGINS_FAIL
    assert (site.breaker.state, site.breaker.standing.account) == (SUSPECT, change.account)
    end = site.now
    site.run(LATELY_S + LOGINS_WELL_S + 1)
    assert site.breaker.state is HEALTHY
    assert site.when(HEALTHY, since=end) - end > LOGINS_WELL_S


def test_logins_that_fail_from_the_very_start_are_told_of_at_once():
    site = Site(against_evil((0.01, Trouble.CLOSED)), rate=0.0)
    evil_names(site, 1)
    assert site.changes[-1][1].event is BreakerEvent.LOGINS_FAIL


def test_names_that_hang_are_told_of_when_their_calls_have_ended():
    site = Site(against_evil(HANG)).run_to(BEGIN)
    evil_names(site, CALL_TIMEOUT_S + 2)
    assert site.changes[-1][1].event is BreakerEvent.LOGINS_FAIL
    assert "timeout" in site.breaker.standing.account


def test_users_who_failed_in_an_outage_are_none_whose_logins_fail_alone():
    site = Site(outage(BEGIN, BEGIN + 0.5, (0.01, Trouble.CONNECT))).run_to(BEGIN + 30)
    site.weather = outage(BEGIN + 30, BEGIN + 35, (0.01, Trouble.CONNECT))
    site.run_to(BEGIN + 60)
    assert BreakerEvent.LOGINS_FAIL not in [change.event for _, change in site.changes]


def test_one_lost_ping_does_not_help_names_that_fail():
    n_pings = count()

    def others(_now: float, who: str) -> Fate:
        return HANG if who == "ping" and next(n_pings) % 5 in (3, 4) else ANSWER

    site = Site(against_evil((0.01, Trouble.CLOSED), others), rate=0.0).run_to(BEGIN)
    evil_names(site, 60)
    assert next(n_pings) > 40
    assert set(site.states()) <= {SUSPECT, HEALTHY}


@pytest.mark.parametrize(("fate", "within_s"), [((0.01, Trouble.CONNECT), 1.5), (HANG, 3.5)])
@pytest.mark.parametrize("rate", [0.0, 200.0])
@pytest.mark.parametrize("tenth", range(5))
def test_an_outage_is_known_although_names_had_failed_before(tenth: int, rate: float, fate: Fate, within_s: float):
    site = Site(against_evil((0.01, Trouble.CLOSED)), rate=rate).run_to(BEGIN)
    evil_names(site, 5)
    site.run(tenth / 10)
    begin = site.now
    site.weather = outage(begin, begin + 60, fate)
    evil_names(site, 5)
    assert site.when(DOWN) - begin < within_s


@pytest.mark.parametrize("fate", EVIL_FATES)
@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_names_that_fail_hold_fail_mode_for_three_trials_at_most(n_workers: int, fate: Fate):
    end = BEGIN + 5
    site = Site(outage(BEGIN, end, HANG), n_workers).run_to(end)
    assert site.breaker.state is DOWN
    site.rate = 0.0
    site.weather = only_logins(fate)
    evil_names(site, 60)
    over_at = site.when(SUSPECT, since=end)
    assert over_at - end < MOST_TRIALS * (2.0 + OVERDUE_S + TRIAL_S + 0.5)
    assert site.breaker.standing.trial == MOST_TRIALS
    assert not any(state.is_fail_mode_active for state in site.states(since=over_at))
    over = next(change for at, change in site.changes if at == over_at)
    assert (over.old, over.event, over.hint) == (TRIAL, BreakerEvent.LOGINS_FAIL, LOGINS_FAIL)


def test_trials_before_a_probe_failed_anew_do_not_count():
    """A Duo that comes and goes is away; each of its returns has its own trials."""
    site = Site(outage(BEGIN, BEGIN + 5, HANG)).run_to(BEGIN + 5)
    for _ in range(4):
        site.weather = only_logins((0.01, Trouble.HTTP_STATUS))
        site.run_to(site.now + 5)
        site.weather = lambda now, who: (0.01, Trouble.HTTP_STATUS)
        site.run_to(site.now + 5)
    assert site.breaker.state is DOWN
    assert site.breaker.standing.trial > MOST_TRIALS


def test_no_login_that_comes_late_into_a_trial_prolongs_it():
    """Each worker lets one through, and one may come when another's has just failed."""
    breaker = in_trial()
    now = 102.3
    while breaker.state is TRIAL:
        now += 0.1
        breaker.observe([Evidence(since=102.3, n_failing=1, troubled_at=now, waiting_since=now - 0.1)], now)
    assert now - 102.3 < TRIAL_S + LONGEST_PATIENCE_S + 0.2
    assert breaker.state is DOWN


# In quiet times.


def quiet(weather: Weather, **settings: int) -> Site:
    return Site(weather, rate=0.0, limits=BreakerLimits(**settings)).run_to(BEGIN)


@pytest.mark.parametrize("n_failures", [2, 5, 10])
def test_one_failed_call_and_failed_probes_make_the_streak(n_failures: int):
    site = quiet(outage(BEGIN, BEGIN + 60, (0.01, Trouble.CONNECT)), failures_to_open=n_failures)
    n_probes = len(site.probes)
    site.login("ann")
    site.run(5)
    assert site.states() == [SUSPECT, DOWN]
    begun_at = site.when(DOWN)
    assert len([probe for probe in site.probes[n_probes:] if probe.started_at < begun_at]) == n_failures - 1


def test_one_hanging_call_and_hanging_probes_make_the_streak():
    site = quiet(outage(BEGIN, BEGIN + 60, HANG))
    site.login("ann")
    site.run(6)
    assert site.states() == [SUSPECT, DOWN]
    assert "users waiting in vain: 1, failed probes: 4" in site.changes[-1][1].account


def test_one_users_odd_answers_never_begin_fail_mode_however_many():
    site = quiet(lambda now, who: (0.01, Trouble.HTTP_STATUS) if who == "odd" else ANSWER)
    for _ in range(300):
        site.login("odd")
        site.run(0.1)
    assert set(site.states()) <= {SUSPECT, HEALTHY}
    begin = site.now
    site.run(CALM_S + 1)
    assert site.breaker.state is HEALTHY
    assert len([probe for probe in site.probes if probe.started_at > begin]) <= 6


def test_few_failing_users_lead_back_to_healthy_when_probes_pass():
    site = quiet(only_logins((0.01, Trouble.HTTP_STATUS)))
    for number in range(12):
        site.login(f"user-{number}")
        site.run(CALM_S + 1)
    assert set(site.states()) == {SUSPECT, HEALTHY}


def test_one_hanging_call_while_probes_pass_begins_nothing():
    site = quiet(lambda now, who: HANG if who == "ann" else ANSWER)
    n_probes = len(site.probes)
    site.login("ann")
    site.run(15)
    assert DOWN not in site.states()
    assert site.breaker.state is HEALTHY
    asked_after_s = site.probes[n_probes].started_at - BEGIN
    assert SILENCE_S <= asked_after_s < SILENCE_S + 0.2


def test_an_outage_is_known_before_the_first_login_of_the_morning():
    site = quiet(outage(BEGIN, BEGIN + 600, (0.01, Trouble.CONNECT))).run(QUIET_INTERVAL_S + 5)
    assert site.states() == [SUSPECT, DOWN]
    assert site.n_asked == 0


def test_all_is_probed_at_the_start_and_once_a_minute():
    site = quiet(fair).run(300)
    starts = [probe.started_at for probe in site.probes if probe.kind is ProbeKind.PING]
    assert starts[0] - 1_000.0 < 0.2
    assert [round(later - earlier) for earlier, later in pairwise(starts)] == [60] * 5
    assert [probe.kind for probe in site.probes] == [ProbeKind.PING, ProbeKind.CHECK] * 6


def test_an_outage_that_was_there_at_the_start_is_known_at_once():
    site = Site(outage(0.0, BEGIN, (0.01, Trouble.DNS)), rate=0.0).run(3)
    assert site.states() == [SUSPECT, DOWN]


# Pauses.


def test_a_machine_that_was_suspended_under_load_begins_nothing():
    """All calls under way have lost their connections."""
    site = Site(outage(BEGIN - 0.3, BEGIN, (9.0, Trouble.CLOSED))).run_to(BEGIN)
    site.sleep(25.0).run(20)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_a_machine_that_was_suspended_in_a_quiet_hour_begins_nothing():
    site = quiet(outage(BEGIN, BEGIN + 1, (9.0, Trouble.CLOSED)))
    for number in range(20):
        site.login(f"user-{number}")
    site.sleep(25.0).run(10)
    assert set(site.states()) <= {SUSPECT, HEALTHY}
    assert site.breaker.state is HEALTHY


def test_a_first_look_after_a_pause_believes_no_old_evidence():
    breaker = watched(100.0)
    breaker.observe([Evidence(since=100.0, troubled_at=100.5, n_failing=64, n_overdue=64)], 100.0 + PAUSE_S + 0.2)
    assert breaker.state is HEALTHY
    assert breaker.streak == 0


def test_a_probe_of_before_the_pause_counts_for_nothing():
    breaker = Breaker()
    (probe,) = breaker.observe([], 100.0)
    assert isinstance(probe, Probe)
    assert breaker.probed(probe, Failed(Trouble.TIMEOUT, ""), 110.0) == []
    assert breaker.state is HEALTHY
    (again,) = breaker.observe([], 110.1)
    assert isinstance(again, Probe)


# Keys and clock.


def judged(trouble: Trouble) -> Weather:
    """Duo answers ping and refuses all else."""
    return lambda now, who: ANSWER if who == "ping" or now < BEGIN else (0.05, trouble)


def test_keys_that_duo_refuses_are_fail_mode_with_words_of_its_own():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 2)
    assert site.states() == [SUSPECT, KEYS_REFUSED]
    change = site.changes[-1][1]
    assert change.account == "Duo refuses this application's keys: configuration: why"
    assert change.hint == TROUBLES[Trouble.CONFIGURATION].remedy
    assert site.breaker.state.is_fail_mode_active


def test_keys_are_judged_by_two_refusals_of_check_alone():
    site = quiet(judged(Trouble.CONFIGURATION)).run(QUIET_INTERVAL_S + 2)
    assert site.states() == [SUSPECT, KEYS_REFUSED]


def test_refused_users_whom_check_does_not_confirm_begin_nothing():
    site = Site(only_logins((0.05, Trouble.CONFIGURATION))).run(10)
    assert set(site.states()) <= {SUSPECT, HEALTHY}


def test_keys_that_were_mended_end_it():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 30)
    assert site.states() == [SUSPECT, KEYS_REFUSED]
    site.weather = fair
    site.run(KEYS_INTERVAL_S + 1)
    assert site.states() == [SUSPECT, KEYS_REFUSED, TRIAL, HEALTHY]


def test_duo_may_go_away_while_the_keys_are_refused():
    site = Site(judged(Trouble.CONFIGURATION)).run_to(BEGIN + 10)
    site.weather = lambda now, who: (0.01, Trouble.CONNECT)
    site.run(5 * KEYS_INTERVAL_S + 1)
    assert site.states()[-1] is DOWN
    site.weather = judged(Trouble.CONFIGURATION)
    site.run(3)
    assert site.states()[-1] is KEYS_REFUSED


def test_a_clock_that_is_off_is_loud_but_no_fail_mode():
    breaker = watched(100.0)
    changes = pass_round(breaker, 161.0, skew_s=90.0)
    assert [change[:3] for change in changes] == [(HEALTHY, CLOCK_SKEWED, BreakerEvent.CLOCK_OFF)]
    assert changes[0].account.startswith("This machine's clock is 90 s behind Duo's")
    assert "NTP" in changes[0].hint
    assert not breaker.state.is_fail_mode_active
    assert pass_round(breaker, 161.1 + CLOCK_INTERVAL_S, skew_s=-0.4)[0].new is HEALTHY


def test_a_clock_that_is_ahead_is_called_so():
    (change,) = pass_round(watched(100.0), 161.0, skew_s=-31.0)
    assert change.account.startswith("This machine's clock is 31 s ahead of Duo's")


@pytest.mark.parametrize("skew_s", [29.0, -29.0, None])
def test_a_small_skew_or_none_told_is_nothing(skew_s: float | None):
    assert pass_round(watched(100.0), 161.0, skew_s=skew_s) == []


def test_a_skewed_clock_hides_no_outage():
    breaker = watched(100.0)
    pass_round(breaker, 161.0, skew_s=90.0)
    look_until(breaker, 161.9)
    breaker.observe([failing(5, 161.9)], 162.0)
    assert breaker.state is SUSPECT
    fail_probe(breaker, 162.1)
    breaker.observe([failing(5, 161.9)], 162.2)
    assert breaker.state is DOWN


def test_a_suspicion_and_a_trial_end_in_clock_skewed_while_the_clock_is_off():
    breaker = watched(100.0)
    pass_round(breaker, 161.0, skew_s=90.0)
    breaker.observe([Evidence(since=161.0, troubled_at=161.2)], 161.2)
    breaker.observe([Evidence(since=161.3, answered_at=161.3)], 161.3)
    assert breaker.state is CLOCK_SKEWED
    look_until(breaker, 162.3)
    breaker.observe([failing(5, 162.3)], 162.4)
    fail_probe(breaker, 162.5)
    breaker.observe([failing(5, 162.3)], 162.6)
    pass_round(breaker, 164.7, skew_s=90.0)
    assert breaker.state is TRIAL
    look_until(breaker, 164.7 + TRIAL_S + 0.1)
    assert breaker.state is CLOCK_SKEWED


def test_a_date_that_duo_refuses_although_it_is_its_own_is_down():
    """Each login would have to be told so by Duo; fail mode is what all of them get in the end."""
    site = Site(judged(Trouble.CLOCK)).run_to(BEGIN + 2)
    assert site.states() == [SUSPECT, DOWN]
    assert site.changes[-1][1].account.startswith("Duo refuses the date of calls")
    site.run(30)
    assert site.states() == [SUSPECT, DOWN]
    site.weather = fair
    site.run(3)
    assert site.breaker.state is HEALTHY


def test_a_new_cause_of_an_old_outage_is_told_once():
    site = Site(outage(BEGIN, BEGIN + 5, HANG)).run_to(BEGIN + 5)
    site.weather = judged(Trouble.CLOCK)
    site.run(20)
    assert site.states() == [SUSPECT, DOWN, DOWN]
    assert site.changes[-1][1].old is DOWN


# Steps.


def watched(now: float) -> Breaker:
    """A breaker that has found all well at the start."""
    breaker = Breaker()
    assert pass_round(breaker, now) == []
    return breaker


def look_until(breaker: Breaker, instant: float, evidence: tuple[Evidence, ...] = ()) -> list[Decision]:
    """Look ten times a second until an instant; nobody answers probes."""
    decisions: list[Decision] = []
    now = max(breaker._looked_at, instant - 50.0)
    while now < instant - 0.01:
        now = min(instant, now + 0.1)
        decisions += breaker.observe(evidence, now)
    return decisions


def pass_round(breaker: Breaker, now: float, skew_s: float | None = 0.0) -> list[StateChanged]:
    """Let the round that is due by an instant pass."""
    (ping,) = look_until(breaker, now)
    assert isinstance(ping, Probe)
    (check,) = breaker.probed(ping, Passed(skew_s), now)
    assert isinstance(check, Probe)
    assert (ping.kind, check.kind) == (ProbeKind.PING, ProbeKind.CHECK)
    return [change for change in breaker.probed(check, Passed(skew_s), now) if isinstance(change, StateChanged)]


def failing(n_users: int, at: float) -> Evidence:
    return Evidence(since=at - 0.01, troubled_at=at, n_failing=n_users, trouble=2)


def fail_probe(breaker: Breaker, now: float) -> None:
    assert breaker._probing.under_way is not None
    breaker.probed(breaker._probing.under_way, Failed(Trouble.CONNECT, "refused"), now)


def down(now: float) -> Breaker:
    breaker = watched(now - STREAK_S)
    look_until(breaker, now)
    look_until(breaker, now + 0.1, (failing(5, now + 0.1),))
    fail_probe(breaker, now + 0.15)
    look_until(breaker, now + 0.2, (failing(5, now + 0.1),))
    assert breaker.state is DOWN
    return breaker


def in_trial() -> Breaker:
    breaker = down(100.0)
    (change,) = pass_round(breaker, 102.3)
    assert change.new is TRIAL
    return breaker


def test_the_account_says_what_made_the_streak_and_the_hint_where_to_look():
    standing = down(100.0).standing
    assert standing.account == (
        "Duo does not answer (users with a failed call: 5, failed probes: 1; "
        "the last trouble was connect: ping: refused)"
    )
    assert standing.hint == TROUBLES[Trouble.CONNECT].remedy


def test_in_a_trial_the_first_answer_decides():
    breaker = in_trial()
    breaker.observe([Evidence(since=102.3, n_failing=1, troubled_at=102.5), Evidence(answered_at=102.6)], 102.7)
    assert breaker.state is HEALTHY


def test_a_trial_waits_for_the_last_login_before_it_fails():
    breaker = in_trial()
    look_until(breaker, 102.9, (Evidence(since=102.3, n_failing=1, troubled_at=102.5, waiting_since=102.4),))
    assert breaker.state is TRIAL
    breaker.observe([Evidence(since=102.3, n_failing=2, troubled_at=102.9, trouble=TIMEOUT)], 103.0)
    assert breaker.state is DOWN
    assert "the login that was to try failed (timeout: a login's call)" in breaker.standing.account


def test_a_trial_whose_login_hangs_fails():
    breaker = in_trial()
    evidence = (Evidence(since=102.3, waiting_since=102.4),)
    look_until(breaker, 103.3, evidence)
    assert breaker.state is TRIAL
    look_until(breaker, 103.5, evidence)
    assert breaker.state is DOWN


def test_in_a_trial_what_was_asked_before_counts_for_nothing():
    breaker = in_trial()
    look_until(breaker, 102.7, (Evidence(since=100.2, n_failing=64, n_overdue=64, waiting_since=100.5),))
    assert breaker.state is TRIAL


def test_without_a_login_a_trial_passes():
    breaker = in_trial()
    look_until(breaker, 102.3 + TRIAL_S + 0.05)
    assert breaker.state is HEALTHY


def test_each_trial_has_a_number_and_an_instant_of_its_own():
    breaker = in_trial()
    standing = breaker.standing
    assert (standing.trial, standing.since, standing.entered_at) == (1, 102.3, 102.3)


def test_while_down_probes_follow_the_plan_whatever_becomes_of_them():
    breaker = down(100.0)
    starts = []
    while len(starts) < 5:
        for decision in look_until(breaker, breaker._looked_at + 0.1):
            assert isinstance(decision, Probe)
            starts.append(decision.started_at)
        probe = breaker._probing.under_way
        if probe is not None and breaker._looked_at >= probe.started_at + PROBE_TIMEOUT_S:
            assert breaker.probed(probe, Failed(Trouble.TIMEOUT, ""), breaker._looked_at) == []
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == pytest.approx([2.0] * 4, abs=0.11)


def test_a_probe_of_a_state_that_is_over_is_not_believed():
    breaker = watched(100.0)
    look_until(breaker, 100.4, (failing(1, 100.2),))
    stale = breaker._probing.under_way
    assert stale is not None
    breaker._happened(BreakerEvent.STREAK_COMPLETE, 100.5)
    assert breaker.probed(stale, Passed(0.0), 100.6) == []


def test_an_answer_and_a_round_that_passed_begin_the_streak_anew():
    breaker = watched(100.0)
    look_until(breaker, 100.4, (failing(2, 100.2),))
    fail_probe(breaker, 100.5)
    assert breaker.streak == 3
    pass_round(breaker, 100.7)
    assert (breaker.streak, breaker.standing.since) == (0, 100.7)
    look_until(breaker, 100.8, (failing(3, 100.2),))
    assert breaker.streak == 0
    look_until(breaker, 101.0, (failing(3, 100.9),))
    assert breaker.streak == 3
    breaker.observe([Evidence(since=101.05, answered_at=101.05)], 101.1)
    assert (breaker.streak, breaker.state) == (0, HEALTHY)


def test_how_long_a_handshake_takes_makes_nobody_more_patient():
    """A ping has a connection of its own, and logins have not; its own time-out has to spare the handshake."""
    breaker = Breaker()
    (ping,) = breaker.observe([], 100.0)
    assert isinstance(ping, Probe)
    (check,) = breaker.probed(ping, Passed(0.0, wire_s=0.2), 100.9)
    assert isinstance(check, Probe)
    assert breaker.standing.ping_s == 0.2
    assert check.timeout_s == pytest.approx(0.9 * PROBE_FACTOR)


def test_what_cannot_happen_raises():
    with pytest.raises(ValueError, match="nobody_came cannot happen to an application that is healthy"):
        Breaker()._happened(BreakerEvent.NOBODY_CAME, 0.0)


def test_every_state_is_in_the_table_and_leads_back_to_healthy():
    assert set(TRANSITIONS) == set(BreakerState)
    reached = {HEALTHY}
    while True:
        more = {state for state, following in TRANSITIONS.items() if reached & set(following.values())}
        if more <= reached:
            break
        reached |= more
    assert reached == set(BreakerState)


def test_fail_mode_and_trial_by_state():
    assert [state for state in BreakerState if state.is_fail_mode_active] == [DOWN, TRIAL, KEYS_REFUSED]
    assert [state for state in BreakerState if state.admits_trial] == [TRIAL]
    assert [tuple(BreakerState)[state.number] for state in BreakerState] == list(BreakerState)


def test_repr():
    assert repr(down(100.0)) == "<Breaker down streak=6 trial=0>"


def test_a_suspicion_is_looked_into_at_once_but_not_more_often_than_a_suspicion_is():
    """Trouble that comes and goes must not make a round of probes each time."""
    breaker, now = Breaker(), 1_000.0
    decisions = breaker.observe([Evidence()], now)
    while probes := [each for each in decisions if isinstance(each, Probe)]:
        decisions = breaker.probed(probes[0], Passed(), now)
    odd = Evidence(troubled_at=now + 0.1, n_failing=1, trouble=TIMEOUT)
    assert [type(each) for each in breaker.observe([odd], now + 0.1)] == [StateChanged]
    assert breaker.observe([odd], now + SUSPECT_INTERVAL_S - 0.01) == []
    assert [type(each) for each in breaker.observe([odd], now + SUSPECT_INTERVAL_S)] == [Probe]


def test_an_answer_of_before_a_pause_says_nothing_of_duo_after_it():
    breaker, now = Breaker(), 1_000.0
    breaker.observe([Evidence()], now)
    breaker.observe([Evidence(troubled_at=now + 0.1, n_failing=1, trouble=TIMEOUT)], now + 0.1)
    assert breaker.state is SUSPECT
    answered = Evidence(troubled_at=now + 0.1, answered_at=now + 0.2)
    breaker.observe([answered], now + 0.2 + PAUSE_S + 1)
    assert breaker.state is SUSPECT
    breaker.observe([Evidence(answered_at=now + 0.4 + PAUSE_S + 1)], now + 0.4 + PAUSE_S + 1)
    assert breaker.state is HEALTHY
