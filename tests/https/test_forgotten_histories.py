"""While new connections work, the loss of any set of kept ones opens nothing, and rejects nobody whose call may be
repeated: the real pool, witness and breaker in thousands of made-up histories, without sockets and without time.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest

from gateway.duoapi.calls import Auth, Call, Factor, Preauth
from gateway.failmode.breaker import Breaker
from gateway.failmode.evidence import Witness
from gateway.failmode.probing import Passed, Probe
from gateway.http1.response import Response
from gateway.https.plan import PoolLimits
from gateway.unavailable import Unavailable
from tests.https.stage import (
    Asked,
    Loop,
    Network,
    StagedPool,
)
from tests.long_form import histories

LOOK_S = 0.1
N_HISTORIES = histories(10_000)
N_CHUNKS = 20


class Watch:
    """A witness and a breaker over the calls of a stage; its probes always pass, on new connections."""

    def __init__(self, network: Network) -> None:
        self._loop = network.loop
        self._network = network
        self.witness = Witness()
        self.breaker = Breaker()
        self.has_opened = False
        self._look()

    def _look(self) -> None:
        standing = self.breaker.standing
        evidence = self.witness.evidence(self._loop.now, standing.since, standing.ping_s)
        self._perform(self.breaker.observe([evidence], self._loop.now))
        self._loop.call_later(LOOK_S, self._look)

    def _perform(self, decisions: list[Any]) -> None:
        self.has_opened |= self.breaker.state.is_fail_mode_active
        for decision in decisions:
            if isinstance(decision, Probe):
                self._loop.call_later(4 * self._network.round_trip_s + 0.01, self._passed, decision)

    def _passed(self, probe: Probe) -> None:
        self._perform(self.breaker.probed(probe, Passed(0.0), self._loop.now))


class Witnessed(Asked):
    """A call that a witness hears of, as of those of `DuoClient`."""

    def __init__(self, watch: Watch, call: Call, pool: StagedPool, **settings: Any) -> None:
        self._watch = watch
        self.call = call
        watch.witness.asked(call, self, pool._network.loop.now)
        super().__init__(pool, **settings)

    def responded(self, outcome: Any, now: float) -> None:
        witness = self._watch.witness
        if isinstance(outcome, Unavailable):
            witness.failed(self.call, self, outcome.trouble, outcome.detail, now - self.asked_at, now)
        else:
            witness.answered(self.call, self, now - self.asked_at, now)
        super().responded(outcome, now)

    def asked_anew(self, now: float) -> None:
        self._watch.witness.forgotten(self)
        self._watch.witness.asked(self.call, self, now)
        super().asked_anew(now)


class History:
    """Logins, and one moment at which connections are forgotten, drawn by lot."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.loop = Loop()
        round_trip_s = chance.choice((0.002, 0.02, 0.05, 0.15))
        self.network = Network(self.loop, round_trip_s, is_proxied=chance.random() < 0.3)
        self.timeout_s = chance.choice((2.0, 10.0)) if round_trip_s <= 0.05 else 10.0  # time enough to ask twice
        self.has_pushes = chance.random() < 0.3
        self.pool = StagedPool(self.network, PoolLimits(spare=chance.choice((0, 8))))
        self.network.answer_s = self._answer_s
        self.watch = Watch(self.network)
        self.calls: list[Witnessed] = []
        self.polls: list[Asked] = []

    def _answer_s(self) -> float:
        if self.timeout_s > 5 and self.chance.random() < 0.02:
            return self.chance.uniform(0.3, 1.5)
        return self.chance.uniform(0.02, 0.3)

    def play(self) -> None:
        chance, loop = self.chance, self.loop
        self.pool.warm(chance.choice((0, 4, 60)))
        rate = chance.choice((3.0, 30.0, 100.0))
        at = chance.choice((0.5, 1.0))
        for number in range(chance.randrange(1, 30)):
            loop.call_later(at, self._login, f"user{number}")
            at += chance.expovariate(rate)
        loop.call_later(chance.uniform(0.4, at), self._lose)
        loop.run_until(loop.now + at)
        while self.unanswered:
            loop.run_until(loop.now + 0.1)
        loop.run_until(loop.now + 3.0)

    @property
    def unanswered(self) -> list[Asked]:
        return [call for call in self.calls if call.outcome is None]

    def _login(self, user: str) -> None:
        self._ask(Preauth(user), self._go_on, is_question=True)

    def _go_on(self, preauth: Asked) -> None:
        assert isinstance(preauth, Witnessed)
        assert isinstance(preauth.call, Preauth)
        user = preauth.call.username
        if self.has_pushes and self.chance.random() < 0.5:
            self._ask(Auth(user, Factor.PUSH), self._poll, is_question=False, is_repeatable=False)
        else:
            self._ask(Auth(user, Factor.PASSCODE, passcode="1"), lambda _: None, is_question=False)

    def _poll(self, push: Asked) -> None:
        if isinstance(push.outcome, Response):
            self.polls.append(Asked(self.pool, waits_for_person=True, timeout_s=75.0))

    def _ask(self, call: Call, then: Callable[[Asked], None], **settings: Any) -> None:
        self.calls.append(Witnessed(self.watch, call, self.pool, then=then, timeout_s=self.timeout_s, **settings))

    def _lose(self) -> None:
        """Most often all, else some; a few are reset at their next use instead."""
        share, reset_share = self.chance.choice((1.0, 1.0, 0.5, 0.1)), self.chance.choice((0.0, 0.0, 0.3))
        for connection in self.network.open_connections:
            if self.chance.random() < share:
                if self.chance.random() < reset_share:
                    connection.is_cut = True
                else:
                    connection.forgotten_at = self.loop.now

    def check(self) -> None:
        for call in self.calls:
            assert call.outcome is not None
            if call.exchange.is_repeatable:
                assert isinstance(call.outcome, Response)
            elif isinstance(call.outcome, Unavailable):
                assert call.outcome.may_have_acted
            if not call.exchange.is_repeatable:
                assert len(self.network.carriers_of(call)) == 1
        # Far away behind a proxy no scout can be quick enough; probes that pass must hold fail mode back then.
        if not self.has_pushes and not (self.network.is_proxied and self.network.round_trip_s > 0.02):
            assert not self.watch.has_opened
        counts = self.pool.counts
        n_polls = sum(poll.outcome is None for poll in self.polls)
        assert (counts.busy, counts.opening, counts.waiting) == (n_polls, 0, 0)
        assert len(self.network.open_connections) == len(self.pool._connections) == counts.idle + n_polls


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_the_loss_of_any_kept_connections_opens_nothing_and_rejects_nobody(chunk: int) -> None:
    for seed in range(chunk, N_HISTORIES, N_CHUNKS):
        history = History(seed)
        history.play()
        try:
            history.check()
        except AssertionError as error:
            error.add_note(f"in the history of seed {seed}")
            raise
