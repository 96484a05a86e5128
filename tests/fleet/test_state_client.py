"""Two workers of two hosts, and a real store: a State that one of them has used, the other does not take."""

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from gateway.engine.challenges.kept import Kept
from gateway.engine.challenges.records import ChallengeRecord, kept_record, unpacked_challenge
from gateway.engine.passed_on import PassedOn
from gateway.fleet.patience import Away
from gateway.fleetapi.questions import Unused, UsedBefore, UseState
from tests.fleet.client_hosts import LOGIN, Host, play, until
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = [pytest.mark.integration, needs_store]

NAME = b"n" * 16
OTHER = b"other login 16 o"
KEPT = Kept(PassedOn(b"\x19\x05key", "home", bytes(16)), b"theirs", "home")


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def question(login: bytes = LOGIN, *, wants_kept: bool = False) -> UseState:
    return UseState(NAME, 300.0, wants_kept=wants_kept, number=1, login=login)


def record() -> ChallengeRecord:
    record = kept_record(NAME, int(time.time()) + 300, KEPT)
    assert record is not None
    return record


def test_a_state_is_used_once_across_hosts(store):
    async def scene(a: Host, b: Host) -> None:
        assert await a.ask(question()) == Unused()
        assert await b.ask(question(OTHER)) == UsedBefore("gw-a")
        again = await b.ask(question())
        assert 0 < again.again_s < 60

    play(scene, store)


def test_what_one_host_keeps_another_one_has(store):
    async def scene(a: Host, b: Host) -> None:
        a.client.keep_for_state(record(), 300.0)
        await a.client.told()
        found = await b.ask(question(wants_kept=True))
        assert unpacked_challenge(found.kept).kept == KEPT

    play(scene, store)


def test_what_comes_to_the_store_a_little_later_is_waited_for(store):
    async def scene(a: Host, b: Host) -> None:
        found = asyncio.get_running_loop().create_future()
        b.client.ask(question(wants_kept=True), found.set_result)
        await b.client.told()  # the store has been asked, and had nothing
        a.client.keep_for_state(record(), 300.0)
        answer = await found
        assert unpacked_challenge(answer.kept).kept == KEPT
        assert answer.again_s == 0  # it is the first time all the same

    play(scene, store)


def test_what_nobody_keeps_is_not_waited_for_for_ever_and_says_nothing_of_the_store(store):
    async def scene(a: Host, _b: Host) -> None:
        assert await a.ask(question(wants_kept=True)) == Unused()
        assert a.patience.away is None

    play(scene, store)


def test_a_question_that_is_cancelled_is_not_answered_and_the_state_is_used_all_the_same(store):
    async def scene(a: Host, b: Host) -> None:
        heard: list[object] = []
        a.client.ask(question(), heard.append).cancel()
        await a.client.told()
        assert await b.ask(question(OTHER)) == UsedBefore("gw-a")
        assert heard == []

    play(scene, store)


@pytest.mark.parametrize("wants_kept", [False, True])
def test_a_store_that_is_gone_keeps_nobody_waiting(store, wants_kept):
    async def scene(a: Host, _b: Host) -> None:
        store.kill()
        await until(lambda: not a.client.is_usable)
        a.client.keep_for_state(record(), 300.0)
        assert await a.ask(question(wants_kept=wants_kept)) == Unused()

    play(scene, store)


@pytest.mark.parametrize("wants_kept", [False, True])
def test_a_store_that_stands_still_costs_a_login_its_patience_and_no_more(store, wants_kept):
    async def scene(a: Host, _b: Host) -> None:
        store.send_signal(signal.SIGSTOP)
        try:
            assert await a.ask(question(wants_kept=wants_kept)) == Unused()
        finally:
            store.send_signal(signal.SIGCONT)

    play(scene, store)


def test_a_store_that_is_late_is_told_all_the_same_and_waited_for_where_something_is_kept(store):
    async def scene(a: Host, b: Host) -> None:
        b.client.keep_for_state(record(), 300.0)
        await b.client.told()
        a.patience._leave(Away.LATE, "late", asyncio.get_running_loop().time() + 100.0)
        found = await a.ask(question(wants_kept=True))
        assert found.kept
        assert await a.ask(question(OTHER)) == Unused()  # it is not waited for
        assert await b.ask(question(OTHER)) == UsedBefore("gw-a")

    play(scene, store)


def test_a_store_that_refuses_keeps_nobody_out(store):
    async def scene(a: Host, _b: Host) -> None:
        store.ask("CONFIG", "SET", "maxmemory", "1")
        assert await a.ask(question()) == Unused()

    play(scene, store)
