"""The store's connection against scripted peers: hostile, cut off, slow, forgetful, and not who they should be."""

import asyncio
import os
import socket
import time

import pytest

from gateway.fleet import connection, line
from gateway.fleet.patience import Away
from gateway.fleet.scripts import CLAIM, LOOK, SCRIPTS, WRITE
from gateway.fleetapi.names import PROBE_KEYS
from gateway.fleetapi.resp import Refused
from tests.compiled import only_interpreted
from tests.fleet.client_hosts import until
from tests.fleet.peer import CLAIMING, KEY, MINE, StoreVisit, code, ordinary, stay, store_peer
from tests.fleet.stage import on_stage
from tests.https.peer import run


def test_commands_of_one_turn_leave_together_and_are_answered_in_their_order():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        commands = [await visit.command() for _ in range(100)]
        visit.send(b"".join(b"$%d\r\n%b\r\n" % (len(words[1]), words[1]) for words in commands))
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            answers = await asyncio.gather(*[stage.command(b"ECHO", b"%d" % n) for n in range(100)])
        assert answers == [b"%d" % n for n in range(100)]

    run(scene())


HOSTILE = {
    "no protocol": b"HTTP/1.1 200 OK\r\n\r\n",
    "RESP3": b"%1\r\n+a\r\n:1\r\n",
    "a huge array": b"*4294967295\r\n:1\r\n",
    "a deep array": b"*1\r\n" * 50 + b":1\r\n",
    "a huge string": b"$536870912\r\n" + b"x" * 70_000,
    "a long line": b"+" + b"x" * 200_000,
    "no number": b":many\r\n",
    "too many answers": MINE * 3,
}


@pytest.mark.parametrize("octets", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_answer_ends_the_connection_and_another_one_is_opened(octets):
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        if visit.number == 1:
            await visit.command()
            visit.send(octets)
            await visit.until_client_leaves()
        while True:
            await visit.command()
            visit.send(MINE)

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            first = await stage.run(CLAIM, KEY, *CLAIMING)
            assert first == 1 or code(first) == "CONNECTIONLOST"
            await stage.until_connected(2)
            assert await stage.run(CLAIM, KEY, *CLAIMING) == 1

    run(scene())


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b":-1\r\n", -1),
        (b"$-1\r\n", None),
        (b"*0\r\n", []),
        (b"*2\r\n$7\r\nmessage\r\n-ERR b\r\n", [b"message", Refused("ERR", "ERR b")]),
        (b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n", [b"message", b"a", b"b"]),
    ],
)
def test_an_answer_of_another_form_is_handed_on_as_it_is(octets, answer):
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        visit.send(octets)
        await visit.command()
        visit.send(MINE)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert await stage.run(CLAIM, KEY, *CLAIMING) == answer
            assert await stage.run(CLAIM, KEY, *CLAIMING) == 1
            assert not stage.losses

    run(scene())


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("n_octets", range(len(MINE)))
def test_a_connection_that_is_cut_in_an_answer_refuses_all_that_is_under_way(end, n_octets):
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        await visit.command()
        visit.send(MINE[:n_octets])
        getattr(visit, end)()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            answers = await asyncio.gather(*[stage.run(CLAIM, KEY, *CLAIMING) for _ in range(2)])
            assert [code(answer) for answer in answers] == ["CONNECTIONLOST"] * 2
            await stage.until_connected(2)

    run(scene())


def test_a_script_that_the_store_forgot_is_loaded_and_run_again():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        visit.send(b"-NOSCRIPT No matching script. Please use EVAL.\r\n")
        for _ in SCRIPTS:
            visit.send(ordinary(await visit.command()))
        again.append(await visit.command())
        visit.send(MINE)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert await stage.run(CLAIM, KEY, *CLAIMING) == 1

    again: list[list[bytes]] = []
    run(scene())
    assert again == [[b"EVALSHA", CLAIM.sha, b"1", KEY, *CLAIMING]]


def test_a_script_that_cannot_be_loaded_is_not_run_for_ever():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        while True:
            words = await visit.command()
            visit.send(b"-NOSCRIPT No matching script.\r\n" if words[0] == b"EVALSHA" else b"-ERR no\r\n")

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert code(await stage.run(CLAIM, KEY, *CLAIMING)) == "NOSCRIPT"

    run(scene())


def test_silence_ends_the_connection(monkeypatch):
    monkeypatch.setattr(line, "SILENCE_S", 0.2)

    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            await stage.until_connected()
            answer = await stage.run(CLAIM, KEY, *CLAIMING)
            assert code(answer) == "CONNECTIONLOST"
            assert isinstance(answer, Refused)
            assert "says nothing" in answer.text
            await stage.until_connected(2)

    run(scene())


def test_an_idle_store_is_asked_for_a_sign_of_life(monkeypatch):
    monkeypatch.setattr(line, "IDLE_S", 0.0)

    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        for _ in range(3):
            probes.append((await visit.any_command())[3])
            visit.send(MINE)
        done.set()
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address):
            await done.wait()

    probes: list[bytes] = []
    done = asyncio.Event()
    run(scene())
    assert probes == PROBE_KEYS[:3]


def test_a_store_that_refuses_its_probe_is_away_with_its_words_until_it_is_done():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        while True:
            await visit.any_command()
            visit.send(MINE if is_mended else b"-ERR something of its own\r\n")

    async def scene():
        nonlocal is_mended
        async with store_peer(script) as address, on_stage(address) as stage:
            await until(lambda: stage.store.patience.away is Away.REFUSED)
            assert stage.store.patience.reason.endswith("(ERR something of its own)")
            is_mended = True
            await until(lambda: not stage.store.patience.is_away)
            assert not stage.losses

    is_mended = False
    run(scene())


@only_interpreted
def test_too_much_under_way_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(connection, "MAX_UNDER_WAY", 40)

    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            await stage.until_connected()
            waiting = [stage.run(LOOK, KEY) for _ in range(40)]
            assert code(await stage.run(LOOK, KEY)) == "TOOMANY"
            assert not any(answer.done() for answer in waiting)

    run(scene())


def test_a_store_that_does_not_read_fills_no_memory():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await over.wait()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            refused = 0
            for _ in range(4000):
                answer = stage.run(WRITE, KEY, bytes(60_000))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                refused += answer.done() and code(answer.result()) == "TOOMANY"
            assert refused > 3000
            over.set()

    over = asyncio.Event()
    run(scene())


def test_a_command_that_is_too_long_is_not_sent():
    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert code(await stage.run(WRITE, KEY, bytes(70_000))) == "TOOMANY"

    run(scene())


def test_closing_refuses_what_is_under_way():
    async def scene():
        async with store_peer(stay) as address:
            async with on_stage(address) as stage:
                await stage.until_connected()
                answer = stage.run(LOOK, KEY)
                await asyncio.sleep(0)
            assert code(await answer) == "CONNECTIONLOST"

    run(scene())


def test_answers_and_refusals_are_told_to_patience():
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        visit.send(b"-ASK 3999 127.0.0.1:6381\r\n")
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert code(await stage.run(CLAIM, KEY, *CLAIMING)) == "ASK"
            assert stage.store.patience.away is Away.CLUSTER

    run(scene())


def test_an_answer_that_has_come_is_read_before_it_is_called_late():
    """It comes while the loop is busy in a callback: uvloop runs timers then, and reads the socket afterwards."""

    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        asked.set_result(visit.fileno)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            stage.store.run(CLAIM, KEY, CLAIMING, connection.Call(lambda _: told.append("answered")))
            fileno = await asked
            ours, theirs = socket.socketpair()
            with ours, theirs:

                def be_busy() -> None:
                    loop.remove_reader(ours)
                    os.write(fileno, MINE)
                    loop.call_later(0.001, late)
                    time.sleep(0.002)  # as long as work may take: when it is done, answer and timer are both due

                def late() -> None:
                    told.append("late")
                    stage.store.look(looked)

                def looked() -> None:
                    told.append("looked")
                    done.set_result(None)

                loop = asyncio.get_running_loop()
                loop.add_reader(ours, be_busy)
                theirs.send(b"x")
                await done

    async def main():
        loop = asyncio.get_running_loop()
        nonlocal asked, done
        asked, done = loop.create_future(), loop.create_future()
        await scene()

    told: list[str] = []
    asked: asyncio.Future[int]
    done: asyncio.Future[None]
    run(main())
    assert told == ["late", "answered", "looked"]
