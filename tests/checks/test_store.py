"""The walk to the store that hosts share: against a real server, and where there is none."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.checks import store as walk
from gateway.checks.findings import Finding, Severity
from gateway.checks.store import examine_store
from gateway.config.settings import FleetSettings, Secret
from gateway.fleet.hosts import encode_beat
from gateway.fleet.scripts import CHANNELS, COMMANDS, KEYS
from gateway.fleetapi.names import ALL_HOSTS, PROBE_KEYS
from gateway.fleetapi.sealing import Sealer
from tests.fleet.peer import StoreVisit, ordinary, store_peer
from tests.fleet.redis_server import RedisServer, free_port, needs_store, redis_server
from tests.https.authority import Authority
from tests.https.peer import run

KEY, OTHER_KEY = os.urandom(32), os.urandom(32)
PASSWORD = "a password of the store"
FREE_PORT = 1  # nobody listens there


@pytest.fixture(scope="module")
def _server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def server(_server: RedisServer) -> RedisServer:
    """A real store, with the settings of its own and no key."""
    _server.ask("FLUSHALL")
    _server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    return _server


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "LISTEN_S", 0.3)


def settings(engine: str, **changed: Any) -> FleetSettings:
    return FleetSettings(engine=engine, keys=(Secret(KEY),), **{"patience_ms": 1000, **changed})


def found(engine: str, **changed: Any) -> list[Finding]:
    return run(examine_store(settings(engine, **changed)))


def by_step(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.step: finding for finding in findings}


@needs_store
def test_every_step_of_a_store_that_is_as_it_should_be(server):
    findings = found(f"unix://{server.path}")
    assert [(finding.step, finding.severity.value) for finding in findings] == [
        ("connect", "ok"), ("rights", "ok"), ("memory", "ok"), ("round trip", "ok"), ("hosts", "note"),
    ]  # fmt: skip
    assert "lets us in, no TLS" in findings[0].text
    assert server.ask("KEYS", "*") == []


@needs_store
def test_a_user_with_the_documented_rights_passes_and_may_not_tell_its_policy(server):
    with as_user(server, [f"+{command}" for command in COMMANDS]) as engine:
        findings = found(engine, password=Secret(PASSWORD.encode()))
    assert {finding.severity for finding in findings} == {Severity.OK, Severity.NOTE}
    assert by_step(findings)["memory"].severity is Severity.NOTE


@needs_store
@pytest.mark.parametrize(
    "command",
    ["hset", "hmget", "pexpire", "hincrby", "time", "evalsha", "script|load", "publish", "get", "set", "subscribe"],
)
def test_a_command_that_is_refused_is_named_with_what_to_grant(server, command):
    rights = [f"+{each}" for each in COMMANDS if each != command]
    with as_user(server, rights) as engine:
        findings = found(engine, password=Secret(PASSWORD.encode()))
    (problem,) = [finding for finding in findings if finding.severity is Severity.PROBLEM]
    assert problem.step == "rights"
    assert command.partition("|")[0] in problem.text
    assert f"+{command}" in problem.remedy


@needs_store
@pytest.mark.parametrize(
    ("keys", "channels"), [("other:*", "other:*"), (KEYS, "rg:all"), (KEYS, "rg:[alh]*"), ("rg:l:*", CHANNELS)]
)
def test_keys_and_channels_that_are_not_granted_are_problems(server, keys, channels):
    rights = [f"+{each}" for each in COMMANDS]
    with as_user(server, rights, keys=keys, channels=channels) as engine:
        findings = found(engine, password=Secret(PASSWORD.encode()))
    assert by_step(findings)["rights"].severity is Severity.PROBLEM


@needs_store
@pytest.mark.parametrize(
    ("policy", "severity"),
    [
        ("noeviction", Severity.OK),
        ("volatile-ttl", Severity.OK),
        ("allkeys-lru", Severity.WARNING),
        ("volatile-lru", Severity.WARNING),
    ],
)
def test_a_policy_that_lets_records_go_early_is_a_warning(server, policy, severity):
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    finding = by_step(found(f"unix://{server.path}"))["memory"]
    assert (finding.severity, policy in finding.text) == (severity, True)


@needs_store
def test_a_store_that_is_slower_than_a_login_waits_is_a_warning(server, monkeypatch):
    instants = iter(range(10_000))
    monkeypatch.setattr(walk.time, "perf_counter", lambda: next(instants) / 10)
    finding = by_step(found(f"unix://{server.path}", patience_ms=20))["round trip"]
    assert finding.severity is Severity.WARNING
    assert "100.0 ms" in finding.text
    assert "patience_ms" in finding.remedy


@needs_store
def test_hosts_that_beat_are_named_and_those_with_another_key_are_a_problem(server):
    async def scene() -> list[Finding]:
        async with beating(server, "gw-a", KEY), beating(server, "gw-b", OTHER_KEY):
            return await examine_store(settings(f"unix://{server.path}"))

    hosts = [finding for finding in run(scene()) if finding.step == "hosts"]
    assert [finding.severity for finding in hosts] == [Severity.PROBLEM, Severity.OK]
    assert "1 host with another fleet key" in hosts[0].text
    assert hosts[1].text.endswith(": gw-a")


@needs_store
def test_tls_is_checked_with_the_roots_that_are_named(tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "another root")
    file = authority.server_file("127.0.0.1")
    files = ["--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", authority.ca_file]
    with redis_server(*files, "--tls-auth-clients", "no") as server:
        engine = f"rediss://127.0.0.1:{server.port}"
        assert by_step(found(engine, ca_certs_file=authority.ca_file))["connect"].text.partition("in, ")[2][:3] == "TLS"
        (finding,) = found(engine, ca_certs_file=other.ca_file)
        assert finding.severity is Severity.PROBLEM
        assert "engine_ca_certs_file" in finding.remedy
        (missing,) = found(engine, ca_certs_file=str(tmp_path / "missing.pem"))
        assert missing.step == "tls"


@needs_store
def test_a_wrong_password_is_a_problem_of_the_file(server):
    with as_user(server, ["+@all"]) as engine:
        (finding,) = found(engine, password=Secret(b"another password"))
    assert (finding.severity, finding.step) == (Severity.PROBLEM, "connect")
    assert "engine_password_file" in finding.remedy
    assert "another password" not in finding.text


@needs_store
def test_a_replica_beside_its_master_is_no_problem_and_alone_is_one(server):
    with redis_server() as replica:
        replica.ask("REPLICAOF", "127.0.0.1", str(server.port))
        both = f"redis://127.0.0.1:{replica.port},redis://127.0.0.1:{server.port}"
        findings = found(both)
        assert [(finding.severity, finding.step) for finding in findings[:2]] == [
            (Severity.OK, "connect"), (Severity.NOTE, "connect"),
        ]  # fmt: skip
        (finding,) = found(f"redis://127.0.0.1:{replica.port}")
        assert finding.severity is Severity.PROBLEM
        assert "no master" in finding.text


@needs_store
def test_a_node_of_a_cluster_that_has_not_all_keys_is_a_problem_whatever_else_it_lets_us_do():
    with redis_server("--cluster-enabled", "yes", "--cluster-port", str(free_port())) as node:
        assert node.ask("CLUSTER", "ADDSLOTSRANGE", "0", "14335") == b"OK"
        findings = by_step(found(f"unix://{node.path}"))
    assert findings["keys"].severity is Severity.PROBLEM
    assert "it is a node of a cluster (CLUSTERDOWN" in findings["keys"].text
    assert "a cluster of one shard" in findings["keys"].remedy
    assert "rights" not in findings


def test_a_store_that_has_some_keys_alone_is_a_problem():
    async def script(visit: StoreVisit) -> None:
        while True:
            words = await visit.any_command()
            visit.send(b"-MOVED 1 h:1\r\n" if PROBE_KEYS[9] in words else ordinary(words))

    async def scene() -> list[Finding]:
        async with store_peer(script) as engine:
            return await examine_store(settings(engine))

    assert by_step(run(scene()))["keys"].severity is Severity.PROBLEM


@needs_store
def test_a_store_that_has_enough_clients_is_a_problem_of_its_settings():
    with redis_server("--maxclients", "1") as full, socket.create_connection(("127.0.0.1", full.port)):
        (finding,) = found(f"redis://127.0.0.1:{full.port}", password=Secret(PASSWORD.encode()))
    assert (finding.severity, finding.step) == (Severity.PROBLEM, "connect")
    assert "max number of clients" in finding.text
    assert "maxclients" in finding.remedy


def test_a_store_in_protected_mode_is_a_problem_of_its_settings():
    async def script(visit: StoreVisit) -> None:
        visit.send(b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n")
        visit.close()

    async def scene() -> list[Finding]:
        async with store_peer(script) as engine:
            return await examine_store(settings(engine))

    (finding,) = run(scene())
    assert finding.severity is Severity.PROBLEM
    assert "is in protected mode" in finding.text
    assert "engine_password_file" in finding.remedy


def test_a_store_that_is_not_there_is_unreachable():
    (finding,) = found(f"redis://127.0.0.1:{FREE_PORT}")
    assert (finding.severity, finding.step) == (Severity.UNREACHABLE, "connect")
    assert "refused" in finding.text
    assert finding.remedy


def test_a_server_that_never_answers_is_unreachable(monkeypatch):
    monkeypatch.setattr("gateway.fleet.opening.CONNECT_TIMEOUT_S", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        findings = found(f"redis://127.0.0.1:{silent.getsockname()[1]}")
    assert [finding.severity for finding in findings] == [Severity.UNREACHABLE]


def test_a_port_that_speaks_no_tls_is_asked_without_it(monkeypatch, tmp_path):
    monkeypatch.setattr("gateway.fleet.opening.CONNECT_TIMEOUT_S", 0.2)
    authority = Authority(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = f"rediss://127.0.0.1:{silent.getsockname()[1]}"
        (finding,) = found(engine, ca_certs_file=authority.ca_file)
    assert finding.remedy.endswith("or it does not speak TLS there: then write redis://")


def test_two_hosts_with_one_name_are_a_warning():
    looking, sealer = walk._Walk(settings("redis://127.0.0.1")), Sealer([KEY], os.urandom)
    for instance in ("a" * 16, "b" * 16, "a" * 16):
        looking.heard(b"", encode_beat(instance, "gw-a", False, sealer))
    looking._tell_hosts()
    assert looking.findings[0].severity is Severity.WARNING
    assert looking.findings[0].text.startswith("two hosts beat as gw-a:")


class as_user:  # noqa: N801 -- reads as what it is
    """A user with these rights, and with no others."""

    def __init__(self, server: RedisServer, rights: list[str], keys: str = KEYS, channels: str = CHANNELS) -> None:
        self._server = server
        self._words = [f">{PASSWORD}", f"~{keys}", f"&{channels}", "-@all", *rights]

    def __enter__(self) -> str:
        assert self._server.ask("ACL", "SETUSER", "radgate", "reset", "on", *self._words) == b"OK"
        return f"redis://radgate@127.0.0.1:{self._server.port}"

    def __exit__(self, *_error: object) -> None:
        self._server.ask("ACL", "DELUSER", "radgate")


@asynccontextmanager
async def beating(server: RedisServer, name: str, key: bytes) -> Any:
    """A host that beats much more often than one does."""
    sealer, instance = Sealer([key], os.urandom), os.urandom(8).hex()

    async def beat() -> None:
        while True:
            octets = encode_beat(instance, name, False, sealer)
            await asyncio.to_thread(server.ask, "PUBLISH", ALL_HOSTS, octets)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
