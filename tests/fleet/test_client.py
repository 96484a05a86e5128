"""Two workers of two hosts, and a real store between them: what one asks, the other has."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from gateway.duoapi.calls import Factor
from gateway.engine.effects import ShareEnd, ShareLogin
from gateway.engine.login import Login
from gateway.engine.login_standing import LoginPolicy
from gateway.engine.pending import PendingLogin
from gateway.engine.records import packed_verdict
from gateway.engine.typed_factor import TypedFactor
from gateway.engine.verdict import ACCEPT, Reason, Verdict
from gateway.fleet.client import FleetClient
from gateway.fleet.effects import Displaced, Outcome
from gateway.fleet.opening import Opener, StoreAccess
from gateway.fleet.patience import Away, Patience
from gateway.fleetapi.address import parse_addresses
from gateway.fleetapi.questions import Claim, Decided, Granted, Held, Join, Joined, Lost, Released
from gateway.fleetapi.sealing import Sealer
from gateway.https.resolver import Resolver
from tests.engine.scene import section_of
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = [pytest.mark.integration, needs_store]

KEY = bytes(range(32))
LOGIN = b"l" * 16
PACKET = b"p" * 16
ALLOWED = Verdict(ACCEPT, Reason.DUO_ALLOWED, "Success.", "Duo says so")
WAIT_S = 20.0


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


class Host:
    """A worker of a host: what it has asked, and was answered."""

    def __init__(self, store: RedisServer, digit: str, key: bytes = KEY) -> None:
        self.instance = digit * 16
        self.outcomes: list[Outcome] = []
        self.displaced: list[Any] = []
        self.waited: list[float] = []
        self.patience = Patience(1.0)  # the machine may be busy: no claim is late here
        clock = asyncio.get_running_loop().time
        access = StoreAccess(parse_addresses(f"unix://{store.path}"), "", None)
        self.client = FleetClient(
            self.instance,
            f"gw-{digit}",
            Opener(access, Resolver(clock), clock),
            self.patience,
            Sealer([key], os.urandom),
            os.urandom,
            lambda: 1_000.0,
            self.outcomes.append,
            self.waited.append,
            self.displaced.append,
        )
        self._n = 0

    async def start(self) -> "Host":
        self.client.start()
        await until(lambda: self.client.is_usable)
        return self

    def owner(self) -> str:
        self._n += 1
        return f"{self.instance}:{self._n:016x}"

    async def claim(self, number: int = 1, login: bytes = LOGIN) -> Any:
        return await self.ask(Claim(number, login, self.owner(), PACKET))

    async def ask(self, question: Claim | Join) -> Any:
        answered = asyncio.get_running_loop().create_future()
        self.asking = self.client.ask(question, answered.set_result)
        assert not answered.done()  # an answer comes in a later turn
        return await asyncio.wait_for(answered, WAIT_S)

    def pending(self, held: Held, number: int = 1, txid: str = "") -> PendingLogin:
        """As the engine has it."""
        login = Login(LoginPolicy("app"), "alice")
        login.ask_duo(TypedFactor(Factor.PUSH), Reason.NO_PASSWORD, preauth_always=True, now=0.0)
        login.held, login.txid = held, txid
        pending = PendingLogin(number, login, section_of(), b"", 0, 0.0)
        pending.fleet_key = LOGIN
        return pending

    def end(self, verdict: Verdict | None, held: Held, *, is_asked: bool = True) -> None:
        self.client.end(ShareEnd(self.pending(held), verdict, is_asked, []))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.005)


def play(scene: Callable[..., Coroutine[Any, Any, None]], store: RedisServer) -> None:
    async def both() -> None:
        hosts = [await Host(store, digit).start() for digit in "ab"]
        try:
            await scene(*hosts)
        finally:
            for host in hosts:
                await host.client.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(both())


def test_the_second_joins_and_hears_the_verdict(store):
    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        assert isinstance(granted, Granted)
        assert await b.claim() == Joined("gw-a")
        joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        a.end(ALLOWED, granted.held)
        assert await joining == Decided("gw-a", packed_verdict(ALLOWED))
        assert (a.outcomes, b.outcomes) == ([Outcome.GRANTED], [Outcome.JOINED])
        assert len(a.waited) == len(b.waited) == 1

    play(scene, store)


def test_what_was_given_up_before_duo_was_asked_can_be_claimed(store):
    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        await b.claim()
        joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
        a.end(None, granted.held, is_asked=False)
        assert await joining == Released("gw-a")
        assert isinstance(await b.claim(), Granted)

    play(scene, store)


def test_what_may_have_been_pushed_without_a_name_is_lost(store):
    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        await b.claim()
        joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
        a.end(None, granted.held, is_asked=True)
        assert await joining == Lost("gw-a")

    play(scene, store)


def test_a_push_that_is_left_is_taken_over_at_once(store):
    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        await b.claim()
        joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        a.end(None, granted.held)
        taken = await joining
        assert (taken.host, taken.txid, taken.factor, taken.held.epoch) == ("gw-a", "tx-1", "push", 2)

    play(scene, store)


def test_a_question_that_is_cancelled_is_not_answered(store):
    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        await b.claim()
        heard: list[Any] = []
        b.client.ask(Join(1, LOGIN), heard.append).cancel()
        a.end(ALLOWED, granted.held)
        await b.claim(2, b"other login 16 o")
        assert heard == []

    play(scene, store)


def test_a_login_that_another_host_took_over_is_not_held_here_for_ever(store):
    async def scene(a: Host, _b: Host) -> None:
        granted = await a.claim()
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        a.client._perform([Displaced(1)])
        assert len(a.displaced) == 1
        assert not a.client._shared

    play(scene, store)


def test_a_question_that_is_an_error_of_ours_leaves_nothing_behind(store):
    async def scene(a: Host, _b: Host) -> None:
        claiming = asyncio.ensure_future(a.claim())
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="here already"):
            await a.claim()
        assert isinstance(await claiming, Granted)
        assert not a.client._asked
        assert not a.client._claiming

    play(scene, store)


def test_a_store_that_is_gone_keeps_nobody_and_one_that_is_back_is_shared_with_again(store):
    async def scene(a: Host, b: Host) -> None:
        store.kill()
        await until(lambda: not a.client.is_usable and not b.client.is_usable)
        assert isinstance(await a.claim(), Granted)
        store.start()
        await until(lambda: a.client.is_usable and b.client.is_usable)
        await a.client.told()  # what it has, again
        assert await b.claim() == Joined("gw-a")
        assert a.outcomes == [Outcome.ALONE_AWAY]

    play(scene, store)


def test_a_store_that_stands_still_costs_a_login_its_patience_and_no_more(store):
    async def scene(a: Host, _b: Host) -> None:
        store.send_signal(signal.SIGSTOP)
        try:
            assert isinstance(await a.claim(), Granted)
        finally:
            store.send_signal(signal.SIGCONT)
        assert a.outcomes[0] in (Outcome.ALONE_LATE, Outcome.ALONE_AWAY)

    play(scene, store)


def test_hosts_with_different_keys_know_nothing_of_each_other(store):
    async def scene(a: Host, _b: Host) -> None:
        other = await Host(store, "c", bytes(reversed(KEY))).start()
        try:
            assert isinstance(await a.claim(), Granted)
            assert isinstance(await other.claim(), Granted)
            assert other.outcomes == [Outcome.ALONE_UNREADABLE]
        finally:
            await other.client.close()

    play(scene, store)


def test_a_successor_goes_on_under_the_same_name(store):
    """It knows the login from its predecessor's journal."""

    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        successor = await Host(store, "a").start()
        try:
            successor.client.share(ShareLogin(successor.pending(granted.held, 7, "tx-1")))
            await b.claim()
            joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
            successor.client.end(ShareEnd(successor.pending(granted.held, 7), ALLOWED, True, []))
            assert await joining == Decided("gw-a", packed_verdict(ALLOWED))
        finally:
            await successor.client.close()

    play(scene, store)


def test_who_begins_waits_until_logins_are_shared_but_not_for_a_store_that_is_away(store):
    async def scene(a: Host, b: Host) -> None:
        late = Host(store, "c")
        late.client.start()
        await late.client.usable()
        assert late.client.is_usable
        await late.client.close()
        store.kill()
        early = Host(store, "d")
        early.client.start()
        await early.client.usable()
        assert not early.client.is_usable
        await early.client.close()

    play(scene, store)


def test_a_store_that_is_late_is_told_all_the_same_whose_a_login_is(store):
    async def scene(a: Host, b: Host) -> None:
        a.patience._leave(Away.LATE, "late", 0.0)
        store.send_signal(signal.SIGSTOP)
        try:
            assert isinstance(await a.claim(), Granted)
        finally:
            store.send_signal(signal.SIGCONT)
        assert a.outcomes == [Outcome.ALONE_LATE]
        assert await b.claim() == Joined("gw-a")

    play(scene, store)
