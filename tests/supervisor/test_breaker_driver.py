"""The breakers' driver with a scripted Duo and a clock that is handed on; a loop only where it starts and stops."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.duoapi.calls import Answer, AuthAnswer, Call, Check, Ping, Refusal, Time
from gateway.failmode.breaker import LOGINS_WELL_S, MOST_TRIALS, Breaker, Standing
from gateway.failmode.evidence import Evidence
from gateway.failmode.probing import EARLY_PROBE_TIMEOUT_S, PROBE_TIMEOUT_S, Failed, Passed, ProbeOutcome, Refused
from gateway.failmode.states import BreakerState
from gateway.supervisor.breaker_driver import BreakerDriver, WatchedApplication, outcome_of
from gateway.unavailable import Trouble, Unavailable
from gateway.words.explanations import (
    LOGINS_FAIL,
    TROUBLES,
)

KEY = "api-test0001.duosecurity.com:443/DIXXXXXXXXXXXXXXXXXX"
UNIX_NOW = 1_741_083_330.0
CONSEQUENCE = "users get in without a second factor at [radius_server_duo_only] (failmode=safe)"
SENTENCE = "Users get in without a second factor at [radius_server_duo_only] (failmode=safe)"
REFUSED = Unavailable(Trouble.CONNECT, "connection refused by 127.0.0.1:443")
WRONG_KEYS = Unavailable(Trouble.CONFIGURATION, "Duo answered 40103 Invalid signature; check skey")


class Question:
    def __init__(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> None:
        self.call = call
        self.answer = on_answer
        self.is_cancelled = False
        self.wire_s = 0.05

    def cancel(self) -> None:
        self.is_cancelled = True


class Duo:
    """Answers as `says`: an answer, a trouble, or nothing for None; an internal error if it is an exception."""

    def __init__(self) -> None:
        self.says: Callable[[Call], Any] = lambda call: Time(int(UNIX_NOW))
        self.questions: list[Question] = []
        self.unheard: list[Question] = []

    def ask(self, call: Call, on_answer: Callable[[Answer | Unavailable], None]) -> Question:
        question = Question(call, on_answer)
        self.questions.append(question)
        if isinstance(self.says(call), RuntimeError):
            raise self.says(call)
        self.unheard.append(question)
        return question

    def deliver(self) -> None:
        """Answer what has been asked, never before `ask` has returned."""
        while self.unheard:
            question = self.unheard.pop(0)
            answer = self.says(question.call)
            if answer is not None and not question.is_cancelled:
                question.answer(answer)


class Stage:
    """A watch over one application, or several that share a Duo."""

    def __init__(self, *keys: str) -> None:
        self.now = 1_000.0
        self.duo = Duo()
        self.breakers = {key: Breaker() for key in keys or (KEY,)}
        self.evidence: list[Evidence] = []
        self.published: list[tuple[str, Standing]] = []
        self.fails_for = ""
        self.driver = BreakerDriver(
            [WatchedApplication(key, breaker, self.duo, CONSEQUENCE) for key, breaker in self.breakers.items()],
            self._read,
            lambda key, standing: self.published.append((key, standing)),
            clock=lambda: self.now,
            wall_clock=lambda: UNIX_NOW,
        )

    def _read(self, key: str) -> list[Evidence]:
        if key == self.fails_for:
            raise RuntimeError("alice")
        return self.evidence

    def run(self, seconds: float) -> "Stage":
        for _ in range(round(seconds * 10)):
            self.now = round(self.now + 0.1, 3)
            self.driver.step()
            self.duo.deliver()
        return self

    @property
    def breaker(self) -> Breaker:
        return self.breakers[KEY]

    def is_in(self, state: BreakerState) -> bool:
        return self.published[-1][1].state is state

    def fail(self, n_users: int) -> None:
        """Let calls of users fail that have just been asked."""
        at = self.now + 0.05
        self.evidence = [Evidence(since=self.now, troubled_at=at, n_failing=n_users, n_lately=n_users, trouble=2)]

    def go_away(self) -> "Stage":
        """Let fail mode begin."""
        self.duo.says = lambda call: REFUSED
        self.fail(5)
        self.run(1.2)
        assert self.breaker.state is BreakerState.DOWN
        self.evidence = []
        self.duo.says = lambda call: Time(int(UNIX_NOW))
        return self

    def fail_trial(self) -> None:
        """Let the next trial come, and its login fail."""
        while not self.is_in(BreakerState.TRIAL):
            self.run(0.1)
        self.fail(1)
        self.run(0.2)
        self.evidence = []

    def another_driver(self) -> BreakerDriver:
        """Return one of the same breaker, as after a reload."""
        self.driver.stop()
        return BreakerDriver(
            [WatchedApplication(KEY, self.breaker, self.duo, CONSEQUENCE)],
            self._read,
            lambda key, standing: self.published.append((key, standing)),
            clock=lambda: self.now,
            wall_clock=lambda: UNIX_NOW,
        )


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, level: int) -> list[str]:
        return [record.getMessage() for record in self.records if record.levelno == level]

    @property
    def loud(self) -> list[logging.LogRecord]:
        return [record for record in self.records if record.levelno > logging.DEBUG]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("gateway.health")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)


def test_the_first_look_publishes_and_asks_ping_and_then_check(lines: Lines):
    stage = Stage().run(0.1)
    assert {(key, standing.state) for key, standing in stage.published} == {(KEY, BreakerState.HEALTHY)}
    assert [type(question.call) for question in stage.duo.questions] == [Ping, Check]
    assert lines.loud == []


def test_fail_mode_has_a_line_when_it_begins_and_one_when_it_ends(lines: Lines):
    stage = Stage().run(1)
    stage.duo.says = lambda call: REFUSED
    stage.fail(3)
    stage.run(2)
    assert stage.is_in(BreakerState.DOWN)
    stage.evidence = []
    stage.duo.says = lambda call: Time(int(UNIX_NOW))
    stage.run(4)
    assert stage.is_in(BreakerState.HEALTHY)
    begins, ends = lines.loud
    assert (begins.levelno, ends.levelno) == (logging.WARNING, logging.INFO)
    assert begins.getMessage() == (
        "Fail mode begins: Duo does not answer (users with a failed call: 3, failed probes: 2; "
        f"the last trouble was connect: ping: connection refused by 127.0.0.1:443). {SENTENCE}"
    )
    assert begins.__dict__["fields"] == {
        "application": "DIXXXXXXXXXXXXXXXXXX",
        "api_host": "api-test0001.duosecurity.com:443",
        "state": "down",
        "hint": TROUBLES[Trouble.CONNECT].remedy,
    }
    assert ends.getMessage() == "Fail mode has ended after 2.5 s: Ping and check pass"
    assert "ping did not pass (connect: connection refused by 127.0.0.1:443)" in lines.of(logging.DEBUG)


def test_a_trial_that_fails_is_no_news_at_the_default_level(lines: Lines):
    stage = Stage().run(1).go_away()
    for _ in range(MOST_TRIALS - 1):
        stage.fail_trial()
        assert stage.is_in(BreakerState.DOWN)
    assert len(lines.loud) == 1


def test_the_end_that_logins_fail_after_all_is_a_warning_with_what_that_means(lines: Lines):
    stage = Stage().run(1).go_away()
    for _ in range(MOST_TRIALS):
        stage.fail_trial()
    assert stage.is_in(BreakerState.SUSPECT)
    _, ends = lines.loud
    assert ends.levelno == logging.WARNING
    assert ends.getMessage().startswith("Fail mode has ended after ")
    assert ends.getMessage().endswith(
        "s: Ping and check pass, but logins fail and are decided one by one (users with a failed call: 1; "
        f"the last trouble was connect: a login's call). Of these, {CONSEQUENCE}"
    )


def test_logins_that_fail_although_ping_and_check_pass_are_told_once_and_when_they_are_well(lines: Lines):
    stage = Stage().run(1)
    for _ in range(20):
        stage.fail(6)
        stage.run(0.5)
    assert stage.is_in(BreakerState.SUSPECT)
    stage.driver = stage.another_driver()
    stage.fail(6)
    stage.run(1)
    (begins,) = lines.loud
    assert begins.levelno == logging.WARNING
    assert begins.getMessage() == (
        "Ping and check pass, but logins fail and are decided one by one (users with a failed call: 6; "
        f"the last trouble was connect: a login's call). Of these, {CONSEQUENCE}"
    )
    assert begins.__dict__["fields"]["hint"] == LOGINS_FAIL
    stage.evidence = []
    stage.run(LOGINS_WELL_S + 1)
    assert lines.of(logging.INFO) == ["Logins fail no more: Ping and check pass, and no more logins fail"]


def test_what_a_pings_handshake_took_is_no_measure_for_logins():
    stage = Stage().run(0.1)
    assert stage.breaker.standing.ping_s == Question(Ping(), lambda answer: None).wire_s


def test_wrong_keys_are_an_error_with_words_of_their_own(lines: Lines):
    stage = Stage()
    stage.duo.says = lambda call: WRONG_KEYS if isinstance(call, Check) else Time(int(UNIX_NOW))
    stage.run(1)
    assert stage.is_in(BreakerState.KEYS_REFUSED)
    (line,) = lines.of(logging.ERROR)
    assert line == (
        "Fail mode begins: Duo refuses this application's keys: configuration: "
        f"Duo answered 40103 Invalid signature; check skey. {SENTENCE}"
    )


def test_another_cause_of_fail_mode_is_told(lines: Lines):
    stage = Stage()
    stage.duo.says = lambda call: REFUSED
    stage.run(2)
    stage.duo.says = lambda call: WRONG_KEYS if isinstance(call, Check) else Time(int(UNIX_NOW))
    stage.run(3)
    assert [record.levelno for record in lines.loud] == [logging.WARNING, logging.ERROR]
    assert lines.loud[1].getMessage().startswith("Fail mode goes on: Duo refuses this application's keys")


def test_a_clock_that_is_off_is_told_once_and_when_it_is_right_again(lines: Lines):
    stage = Stage()
    stage.duo.says = lambda call: Time(int(UNIX_NOW) - 600)
    stage.run(30)
    stage.fail(1)
    stage.run(1)
    assert stage.is_in(BreakerState.SUSPECT)
    stage.evidence = []
    stage.run(10)
    assert lines.of(logging.WARNING) == [
        "This machine's clock is 600 s ahead of Duo's; calls are dated by Duo's clock",
    ]
    assert lines.loud[0].__dict__["fields"]["state"] == "clock_skewed"
    stage.duo.says = lambda call: Time(int(UNIX_NOW))
    stage.run(15)
    assert lines.of(logging.INFO) == ["This machine's clock agrees with Duo's again"]


def test_a_probe_has_a_time_out_of_its_own(lines: Lines):
    stage = Stage().run(1)
    stage.fail(1)
    stage.duo.says = lambda call: None
    stage.run(0.2)
    stage.run(EARLY_PROBE_TIMEOUT_S + 0.1)
    assert stage.breaker.streak == 2
    assert "ping did not pass (timeout: no answer within 0.75 s)" in lines.of(logging.DEBUG)


def test_a_ping_that_is_answered_late_tells_how_slow_duo_is():
    stage = Stage()
    stage.duo.says = lambda call: None
    stage.run(20)
    assert stage.is_in(BreakerState.DOWN)
    ping = next(each for each in reversed(stage.duo.questions) if not each.is_cancelled)
    stage.run(PROBE_TIMEOUT_S + 0.5)
    stage.duo.says = lambda call: Time(int(UNIX_NOW))
    ping.wire_s = PROBE_TIMEOUT_S + 0.5
    ping.answer(Time(int(UNIX_NOW)))
    stage.run(0.2)
    assert stage.is_in(BreakerState.TRIAL)
    assert stage.breaker.standing.ping_s > PROBE_TIMEOUT_S


def test_few_probes_of_an_application_are_under_way():
    """One each 2 s, for as long as a late answer would tell anything."""
    stage = Stage()
    stage.duo.says = lambda call: None
    stage.run(20)
    assert stage.is_in(BreakerState.DOWN)
    assert sum(not question.is_cancelled for question in stage.duo.questions) <= 3


def test_health_is_published_when_it_differs_and_at_no_other_time():
    stage = Stage().run(1)
    stage.published.clear()
    stage.run(5)
    assert stage.published == []
    stage.evidence = [Evidence(since=stage.now, answered_at=stage.now)]
    answered_at = stage.now
    stage.run(1)
    assert [(standing.state, standing.since) for _, standing in stage.published] == [
        (BreakerState.HEALTHY, answered_at)
    ]


def test_the_workers_hear_of_fail_mode_before_the_log_does(lines: Lines):
    stage = Stage().run(1)
    order: list[str] = []
    stage.driver._watched[0]._publish = lambda _, standing: order.append(standing.state)
    lines.emit = lambda record: order.append(record.levelname)  # type: ignore[method-assign]
    stage.go_away()
    assert order[-2:] == ["down", "WARNING"]


def test_a_mistake_of_ours_with_one_application_leaves_the_others_alone():
    other = "api-test0002.duosecurity.com:443/DIYYYYYYYYYYYYYYYYYY"
    stage = Stage(KEY, other)
    stage.fails_for = KEY
    stage.run(1)
    assert {key for key, _ in stage.published} == {other}


def test_a_probe_that_cannot_be_asked_says_nothing_about_duo():
    stage = Stage()
    stage.duo.says = lambda call: RuntimeError("a mistake")
    stage.run(200)
    assert stage.is_in(BreakerState.HEALTHY)
    n_before = len(stage.duo.questions)
    stage.duo.says = lambda call: Time(int(UNIX_NOW))
    stage.run(61)
    assert len(stage.duo.questions) >= n_before + 2


def test_a_publisher_that_fails_is_asked_again():
    stage = Stage().run(1)
    published: list[BreakerState] = []
    fail = [True]

    def publish(_key: str, standing: Standing) -> None:
        if fail.pop() if fail else False:
            raise RuntimeError
        published.append(standing.state)

    stage.driver._watched[0]._publish = publish
    stage.fail(1)
    stage.run(0.5)
    assert set(published) == {BreakerState.SUSPECT}


def test_a_breaker_may_serve_another_driver_after_a_reload():
    stage = Stage()
    stage.duo.says = lambda call: REFUSED
    stage.run(3)
    stage.driver.stop()
    assert stage.duo.questions[-1].is_cancelled or not stage.duo.unheard
    application = WatchedApplication(KEY, stage.breaker, stage.duo, CONSEQUENCE)
    published: list[Standing] = []
    stage.driver = BreakerDriver(
        [application], stage._read, lambda _, standing: published.append(standing), clock=lambda: stage.now
    )
    stage.run(0.1)
    assert published[0].state is BreakerState.DOWN


def is_asked(question: Question) -> bool:
    return not question.is_cancelled


def test_a_probe_that_was_dropped_for_a_reload_is_asked_again_and_the_end_is_told(lines: Lines):
    """A reload in the middle of an outage: the next watch must find out when it is over, and say so."""
    stage = Stage()
    stage.duo.says = lambda call: REFUSED
    stage.run(10)
    stage.duo.says = lambda call: None
    while not is_asked(stage.duo.questions[-1]) or stage.driver._watched[0]._probe is None:
        stage.run(0.1)
    stage.driver = stage.another_driver()
    assert not is_asked(stage.duo.questions[-1])
    stage.duo.says = lambda call: Time(int(UNIX_NOW))
    stage.run(4)
    assert stage.is_in(BreakerState.HEALTHY)
    assert "Fail mode has ended" in lines.records[-1].getMessage()


def test_it_runs_on_the_loop_until_it_is_stopped():
    async def scenario():
        stage = Stage()
        stage.duo.says = lambda call: None
        stage.driver.start()
        n_published = len(stage.published)
        stage.driver.stop()
        return n_published, stage.duo.questions[0].is_cancelled

    assert asyncio.run(scenario()) == (1, True)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Time(int(UNIX_NOW) + 90), Passed(90.0)),
        (Time(None), Passed(None)),
        (REFUSED, Failed(Trouble.CONNECT, "connection refused by 127.0.0.1:443")),
        (WRONG_KEYS, Refused(Trouble.CONFIGURATION, "Duo answered 40103 Invalid signature; check skey")),
        (Unavailable(Trouble.CLOCK, "40105"), Refused(Trouble.CLOCK, "40105")),
        (Unavailable(Trouble.RATE_LIMIT, "429"), Failed(Trouble.RATE_LIMIT, "429")),
        (Refusal(403, 0, "a firewall"), Failed(Trouble.BAD_ANSWER, "HTTP 403 'a firewall'")),
        (AuthAnswer("allow"), Failed(Trouble.BAD_ANSWER, "an answer that was not asked for: AuthAnswer")),
    ],
)
def test_what_an_answer_to_a_probe_means(answer: Answer | Unavailable, outcome: ProbeOutcome):
    assert outcome_of(answer, UNIX_NOW) == outcome
