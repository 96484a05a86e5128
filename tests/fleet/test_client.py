"""Two workers of two hosts, and a real store between them: what one asks, the other has."""

import asyncio
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from gateway.engine.effects import ShareEnd, ShareLogin
from gateway.engine.records import packed_verdict
from gateway.engine.verdict import ACCEPT, Reason, Verdict
from gateway.fleet.effects import Displaced, Outcome
from gateway.fleet.hosts import LEASE_S
from gateway.fleet.patience import Away
from gateway.fleetapi.names import record_key
from gateway.fleetapi.questions import Decided, Granted, Join, Joined, Lost, Released, TakenOver
from tests.fleet.client_hosts import KEY, LOGIN, Host, play, until
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = [pytest.mark.integration, needs_store]

ALLOWED = Verdict(ACCEPT, Reason.DUO_ALLOWED, "Success.", "Duo says so")


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


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


def test_the_loop_is_not_woken_for_a_claim_that_is_answered(store):
    async def scene(a: Host, _b: Host) -> None:
        asking = asyncio.ensure_future(a.claim())
        await asyncio.sleep(0)
        assert a.client._timer is not None
        await asking
        assert a.client._timer is None

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


def test_a_push_is_left_and_taken_once_duos_time_is_known_at_both(store):
    async def scene(a: Host, b: Host) -> None:
        a.duo_time = b.duo_time = None
        granted = await a.claim()
        await b.claim()
        joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        await a.client.told()
        assert store.ask("HGET", record_key(LOGIN), "s") == b"asking"
        a.duo_time = 1_000.0
        a.client.duo_has_told()
        await a.client.told()
        assert store.ask("HGET", record_key(LOGIN), "s") == b"pushed"
        a.end(None, granted.held)
        await until(lambda: b.n_asked_for_time)
        assert not joining.done()
        b.duo_time = 1_000.0
        b.client.duo_has_told()
        assert isinstance(await joining, TakenOver)

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


def test_as_long_as_a_store_stands_still_no_silence_is_believed(store):
    async def scene(a: Host, _b: Host) -> None:
        def is_believed() -> bool:
            return a.client.hosts.is_gone("f" * 16, time.monotonic() + 2 * LEASE_S)

        assert is_believed()
        store.send_signal(signal.SIGSTOP)
        try:
            await until(lambda: not is_believed())
            assert a.client.is_usable  # its connections are not given up yet
        finally:
            store.send_signal(signal.SIGCONT)
        await until(is_believed)

    play(scene, store)


def test_whether_logins_are_shared_is_told_when_it_changes(store):
    async def scene(a: Host, _b: Host) -> None:
        assert (a.standings[0], a.standings[-1]) == ("not_connected", "shared")
        store.ask("CONFIG", "SET", "maxmemory", "1")
        await a.claim()
        await until(lambda: a.standings[-1] == "full")
        store.ask("CONFIG", "SET", "maxmemory", "0")
        await until(lambda: a.standings[-1] == "shared")
        store.kill()
        await until(lambda: a.standings[-1] == "not_connected")
        assert all(one != other for one, other in pairwise(a.standings))

    play(scene, store)


def test_who_hears_nobody_does_not_share(store):
    async def scene(a: Host, _b: Host) -> None:
        store.ask("CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: "deaf" in a.standings)
        await until(lambda: a.standings[-1] == "shared")

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


def test_a_gateway_that_was_killed_goes_on_under_a_name_that_is_heard(store):
    """What it writes next is under the instance that beats, and another host that has the push tells it so."""

    async def scene(a: Host, b: Host) -> None:
        granted = await a.claim()
        a.client.share(ShareLogin(a.pending(granted.held, txid="tx-1")))
        await a.client.told()
        again = await Host(store, "c").start()
        try:
            again.client.share(ShareLogin(again.pending(granted.held, 7, "tx-1")))
            await again.client.told()
            await until(lambda: store.ask("HGET", record_key(LOGIN), "s") == b"pushed")
            assert store.ask("HGET", record_key(LOGIN), "o").startswith(again.instance.encode())
            assert await b.claim() == Joined("gw-c")
            joining = asyncio.ensure_future(b.ask(Join(1, LOGIN)))
            again.client.leave_pushes("app", are_left=True)
            assert isinstance(await joining, TakenOver)
            await until(lambda: again.displaced)
        finally:
            await again.client.close()

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
