"""The store's connection against scripted peers: hostile, cut off, slow, forgetful, and not who they should be."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.fleet import connection, line, opening
from gateway.fleet.patience import Away
from gateway.fleet.scripts import CLAIM, LOOK, SCRIPTS, WRITE
from gateway.fleetapi.resp import Refused
from gateway.https.resolver import Address, Resolver, _Entry
from tests.compiled import only_interpreted
from tests.fleet.peer import StoreScript, StoreVisit, ordinary, stay, store_peer
from tests.fleet.stage import mailbox, on_stage
from tests.https.peer import run, turn_until

KEY = b"rg:l:{00}"
MINE = b":1\r\n"
CLAIMING = (b"a", b"90000", b"sealed", b"", b"0")


def code(answer: object) -> str:
    assert isinstance(answer, Refused)
    return answer.code


def test_nothing_is_asked_before_the_greeting_is_answered():
    async def script(visit: StoreVisit) -> None:
        said.extend(await visit.greet())
        said.append(await visit.command())
        visit.send(MINE)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(f"{address}/2", "word") as stage:
            assert code(await stage.run(CLAIM, KEY, *CLAIMING)) == "NOTCONNECTED"
            await stage.until_connected()
            assert await stage.run(CLAIM, KEY, *CLAIMING) == 1

    said: list[list[bytes]] = []
    run(scene())
    assert said[:5] == [
        [b"AUTH", b"word"],
        [b"CLIENT", b"SETNAME", b"radgate"],
        [b"ROLE"],
        [b"PING"],
        [b"SELECT", b"2"],
    ]
    assert [words[2] for words in said[5 : 5 + len(SCRIPTS)]] == [each.lua for each in SCRIPTS]
    assert said[5 + len(SCRIPTS) :] == [[b"EVALSHA", CLAIM.sha, b"1", KEY, *CLAIMING]]


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


@pytest.mark.parametrize("refusal", ["READONLY You can't write against a read only replica.", "LOADING Redis"])
def test_who_is_no_master_any_more_is_left_for_the_next_address(refusal):
    async def first(visit: StoreVisit) -> None:
        if visit.number > 1:
            await visit.greet({b"ROLE": b"*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"})
            return
        await visit.greet()
        await visit.command()
        visit.send(f"-{refusal}\r\n".encode())
        await visit.until_client_leaves()

    async def second(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.command()
        visit.send(MINE)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(first) as one, store_peer(second) as two, on_stage(f"{one},{two}") as stage:
            await stage.until_connected()
            assert code(await stage.run(CLAIM, KEY, *CLAIMING)) == refusal.partition(" ")[0]
            assert await stage.until_lost() == f"the store refuses: {refusal}"
            await stage.until_connected(2)
            assert await stage.run(CLAIM, KEY, *CLAIMING) == 1

    run(scene())


@pytest.mark.parametrize(
    ("word", "answer", "told"),
    [
        (b"AUTH", b"-WRONGPASS invalid username-password pair\r\n", "does not let us in: see user"),
        (b"AUTH", b"-ERR Client sent AUTH, but no password is set\r\n", "does not let us in: see user"),
        (
            b"AUTH",
            b"-ERR unknown command 'AUTH', with args: 'hunter2'\r\n",
            "does not let us in: see user",
        ),
        (b"AUTH", b"-hunter2 is none of mine\r\n", "does not let us in: see user"),
        (b"PING", b"-NOAUTH Authentication required.\r\n", "does not let us in: see user"),
        (b"PING", b"-LOADING Redis is loading the dataset in memory\r\n", "refuses PING: LOADING"),
        (b"SELECT", b"-ERR DB index is out of range\r\n", "refuses SELECT: ERR DB index"),
        (b"SCRIPT", b"-NOPERM no permissions to run script|load\r\n", "refuses SCRIPT: NOPERM"),
        (b"SCRIPT", b"$40\r\n" + b"0" * 40 + b"\r\n", "gives scripts other names than Redis does"),
        (b"ROLE", b"*3\r\n$8\r\nsentinel\r\n*0\r\n*0\r\n", "is no master but sentinel"),
        (b"ROLE", b"*1\r\n:1\r\n", "is no master but something else"),
        (b"ROLE", b"!!!\r\n", "no Redis protocol, version 2"),
    ],
)
def test_a_store_that_does_not_let_in_is_told_in_plain_words(word, answer, told):
    async def script(visit: StoreVisit) -> None:
        await visit.greet({word: answer})
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(f"{address}/99", "hunter2") as stage:
            reason = await stage.until_lost()
            assert told in reason
            assert "hunter2" not in reason
            assert stage.store.patience.reason == reason
            assert stage.store.patience.away is Away.NOT_CONNECTED

    run(scene())


def test_who_may_not_give_a_name_or_ask_for_a_role_is_let_in():
    async def script(visit: StoreVisit) -> None:
        await visit.greet({b"CLIENT": b"-NOPERM no\r\n", b"ROLE": b"-ERR unknown command 'ROLE'\r\n"})
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()

    run(scene())


def test_a_store_that_says_nothing_is_passed_over(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.1)

    async def dumb(visit: StoreVisit) -> None:
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(dumb) as one, store_peer(stay) as two:
            async with on_stage(f"{one},{two}") as stage:
                await stage.until_connected()
            async with on_stage(one) as stage:
                assert "no answer from 127.0.0.1" in await stage.until_lost()

    run(scene())


def test_attempts_leave_no_descriptors_open(monkeypatch, authority):
    """The peer never begins with TLS, so that each attempt is given up in a handshake."""
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.05)

    async def dumb(visit: StoreVisit) -> None:
        await visit.until_client_leaves()

    async def scene():
        n_before = n_open()
        async with store_peer(dumb) as address:
            tls = address.replace("redis://", "rediss://")
            async with on_stage(tls, ca_file=authority.ca_file) as stage:
                assert "no answer from 127.0.0.1" in await stage.until_lost(4)
        await turn_until(lambda: n_open() <= n_before + 1)  # libuv keeps one back

    run(scene())


def n_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_all_that_failed_is_told():
    async def closing(visit: StoreVisit) -> None:
        visit.close()

    async def scene():
        async with (
            store_peer(closing) as one,
            on_stage(f"{one},unix:///nowhere/store.sock,redis://127.0.0.1:1") as stage,
        ):
            reason = await stage.until_lost()
        assert "closed the connection" in reason
        assert "cannot connect to /nowhere/store.sock: No such file or directory" in reason
        assert "connection refused by 127.0.0.1:1" in reason

    run(scene())


@only_interpreted
def test_a_store_that_lets_in_and_closes_is_not_asked_without_a_pause(monkeypatch):
    naps = []

    async def sleep(delay_s: float) -> None:
        naps.append(delay_s)
        await pause(0)

    pause = line._pause
    monkeypatch.setattr(line, "_pause", sleep)
    monkeypatch.setattr(line, "IDLE_S", 0.0)

    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        await visit.any_command()
        visit.reset()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected(8)

    run(scene())
    assert naps[:6] == pytest.approx([0, 0.1, 0.2, 0.4, 0.8, 1.0])


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
    assert probes == [b"rg:probe"] * 3


@only_interpreted
def test_too_much_under_way_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(connection, "MAX_UNDER_WAY", 10)

    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            await stage.until_connected()
            waiting = [stage.run(LOOK, KEY) for _ in range(10)]
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
        visit.send(b"-MOVED 3999 127.0.0.1:6381\r\n")
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()
            assert code(await stage.run(CLAIM, KEY, *CLAIMING)) == "MOVED"
            assert stage.store.patience.away is Away.CLUSTER

    run(scene())


def sentinel(*answers: bytes):
    async def script(visit: StoreVisit) -> None:
        for answer in answers:
            asked.append(await visit.any_command())
            visit.send(answer)
        await visit.until_client_leaves()

    asked: list[list[bytes]] = []
    return script, asked


@asynccontextmanager
async def sentinel_peer(script: StoreScript) -> AsyncIterator[str]:
    async with store_peer(script) as address:
        yield f"{address.replace('redis', 'redis+sentinel')}/mymaster"


def where(address: str) -> bytes:
    port = address.rpartition(":")[2].encode()
    return b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(port), port)


def test_a_sentinel_says_where_the_master_is():
    async def scene():
        async with store_peer(stay) as master:
            script, asked = sentinel(where(master))
            async with sentinel_peer(script) as address, on_stage(f"{address}/1") as stage:
                await stage.until_connected()
        assert asked == [[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", b"mymaster"]]

    run(scene())


def test_a_sentinel_that_wants_a_password_gets_the_stores():
    async def scene():
        async with store_peer(stay) as master:
            script, asked = sentinel(b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", where(master))
            async with sentinel_peer(script) as address, on_stage(address, "word") as stage:
                await stage.until_connected()
        assert asked[1] == [b"AUTH", b"word"]

    run(scene())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"*-1\r\n", "knows no master by the name mymaster"),
        (b"-ERR unknown command 'SENTINEL'\r\n", "is no Sentinel, or refuses: ERR unknown command"),
        (b"*2\r\n$1\r\nh\r\n$4\r\nport\r\n", "is no Sentinel"),
        (b"*2\r\n:1\r\n:2\r\n", "is no Sentinel"),
        (b"*2\r\n$3\r\na\0b\r\n$1\r\n1\r\n", "is no Sentinel"),
        (b"*2\r\n$0\r\n\r\n$1\r\n1\r\n", "is no Sentinel"),
        (b"*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "is no Sentinel"),
        (b"*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", "is no Sentinel"),
        (b"*2\r\n$3\r\n::1\r\n$1\r\n1\r\n", "[::1]:1"),
        (b"+OK\r\n", "is no Sentinel"),
    ],
)
def test_who_is_no_sentinel_is_told(answer, told):
    async def scene():
        script, _ = sentinel(answer)
        async with sentinel_peer(script) as address, on_stage(address) as stage:
            assert told in await stage.until_lost()

    run(scene())


async def subscribe(visit: StoreVisit, answers: list[bytes]) -> None:
    """Let a mailbox in and answer to its channels."""
    for answer in answers:
        while (words := await visit.any_command())[0] != b"SUBSCRIBE":
            visit.send(ordinary(words))
        visit.send(answer)


SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
LETTER = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"


def test_a_mailbox_hears_once_all_its_channels_are_subscribed():
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [LETTER + SUBSCRIBED, LETTER])
        await go_on.wait()
        visit.send(SUBSCRIBED)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a", b"b") as (box, letters):
            assert [await letters.next(), await letters.next()] == [(b"a", b"hello")] * 2
            assert not box.is_connected
            go_on.set()
            await letters.until_changed(1)
            assert box.is_connected
            assert box.reason == ""

    go_on = asyncio.Event()
    run(scene())


def test_a_mailbox_that_may_not_subscribe_says_so():
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [b"-NOPERM No permissions to access a channel\r\n" + LETTER])
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, letters):
            assert await letters.next() == (b"a", b"hello")
            assert not box.is_connected
            assert "see the user's rights (NOPERM" in box.reason

    run(scene())


@pytest.mark.parametrize("nonsense", [b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n", b"*0\r\n", b"$70000\r\n", b"!\r\n"])
def test_a_mailbox_that_hears_what_is_no_message_subscribes_again(nonsense):
    async def script(visit: StoreVisit) -> None:
        await subscribe(visit, [SUBSCRIBED])
        visit.send(nonsense if visit.number == 1 else LETTER)
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, mailbox(address, b"a") as (box, letters):
            assert await letters.next() == (b"a", b"hello")
            assert box.is_connected

    run(scene())


def test_a_name_that_dns_does_not_answer_for_is_passed_over(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.1)

    class Silent(Resolver):
        async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
            await asyncio.Event().wait()
            raise AssertionError

    async def scene():
        async with store_peer(stay) as address:
            port = address.rpartition(":")[2]
            resolver = Silent(lambda: 0.0)
            known = Address(socket.AF_INET, ("127.0.0.1", int(port)))
            resolver._entries["127.0.0.1", int(port)] = _Entry([known], 1e9)
            async with on_stage(f"redis://silent.test,{address}", resolver=resolver) as stage:
                await stage.until_connected()

    run(scene())


def test_the_loop_turns_while_the_store_is_away():
    async def scene():
        async with on_stage("redis://127.0.0.1:1") as stage:
            await turn_until(lambda: len(stage.losses) >= 2)
            assert not stage.store.is_connected

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
