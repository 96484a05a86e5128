"""Ways to the store, and who lets in: masters and replicas, names that fail, silence, descriptors."""

import asyncio
import errno
import socket
import time

import pytest

from gateway.fleet import line, opening
from gateway.fleet.patience import Away
from gateway.fleet.scripts import CLAIM, PROBE, SCRIPTS
from gateway.fleetapi.names import PROBE_KEYS
from gateway.https.resolver import Address, Resolver, _Entry
from tests.compiled import only_interpreted
from tests.descriptors import n_descriptors, no_descriptor_left
from tests.fleet.peer import CLAIMING, KEY, MINE, StoreVisit, code, ordinary, stay, store_peer
from tests.fleet.stage import on_stage
from tests.https.peer import run, turn_until


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
    n = 5 + len(PROBE_KEYS)
    assert said[:5] == [
        [b"AUTH", b"word"],
        [b"CLIENT", b"SETNAME", b"radgate"],
        [b"ROLE"],
        [b"PING"],
        [b"SELECT", b"2"],
    ]
    assert said[5:n] == [[b"HMGET", key, b"o"] for key in PROBE_KEYS]
    assert [words[2] for words in said[n : n + len(SCRIPTS)]] == [each.lua for each in SCRIPTS]
    assert said[n + len(SCRIPTS) :] == [
        [b"EVALSHA", CLAIM.sha, b"1", PROBE_KEYS[0], *PROBE],
        [b"EVALSHA", CLAIM.sha, b"1", KEY, *CLAIMING],
    ]


@pytest.mark.parametrize(
    "refusal",
    [
        "READONLY You can't write against a read only replica.",
        "LOADING Redis",
        "MOVED 3999 127.0.0.1:6381",
        "CLUSTERDOWN The cluster is down",
    ],
)
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
        (b"EVALSHA", b"-NOPERM no permissions to run hset\r\n", "refuses what a claim does: NOPERM no permissions"),
        (b"EVALSHA", b"-READONLY You can't write\r\n", "refuses what a claim does: READONLY You can't write"),
        (b"SCRIPT", b"$40\r\n" + b"0" * 40 + b"\r\n", "gives scripts other names than Redis does"),
        (b"ROLE", b"*3\r\n$8\r\nsentinel\r\n*0\r\n*0\r\n", "is no master but sentinel"),
        (b"ROLE", b"*1\r\n:1\r\n", "is no master but something else"),
        (b"ROLE", b"!!!\r\n", "no Redis protocol, version 2"),
        (b"ROLE", b"*1\r\n$13\r\n\x1b[2J\nERROR ok\r\n", "is no master but ?[2J?ERROR ok"),
        (b"ROLE", b"*1\r\n$50\r\n" + b"x" * 50 + b"\r\n", "is no master but " + "x" * 20),
        (b"HMGET", b"-MOVED 3999 127.0.0.1:6381\r\n", "has not all keys, for it is a node of a cluster (MOVED 3999"),
        (
            b"HMGET",
            b"-CLUSTERDOWN Hash slot not served\r\n",
            "is a node of a cluster (CLUSTERDOWN Hash slot not served)",
        ),
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


DENIED = b"-DENIED Redis is running in protected mode because protected mode is enabled and no password is set.\r\n"
FULL = b"-ERR max number of clients reached\r\n"


@pytest.mark.parametrize("password", ["", "hunter2"])
@pytest.mark.parametrize("is_at_once", [True, False])
@pytest.mark.parametrize(
    ("line", "told"),
    [(DENIED, "is in protected mode"), (FULL, "has as many clients as it takes (max number of clients")],
)
def test_a_store_that_turns_everybody_away_is_told_in_its_words(line, told, is_at_once, password):
    async def script(visit: StoreVisit) -> None:
        if not is_at_once:
            await visit.any_command()
        visit.send(line)
        visit.close()

    async def scene():
        async with store_peer(script) as address, on_stage(address, password) as stage:
            assert told in await stage.until_lost()

    run(scene())


def test_any_other_word_before_the_end_is_told_but_none_that_answers_to_a_password():
    async def script(visit: StoreVisit) -> None:
        words = await visit.any_command()
        visit.send(b"-ERR enough of %b\r\n" % words[1])
        visit.close()

    async def scene():
        async with store_peer(script) as address:
            async with on_stage(address) as stage:
                assert (await stage.until_lost()).endswith("closed the connection: ERR enough of SETNAME")
            async with on_stage(address, "hunter2") as stage:
                assert "hunter2" not in await stage.until_lost()

    run(scene())


@pytest.mark.parametrize("is_used", [True, False])
def test_what_a_store_says_unasked_later_is_told(is_used):
    async def script(visit: StoreVisit) -> None:
        await visit.greet()
        if is_used:
            await visit.any_command()  # a probe
            visit.send(MINE)
        visit.send(b"-ERR idle for too long\r\n")
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            assert await stage.until_lost() == "the store says: ERR idle for too long"

    run(scene())


def test_a_cluster_that_is_down_at_a_key_or_two_of_ours_is_not_used():
    """Each of the keys is in a part of the slots of its own, and any of them may be elsewhere."""

    async def script(visit: StoreVisit) -> None:
        while True:
            words = await visit.any_command()
            visit.send(b"-MOVED 1 h:1\r\n" if PROBE_KEYS[7] in words else ordinary(words))

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            assert "has not all keys" in await stage.until_lost()
            assert "has not all keys" in await stage.until_lost(2)
            assert not stage.n_connected

    run(scene())


def test_a_store_that_is_full_is_opened_for_it_may_have_room_again():
    async def script(visit: StoreVisit) -> None:
        await visit.greet({b"EVALSHA": b"-OOM command not allowed\r\n"})
        await visit.until_client_leaves()

    async def scene():
        async with store_peer(script) as address, on_stage(address) as stage:
            await stage.until_connected()

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

    async def scene():
        async with store_peer(dumb) as one, store_peer(stay) as two:
            async with on_stage(f"{one},{two}") as stage:
                await stage.until_connected()
            async with on_stage(one) as stage:
                assert "no answer from 127.0.0.1" in await stage.until_lost()

    run(scene())


class Led(Resolver):
    """Names that lead to ports of this machine: at the first look-up to the first, and so on."""

    def __init__(self, *ports: list[str]) -> None:
        super().__init__(time.monotonic)
        self._ports = [*ports]

    async def _getaddrinfo(self, host: str, port: int) -> list[Address]:
        ports = self._ports.pop(0) if len(self._ports) > 1 else self._ports[0]
        return [Address(socket.AF_INET, ("127.0.0.1", int(port))) for port in ports]


async def dumb(visit: StoreVisit) -> None:
    await visit.until_client_leaves()


def port_of(address: str) -> str:
    return address.rpartition(":")[2]


def test_a_name_whose_only_address_is_silent_is_looked_up_anew(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.1)

    async def scene():
        async with store_peer(dumb) as one, store_peer(stay) as two:
            resolver = Led([port_of(one)], [port_of(two)])
            async with on_stage("redis://store.test:6379", resolver=resolver) as stage:
                await stage.until_connected()
                assert len(stage.losses) == 1

    run(scene())


def test_the_addresses_of_a_name_share_the_time_and_each_is_told_its_share(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.4)

    async def scene():
        async with store_peer(dumb) as one, store_peer(dumb) as two:
            resolver = Led([port_of(one), port_of(two)])
            async with on_stage("redis://store.test:6379", resolver=resolver) as stage:
                told = (await stage.until_lost()).removeprefix(f"no answer from 127.0.0.1:{port_of(two)} within ")
                assert 0.0 < float(told.removesuffix(" s")) <= 0.2

    run(scene())


def test_a_sentinel_that_is_silent_is_passed_over(monkeypatch):
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.1)

    async def scene():
        async with store_peer(dumb) as one, store_peer(stay) as two:
            sentinel = f"{one.replace('redis', 'redis+sentinel')}/mymaster"
            async with on_stage(f"{sentinel},{two}") as stage:
                await stage.until_connected()

    run(scene())


def test_attempts_leave_no_descriptors_open(monkeypatch, authority):
    """The peer never begins with TLS, so that each attempt is given up in a handshake."""
    monkeypatch.setattr(opening, "CONNECT_TIMEOUT_S", 0.05)

    async def scene():
        n_before = n_descriptors()
        async with store_peer(dumb) as address:
            tls = address.replace("redis://", "rediss://")
            async with on_stage(tls, ca_file=authority.ca_file) as stage:
                assert "no answer from 127.0.0.1" in await stage.until_lost(4)
        await turn_until(lambda: n_descriptors() <= n_before + 1)  # libuv keeps one back

    run(scene())


def test_a_process_that_has_no_descriptor_left_goes_on_trying():
    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            with no_descriptor_left():
                assert await stage.until_lost() == "cannot open a socket: Too many open files"
            await stage.until_connected()

    run(scene())


@only_interpreted
def test_whatever_the_system_refuses_it_goes_on_trying(monkeypatch):
    async def refused(_self: object, sock: socket.socket, *_: object) -> None:
        sock.close()
        raise OSError(errno.ENETDOWN, "down")

    async def scene():
        async with store_peer(stay) as address, on_stage(address) as stage:
            with monkeypatch.context() as broken:
                broken.setattr(opening.Opener, "_hand_over", refused)
                assert "Network is down" in await stage.until_lost()
            await stage.until_connected()

    run(scene())


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
            stage.store._line._clock = lambda: 0.0  # however long an attempt takes here
            await stage.until_connected(8)

    run(scene())
    assert naps[:6] == pytest.approx([0, 0.1, 0.2, 0.4, 0.8, 1.0])


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
            async with on_stage("redis://silent.test", resolver=resolver) as stage:
                assert await stage.until_lost() == "cannot resolve silent.test: no answer within 0.1 s"

    run(scene())


def test_the_loop_turns_while_the_store_is_away():
    async def scene():
        async with on_stage("redis://127.0.0.1:1") as stage:
            await turn_until(lambda: len(stage.losses) >= 2)
            assert not stage.store.is_connected

    run(scene())
