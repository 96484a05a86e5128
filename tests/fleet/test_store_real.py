"""The store's connection against a real server: one that stops, dies, is emptied, is full, or becomes a replica."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from gateway.fleet.patience import Away
from gateway.fleet.scripts import CHANNELS, CLAIM, COMMANDS, KEEP, KEYS, USE, WRITE
from gateway.fleetapi.names import state_key
from gateway.fleetapi.resp import Answer, Refused
from tests.fleet.client_hosts import until
from tests.fleet.peer import code
from tests.fleet.redis_server import RedisServer, free_port, needs_store, redis_server, redis_servers
from tests.fleet.stage import Stage, mailbox, on_stage
from tests.https.peer import run

pytestmark = needs_store

LIFE = b"90000"
PASSWORD = "long enough"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def unix(server: RedisServer) -> str:
    return f"unix://{server.path}"


def tcp(server: RedisServer) -> str:
    return f"redis://127.0.0.1:{server.port}"


MINE = 1


def record_key(number: int) -> bytes:
    return b"rg:l:%032x" % number


async def claim(stage: Stage, owner: bytes, number: int = 0) -> Answer:
    return await stage.run(CLAIM, record_key(number), owner, LIFE, b"sealed", b"", b"0")


def is_others(answer: Answer) -> bool:
    return isinstance(answer, list) and answer[1:4] == [1, b"asking", b"sealed"]


@pytest.mark.parametrize("address", [unix, tcp])
def test_two_hosts_claim_one_login_and_one_has_it(server, address):
    async def scene():
        async with on_stage(address(server)) as a, on_stage(address(server)) as b:
            await a.until_connected()
            await b.until_connected()
            answers = await asyncio.gather(
                *[claim(host, name, n) for n in range(200) for host, name in ((a, b"a"), (b, b"b"))]
            )
        assert answers.count(MINE) == 200
        assert sum(map(is_others, answers)) == 200
        assert not a.store.patience.is_away

    run(scene())


def test_scripts_that_were_flushed_are_loaded_again(server):
    async def scene():
        async with on_stage(unix(server)) as stage:
            await stage.until_connected()
            server.ask("SCRIPT", "FLUSH")
            answers = await asyncio.gather(claim(stage, b"a"), claim(stage, b"b"), claim(stage, b"a"))
            assert answers[0] == MINE
            assert is_others(answers[1])
            assert answers[2] == MINE
            assert stage.n_connected == 1

    run(scene())


def test_a_server_that_was_emptied_is_told_again_by_the_same_owner(server):
    async def scene():
        async with on_stage(unix(server)) as a, on_stage(unix(server)) as b:
            await a.until_connected()
            await b.until_connected()
            await claim(a, b"a")
            server.ask("FLUSHALL")
            assert await claim(a, b"a") == MINE
            assert is_others(await claim(b, b"b"))

    run(scene())


def test_a_server_that_died_is_found_again_when_it_is_back(server):
    async def scene():
        async with on_stage(tcp(server)) as stage:
            await stage.until_connected()
            server.kill()
            await stage.until_lost()
            assert stage.store.patience.away is Away.NOT_CONNECTED
            assert await claim(stage, b"a") == Refused("NOTCONNECTED", "there is no connection to the store")
            assert "refused" in await stage.until_lost(3)
            server.start()
            await stage.until_connected(2)
            assert await claim(stage, b"a") == MINE
            assert not stage.store.patience.is_away

    run(scene())


def test_a_server_that_stands_still_is_given_up_after_its_silence_and_answers_when_it_goes_on(server):
    async def scene():
        async with on_stage(tcp(server)) as stage:
            await stage.until_connected()
            server.send_signal(signal.SIGSTOP)
            answer = asyncio.ensure_future(claim(stage, b"a"))
            assert "says nothing for 3 s" in await stage.until_lost()
            refused = await answer
            assert isinstance(refused, Refused)
            assert refused.code == "CONNECTIONLOST"
            server.send_signal(signal.SIGCONT)
            await stage.until_connected(2)
            assert await claim(stage, b"a") == MINE

    run(scene())


def test_a_pause_that_is_short_costs_no_connection(server):
    async def scene():
        async with on_stage(tcp(server)) as stage:
            await stage.until_connected()
            server.send_signal(signal.SIGSTOP)
            answers = [asyncio.ensure_future(claim(stage, b"a", n)) for n in range(100)]
            await asyncio.sleep(0)
            server.send_signal(signal.SIGCONT)
            assert await asyncio.gather(*answers) == [MINE] * 100
            assert not stage.losses

    run(scene())


def test_a_full_server_is_away_and_says_so_and_is_back_when_it_has_room(server):
    async def scene():
        async with on_stage(unix(server)) as stage:
            await stage.until_connected()
            server.ask("CONFIG", "SET", "maxmemory", "1")
            refused = await claim(stage, b"a")
            assert isinstance(refused, Refused)
            assert refused.code == "OOM"
            assert stage.store.patience.away is Away.FULL
            assert "maxmemory-policy" in stage.store.patience.reason
            server.ask("CONFIG", "SET", "maxmemory", "0")
            while stage.store.patience.is_away:  # noqa: ASYNC110 -- its own probes tell it
                await asyncio.sleep(0.01)
            assert await claim(stage, b"a") == MINE
            assert not stage.losses

    run(scene())


def test_a_master_that_became_a_replica_is_left_for_the_next(server):
    async def scene(first: RedisServer, second: RedisServer):
        async with on_stage(f"{tcp(first)},{tcp(second)}") as stage:
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            first.ask("REPLICAOF", "127.0.0.1", str(second.port))
            refused = await claim(stage, b"b")
            while not isinstance(refused, Refused):
                refused = await claim(stage, b"b")
            await stage.until_connected(2)
            assert await claim(stage, b"a") == MINE
            assert second.ask("EXISTS", record_key(0)) == 1

    with redis_servers(2) as (first, second):
        run(scene(first, second))


def test_an_address_of_a_replica_is_passed_over(server):
    async def scene(replica: RedisServer):
        replica.ask("REPLICAOF", "127.0.0.1", str(server.port))
        async with on_stage(f"{tcp(replica)},{tcp(server)}") as stage:
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            assert not stage.losses
        async with on_stage(tcp(replica)) as stage:
            assert await stage.until_lost() == f"127.0.0.1:{replica.port} is no master but slave"

    with redis_server() as replica:
        run(scene(replica))


def test_a_replica_is_passed_over_by_whoever_may_not_ask_for_its_role(server):
    async def scene(replica: RedisServer):
        grant(replica, "-role")
        replica.ask("REPLICAOF", "127.0.0.1", str(server.port))
        names = ",".join(tcp(each).replace("//", "//radgate@") for each in (replica, server))
        async with on_stage(names, PASSWORD) as stage:
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            assert not stage.losses

    grant(server, "-role")
    with redis_server() as replica:
        run(scene(replica))


def grant(server: RedisServer, *more: str) -> None:
    """Make the user that the documents name, with what they name, and then give or take what else is said."""
    rights = [f"+{command}" for command in COMMANDS]
    places = (f"~{KEYS}", "resetchannels", f"&{CHANNELS}")  # Redis 6.2 gives new users all channels
    made = server.ask("ACL", "SETUSER", "radgate", "on", f">{PASSWORD}", *places, "-@all", *rights, *more)
    assert made == b"OK"


def restrict(server: RedisServer) -> None:
    """Let nobody in but that user."""
    grant(server)
    assert server.ask("ACL", "SETUSER", "default", "resetpass", "nocommands", "+ping") == b"OK"


def test_a_user_with_the_rights_that_are_named_can_do_all_that_is_done(server):
    async def scene():
        address = f"redis://radgate@127.0.0.1:{server.port}/3"
        async with on_stage(address, PASSWORD) as stage, mailbox(address, b"rg:all", password=PASSWORD) as (_, letters):
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            assert is_others(await claim(stage, b"b"))
            assert await stage.run(WRITE, record_key(0), b"a", b"1", b"pushed", b"txid", LIFE) == 1
            assert await stage.run(KEEP, state_key(b"name"), b"sealed", LIFE) == 1
            assert await stage.run(USE, state_key(b"name"), b"who", LIFE, b"1") == [b"", 0, b"sealed"]
            await letters.until_changed(1)
            assert await stage.command(b"PUBLISH", b"rg:all", b"beat") == 1
            assert await letters.next() == (b"rg:all", b"beat")
            elsewhere = await stage.run(CLAIM, b"other", b"a", LIFE, b"", b"", b"0")
            assert isinstance(elsewhere, Refused)
            assert elsewhere.code == "NOPERM"

    restrict(server)
    run(scene())


@pytest.mark.parametrize("command", ["hset", "hmget", "time", "pexpire"])
def test_a_right_that_a_script_lacks_is_told_until_it_is_granted(server, command):
    async def scene():
        async with on_stage(f"redis://radgate@127.0.0.1:{server.port}", PASSWORD) as stage:
            assert "refuses what a claim does" in await stage.until_lost()
            grant(server)
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            grant(server, f"-{command}")
            await until(lambda: stage.store.patience.away is Away.NOT_ALLOWED)
            assert "see the password and the user's rights" in stage.store.patience.reason
            assert code(await claim(stage, b"a", 1)) == "NOPERM"
            grant(server)
            await until(lambda: not stage.store.patience.is_away)

    grant(server, f"-{command}")
    run(scene())


@pytest.mark.parametrize(("user", "password"), [("radgate@", "wrong"), ("nobody@", PASSWORD), ("", PASSWORD)])
def test_who_is_not_let_in_is_told_where_to_look(server, user, password):
    async def scene():
        async with on_stage(f"redis://{user}127.0.0.1:{server.port}", password) as stage:
            reason = await stage.until_lost()
        assert "does not let us in: see user and engine_password_file" in reason
        assert password not in reason

    restrict(server)
    run(scene())


def test_tls_with_a_certificate_that_is_believed(authority, server_file):
    async def scene(server: RedisServer):
        async with on_stage(f"rediss://127.0.0.1:{server.port}", ca_file=authority.ca_file) as stage:
            await stage.until_connected()
            answers = await asyncio.gather(*[claim(stage, b"a", n) for n in range(100)])
        assert answers == [MINE] * 100

    with redis_server(*tls(server_file, authority)) as server:
        run(scene(server))


def test_tls_with_a_certificate_that_nobody_believes(authority, server_file, tmp_path):
    from tests.https.authority import Authority

    async def scene(server: RedisServer):
        other = Authority(tmp_path, "another root")
        async with on_stage(f"rediss://127.0.0.1:{server.port}", ca_file=other.ca_file) as stage:
            assert "certificate verify failed" in await stage.until_lost()

    with redis_server(*tls(server_file, authority)) as server:
        run(scene(server))


def tls(server_file, authority) -> list[str]:
    files = ["--tls-cert-file", server_file, "--tls-key-file", server_file, "--tls-ca-cert-file", authority.ca_file]
    return [*files, "--tls-auth-clients", "no"]


def test_a_mailbox_hears_its_channels_also_after_the_server_was_away(server):
    async def scene():
        async with mailbox(unix(server), b"rg:h:a", b"rg:all") as (_, letters):
            await letters.until_changed(1)
            server.ask("PUBLISH", "rg:h:a", b"\r\n$-1\r\n")
            server.ask("PUBLISH", "rg:h:b", b"not ours")
            server.ask("PUBLISH", "rg:all", b"")
            assert await letters.next() == (b"rg:h:a", b"\r\n$-1\r\n")
            assert await letters.next() == (b"rg:all", b"")
            server.kill()
            await letters.until_changed(2)
            server.start()
            await letters.until_changed(3)
            server.ask("PUBLISH", "rg:all", b"again")
            assert await letters.next() == (b"rg:all", b"again")

    run(scene())


def test_a_mailbox_goes_where_its_store_goes_though_the_former_master_lets_it_stay(server):
    """The former master has become a replica whose way to the new one does not come up."""

    async def scene(second: RedisServer):
        async with mailbox(f"{tcp(server)},{tcp(second)}", b"rg:all") as (_, letters):
            await letters.until_changed(1)
            server.ask("REPLICAOF", "127.0.0.1", str(free_port()))
            await letters.until_changed(3)
            server.ask("PUBLISH", "rg:all", "where nobody speaks")
            second.ask("PUBLISH", "rg:all", "beat")
            assert await letters.next() == (b"rg:all", b"beat")

    with redis_server() as second:
        run(scene(second))


def test_a_mailbox_that_may_hear_now_hears(server):
    async def scene():
        address = f"redis://radgate@127.0.0.1:{server.port}"
        async with mailbox(address, b"rg:all", password=PASSWORD) as (box, letters):
            await until(lambda: "see the user's rights" in box.reason)
            grant(server)
            await letters.until_changed(1)

    grant(server, "resetchannels")
    run(scene())


def test_a_sentinel_leads_to_the_server_that_has_taken_over(server):
    async def scene(second: RedisServer, sentinel: RedisServer):
        async with on_stage(f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster") as stage:
            await stage.until_connected()
            assert await claim(stage, b"a") == MINE
            server.kill()
            await stage.until_lost()
            second.ask("REPLICAOF", "NO", "ONE")
            point(sentinel, second)
            await stage.until_connected(2)
            assert await claim(stage, b"a") == MINE
            assert second.ask("EXISTS", record_key(0)) == 1

    with redis_server() as second, redis_server("--sentinel") as sentinel:
        point(sentinel, server)
        run(scene(second, sentinel))


def point(sentinel: RedisServer, master: RedisServer) -> None:
    """Let a Sentinel know who is the master: its own election would take seconds."""
    sentinel.ask("SENTINEL", "REMOVE", "mymaster")
    assert sentinel.ask("SENTINEL", "MONITOR", "mymaster", "127.0.0.1", str(master.port), "1") == b"OK"
