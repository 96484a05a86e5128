"""Two hosts that tell each other how they are, by a real store."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest
import uvloop

from gateway.config.settings import FleetSettings, Secret, Settings, WhenIsolated
from gateway.engine.rules import FailMode
from gateway.fleet.hosts import BEAT_INTERVAL_S
from gateway.supervisor import membership, reach, sharing_news
from gateway.supervisor.fleet_watch import FleetWatch
from tests.config.files import MINIMAL, parse
from tests.fleet.redis_server import RedisServer, needs_store, redis_server

pytestmark = [pytest.mark.integration, needs_store]

WAIT_S = 20.0
KEY = bytes(range(32))
DUO = "api-12345678.duosecurity.com:443/DIABCDEFGHIJKLMNOPQR"


@pytest.fixture
def store() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts tell of themselves ten times as often: nobody has to wait for what they say."""
    monkeypatch.setattr(membership, "BEAT_INTERVAL_S", BEAT_INTERVAL_S / 10)


@pytest.fixture
def short_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's last word counts for not much longer than it takes to the next one."""
    monkeypatch.setattr(reach, "HOLD_S", 3.0)


class Host:
    """A supervisor's part in the fleet; `duo` is how it sees the one application."""

    def __init__(self, store: RedisServer, digit: str, **settings: Any) -> None:
        self.duo = {"application": DUO, "state": "healthy", "failmode_active": False}
        self.workers = [{"state": "ready"}, {"state": "starting"}]
        self.n_news = 0
        self.settings = self.settings_with(store, digit, **settings)
        self.watch = FleetWatch(digit * 16, self.status, self.note)

    def settings_with(self, store: RedisServer, digit: str, **server: Any) -> Settings:
        settings = parse(MINIMAL)[0]
        fleet = FleetSettings(
            engine=f"unix://{store.path}",
            keys=(Secret(KEY if digit != "f" else KEY[::-1]),),
            name=f"gw-{digit}",
            when_isolated=WhenIsolated.SILENT,
        )
        servers = (msgspec.structs.replace(settings.servers[0], **server),)
        return msgspec.structs.replace(settings, fleet=fleet, servers=servers)

    def settings_without(self) -> Settings:
        return msgspec.structs.replace(self.settings, fleet=None)

    def status(self) -> dict[str, Any]:
        server = {"reasons": {"duo_allowed": 3}, "pending": 2}
        return {"uptime_s": 7.0, "workers": self.workers, "servers": [server], "applications": [self.duo]}

    def settings_by_another_way(self) -> Settings:
        """The same fleet, so that a reload connects anew."""
        fleet = self.settings.fleet
        assert fleet is not None
        return msgspec.structs.replace(self.settings, fleet=msgspec.structs.replace(fleet, patience_ms=30))

    def note(self) -> None:
        self.n_news += 1

    def sees(self, name: str) -> dict[str, Any] | None:
        """What it shows of another host, once there is a record of it."""
        status = self.watch.status()
        hosts = status["hosts"] if status is not None else []
        return next((host for host in hosts if host["name"] == name and host["version"]), None)

    def state_of(self, name: str) -> str:
        """How it sees another host, of which it must have heard."""
        host = self.sees(name)
        assert host is not None
        return str(host["state"])


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(WAIT_S):
        while not (found := condition()):  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.01)
    return found


def play(scene: Callable[..., Coroutine[Any, Any, None]], *hosts: Callable[[], Host]) -> None:
    async def all_of_it() -> None:
        made = [make() for make in hosts]
        for host in made:
            host.watch.follow(host.settings)
        try:
            await scene(*made)
        finally:
            for host in made:
                await host.watch.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())


def test_without_a_section_there_is_nothing(store):
    async def scene(host: Host) -> None:
        host.watch.follow(parse(MINIMAL)[0])
        assert host.watch.status() is None
        assert not host.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"))


def test_each_shows_both(store):
    async def scene(a: Host, b: Host) -> None:
        seen = await until(lambda: a.sees("gw-b"))
        assert (seen["n_workers"], seen["n_ready"], seen["pending"], seen["self"]) == (2, 1, 2, False)
        assert seen["reasons"] == {"duo_allowed": 3}
        assert "sections" not in seen
        await until(lambda: b.sees("gw-a"))
        status = a.watch.status()
        assert status is not None
        assert [host["name"] for host in status["hosts"]] == ["gw-a", "gw-b"]
        assert status["up"]

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_what_another_reaches_is_known_and_what_it_does_not_reach_too(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO))
        assert not a.watch.is_reached_elsewhere("another application")
        b.duo["failmode_active"] = True
        await until(lambda: not a.watch.is_reached_elsewhere(DUO))
        assert a.n_news

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_what_a_host_can_tell_no_more_is_soon_not_known(store, short_hold):
    """Its beats go on. Two hosts that believed each other's last record would both be silent."""

    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO))
        store.ask("CONFIG", "SET", "maxmemory", "1")
        b.duo["failmode_active"] = True
        await until(lambda: not a.watch.is_reached_elsewhere(DUO))
        assert a.state_of("gw-b") == "ready"

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_nobody_is_relied_on_for_long_once_the_store_is_lost_and_that_is_told(store, short_hold):
    """Who is silent because another host reaches Duo must look, although nothing more is heard."""

    async def scene(a: Host, b: Host) -> None:
        seen: list[bool] = []
        a.watch._on_news = lambda: seen.append(a.watch.is_reached_elsewhere(DUO))
        a.watch.follow(a.settings_without())
        a.watch.follow(a.settings)
        await until(lambda: seen and seen[-1])
        store.kill()
        await until(lambda: not seen[-1])
        assert not a.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


@pytest.mark.parametrize("who", ["the silent one", "the other one"])
def test_a_reload_by_another_way_to_the_store_lets_nobody_in_by_fail_mode(store, who, caplog):
    """Neither of who is silent, nor of whom that one relies on."""
    caplog.set_level(logging.INFO, "gateway.fleet")

    async def scene(a: Host, b: Host) -> None:
        a.duo["failmode_active"] = True
        await until(lambda: a.watch.is_reached_elsewhere(DUO))
        caplog.clear()
        seen: list[bool] = []
        for host in (a, b):  # all who are made now tell this
            host.watch._on_news = lambda: seen.append(a.watch.is_reached_elsewhere(DUO))
        reloaded = a if who == "the silent one" else b
        record = f"rg:host:{reloaded.watch._instance}"
        before = store.ask("GET", record)
        reloaded.watch.follow(reloaded.settings_by_another_way())
        assert a.sees("gw-b")
        await until(lambda: store.ask("GET", record) not in (before, None))
        n_seen = len(seen)
        await until(lambda: len(seen) > n_seen + 4)
        assert all(seen)
        assert not any(word in each for each in caplog.messages for word in ("leaves", "Host gw-b is there"))

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_who_goes_on_as_another_process_takes_nothing_back(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO))
        await b.watch.stop(goes_on=True)
        assert store.ask("EXISTS", f"rg:host:{'b' * 16}") == 1
        await until(lambda: a.state_of("gw-b") == "silent")
        assert a.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_a_store_that_stands_still_lets_nobody_in_by_fail_mode(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO) and a.sees("gw-b"))
        store.ask("CLIENT", "PAUSE", "2600", "ALL")
        await until(lambda: a.state_of("gw-b") != "ready")
        assert a.watch.is_reached_elsewhere(DUO)
        await until(lambda: a.state_of("gw-b") == "ready")
        assert a.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_that_a_host_is_in_no_fleet_any_more_is_news(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO))
        n_news = a.n_news
        a.watch.follow(a.settings_without())
        assert a.n_news == n_news + 1
        assert not a.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_who_leaves_is_nobody_to_rely_on(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.watch.is_reached_elsewhere(DUO) and a.state_of("gw-b") == "ready")
        b.watch.say_leaving()
        await until(lambda: a.state_of("gw-b") == "leaving")
        assert not a.watch.is_reached_elsewhere(DUO)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_a_host_that_stops_is_soon_not_shown(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.sees("gw-b"))
        await b.watch.stop()
        await until(lambda: a.sees("gw-b") is None)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


def test_a_section_that_two_hosts_have_differently_is_told_once(store, caplog):
    caplog.set_level(logging.WARNING, "gateway.fleet")

    async def scene(a: Host, b: Host) -> None:
        await until(lambda: "has other settings for [radius_server_duo_only]" in caplog.text)
        n_news = a.n_news
        await until(lambda: a.n_news > n_news + 3)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b", fail_mode=FailMode.SECURE))
    assert sum("Host gw-b has other settings" in each.message for each in caplog.records) == 1


def test_where_a_section_listens_is_no_difference(store, caplog):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.sees("gw-b") and b.sees("gw-a"))

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b", interface="127.0.0.1", port=1813))
    assert "other settings" not in caplog.text


def test_nothing_readable_is_in_the_store(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: a.sees("gw-b") and b.sees("gw-a"))
        for digit in "ab":
            record = store.ask("GET", f"rg:host:{digit * 16}")
            assert isinstance(record, bytes)
            for word in (b"gw-", b"healthy", b"duo", b"ready"):
                assert word not in record

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the log says, without waiting for what may change again."""
    monkeypatch.setattr(sharing_news, "STEADY_S", 0.0)
    caplog.set_level(logging.INFO, "gateway.fleet")
    return caplog


def test_a_store_that_takes_no_writes_is_told_and_so_is_its_return(store, short_log):
    """Without a connection that is lost."""

    async def scene(a: Host) -> None:
        await until(lambda: "is there; logins are shared" in short_log.text)
        short_log.clear()
        store.ask("CONFIG", "SET", "maxmemory", "1")
        await until(lambda: "cannot be used: it is full: give it more memory" in short_log.text)
        store.ask("CONFIG", "SET", "maxmemory", "0")
        await until(lambda: "is there; logins are shared" in short_log.text)
        assert len(short_log.messages) == 2

    play(scene, lambda: Host(store, "a"))


def test_a_host_that_has_just_begun_is_in_no_trouble(store, short_log):
    """Until its own words have come back to it, it does not know yet."""

    async def scene(a: Host) -> None:
        await until(lambda: "is there; logins are shared" in short_log.text)
        assert len(short_log.messages) == 1

    for _ in range(3):
        short_log.clear()
        play(scene, lambda: Host(store, "a"))


def test_a_worker_that_is_alone_is_told(store, short_log):
    async def scene(a: Host) -> None:
        await until(lambda: "is there; logins are shared" in short_log.text)
        a.workers = [{"state": "ready", "sharing": "late"}]
        await until(lambda: "not shared by 1 of 1 worker: the store's answers are late" in short_log.text)

    play(scene, lambda: Host(store, "a"))


def test_a_store_that_goes_is_told_once_and_so_is_its_return(store, short_log):
    caplog = short_log

    async def scene(a: Host) -> None:
        await until(lambda: "is there; logins are shared" in caplog.text)
        caplog.clear()
        store.kill()
        await until(lambda: "cannot be used" in caplog.text)
        status = a.watch.status()
        assert status is not None
        assert not status["up"]
        store.start()
        await until(lambda: "is there; logins are shared" in caplog.text)

    play(scene, lambda: Host(store, "a"))
    told = [each.message for each in caplog.records if "cannot be used" in each.message]
    assert len(told) == len(set(told)) > 0  # each reason once


def test_a_worker_that_does_not_share_is_said_of_the_host(store):
    """Its connections are its own: a store at its `maxclients` may take the supervisor's alone."""

    async def scene(a: Host) -> None:
        a.workers = [{"state": "ready", "sharing": each} for each in ("shared", "not_connected")]
        status = await until(lambda: (status := a.watch.status()) and "worker" in status["detail"] and status)
        assert (status["up"], status["workers_alone"]) == (False, 1)
        assert status["detail"].startswith("1 of 2 workers: they have no connection to the store")

    play(scene, lambda: Host(store, "a"))


def test_a_host_with_another_key_is_a_stranger_and_no_host(store):
    async def scene(a: Host, b: Host, _stranger: Host) -> None:
        await until(lambda: (status := a.watch.status()) and status["strangers"] == 1 and a.sees("gw-b"))
        status = a.watch.status()
        assert status is not None
        assert [host["name"] for host in status["hosts"]] == ["gw-a", "gw-b"]
        await until(lambda: (status := b.watch.status()) and status["strangers"] == 1)

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"), lambda: Host(store, "f"))


def test_a_host_with_other_settings_is_shown_with_what_differs(store):
    async def scene(a: Host, b: Host) -> None:
        seen = await until(lambda: b.sees("gw-a"))
        assert seen["differs"] == ["radius_server_duo_only"]
        a.watch.follow(a.settings_with(store, "a", fail_mode=FailMode.SECURE))
        await until(lambda: (host := b.sees("gw-a")) and host["differs"] == [])

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b", fail_mode=FailMode.SECURE))


def test_with_another_first_key_and_the_same_settings_the_key_alone_is_told(store, caplog):
    def with_keys(digit: str, *keys: bytes) -> Host:
        host = Host(store, digit)
        assert host.settings.fleet is not None
        fleet = msgspec.structs.replace(host.settings.fleet, keys=tuple(map(Secret, keys)))
        host.settings = msgspec.structs.replace(host.settings, fleet=fleet)
        return host

    async def scene(a: Host, b: Host) -> None:
        for one, other in ((a, "gw-b"), (b, "gw-a")):
            seen = await until(partial(one.sees, other))
            assert (seen["differs"], seen["other_first_key"]) == ([], True)
            await until(lambda: f"Host {other} has another first line in fleet_key_file" in caplog.text)  # noqa: B023 -- awaited at once

    play(scene, lambda: with_keys("a", KEY, KEY[::-1]), lambda: with_keys("b", KEY[::-1], KEY))
    assert "other settings" not in caplog.text


def test_a_host_that_leaves_says_so_in_its_own_status(store):
    async def scene(a: Host, b: Host) -> None:
        await until(lambda: b.sees("gw-a"))
        a.watch.say_leaving()
        status = a.watch.status()
        assert status is not None
        assert status["leaving"]
        assert status["hosts"][0]["state"] == "leaving"
        await until(lambda: (host := b.sees("gw-a")) and host["state"] == "leaving")

    play(scene, lambda: Host(store, "a"), lambda: Host(store, "b"))
