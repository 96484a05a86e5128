"""Where logins meet several hosts: gateways that act as one, the store between them, and what can be done to each."""

import asyncio
import base64
import functools
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.observe import ask_gateway
from bench.processes import DRAIN_S, GatewayProcess, free_udp_port
from tests.chaos.checker import Evidence
from tests.chaos.configuration import SECRET, configuration, server_section, write_private
from tests.chaos.fleet import HOSTS, Address, Fleet, Habits
from tests.chaos.records import PASSCODE, Plan
from tests.chaos.relay import Mood, TcpRelay
from tests.chaos.scene import GATEWAY_HOSTS, WAIT_S, Scene
from tests.fleet.redis_server import RedisServer, redis_server

_FLEET = """\
[fleet]
engine={engine}
engine_password_file={password}
fleet_key_file={key}
name={name}
"""
PASSWORD, ANOTHER_PASSWORD = "of the store", "changed meanwhile"
PROBES = 8  # logins that must all be granted before a host counts as sharing: they reach every worker, most likely
LOOK_S = 0.05


class Totals(NamedTuple):
    """What a host has counted: logins by how long they took of its own time, and claims by what became of them."""

    bounds_s: list[float]
    gateway: list[int]
    claims: dict[str, int]

    def since(self, before: "Totals") -> "Totals":
        """Return what has been counted since then."""
        return Totals(
            self.bounds_s,
            [now - then for now, then in zip(self.gateway, before.gateway, strict=True)],
            {outcome: count - before.claims[outcome] for outcome, count in self.claims.items()},
        )

    def plus(self, other: "Totals") -> "Totals":
        """Return the sum with another host's."""
        return Totals(
            self.bounds_s,
            [one + two for one, two in zip(self.gateway, other.gateway, strict=True)],
            {outcome: count + other.claims[outcome] for outcome, count in self.claims.items()},
        )

    def own_share_s(self, share: float) -> float:
        """Return the bound of the bucket up to which this share of all logins is; infinite beyond the last."""
        for bound, count in zip(self.bounds_s, self.gateway, strict=False):
            if count >= share * self.gateway[-1]:
                return bound
        return float("inf")


class Host:
    """One gateway of the fleet.

    Attributes:
        name: under which the others know it.
        address: where NAS send to.
        options: of its process.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.config = folder / "authproxy.cfg"
        self.address: Address = (GATEWAY_HOSTS[0], free_udp_port())
        self.process: GatewayProcess | None = None
        self.options: dict[str, Any] = {}

    def start(self) -> None:
        """Run it."""
        self.process = GatewayProcess(self.config, **self.options)

    def stop(self, timeout_s: float = WAIT_S) -> None:
        """Let it end in its own time."""
        if self.process is not None:
            process, self.process = self.process, None
            process.stop(timeout_s)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill_whole()
        self.stop()

    def status(self) -> dict[str, Any]:
        """Return what `status.json` holds."""
        found: dict[str, Any] = ask_gateway(self.folder / "run", "status")["status"]
        return found

    def totals(self) -> Totals:
        """Return what it has counted so far."""
        status = self.status()
        histograms = status["histograms"]
        (server,) = histograms["servers"].values()
        return Totals(histograms["bounds_s"], server["gateway"]["counts"], status["fleet"]["claims"])

    def hears(self, n_hosts: int) -> bool:
        """Whether so many hosts live that do not leave, itself among them."""
        alive = [host for host in self.status()["fleet"]["hosts"] if host["state"] in ("ready", "arriving")]
        return len(alive) == n_hosts

    @property
    def log_text(self) -> str:
        """Its log so far."""
        return (self.folder / "log" / "authproxy.log").read_text()


class HostsScene(Scene):
    """Several hosts between many NAS and one Duo; `async with` starts and ends them.

    Attributes:
        hosts: `gw-a`, `gw-b` …
        stores: their servers, the first in use; a second one is its replica.
        sources: addresses of NAS.
    """

    clients = "127.0.0.0/24"
    sources: Sequence[str] = HOSTS
    store_arguments: tuple[str, ...] = ()

    def __init__(
        self,
        folder: Path,
        plans: Sequence[Plan],
        *,
        seed: int = 0,
        n_hosts: int = 2,
        n_stores: int = 1,
        n_workers: int = 1,
        more: str = "",
    ) -> None:
        """Take plans as a `Scene` does, and `more` lines of the section of each host."""
        super().__init__(folder, [*plans, *_probes(n_hosts)], seed=seed, n_workers=n_workers)
        self.hosts = [Host(f"gw-{letter}", folder / f"gw-{letter}") for letter in "abcdef"[:n_hosts]]
        self.stores: list[RedisServer] = []
        self._store_relays: dict[str, list[TcpRelay]] = {host.name: [] for host in self.hosts}
        self._n_stores = n_stores
        self._more = more

    # What is there.

    def fleet_of(self, *hosts: Host, habits: Habits | None = None, n_ports: int = 32) -> Fleet:
        """Return a fleet that asks at these hosts in turn."""
        return self.fleet_at([host.address for host in hosts], habits, n_ports=n_ports)

    def fleet_at(self, addresses: Sequence[Address], habits: Habits | None = None, *, n_ports: int = 32) -> Fleet:
        """Return a fleet that asks at these addresses in turn."""
        fleet = Fleet(addresses, SECRET, habits, n_ports=n_ports, seed=self._seed, sources=self.sources)
        self._resources.callback(fleet.close)
        return fleet

    def excused(self, evidence: Evidence, n_alone: int) -> Evidence:
        """Return the evidence with leave to push twice, if any login was alone: for whom that was nobody counts."""
        return evidence._replace(may_repeat=set(evidence.plans)) if n_alone else evidence

    async def totals(self) -> Totals:
        """Return what all hosts have counted."""
        first, *others = [await asyncio.to_thread(host.totals) for host in self.hosts if host.process is not None]
        return functools.reduce(Totals.plus, others, first)

    @property
    def log_text(self) -> str:
        """The logs of all hosts."""
        return "".join(host.log_text for host in self.hosts)

    # What can be done.

    async def start_host(self, host: Host) -> None:
        """Start a host, and return when it shares logins."""
        await asyncio.to_thread(host.start)
        await self.until_together()

    async def kill_host(self, host: Host) -> None:
        """End a host as a power cut does."""
        self.n_kills += 1
        await asyncio.to_thread(host.kill)

    async def until_together(self) -> None:
        """Return once every host that runs shares logins and hears all others.

        Raises:
            TimeoutError: not within a minute.
        """
        alive = [host for host in self.hosts if host.process is not None]
        async with asyncio.timeout(WAIT_S):
            for host in alive:
                while not await asyncio.to_thread(host.hears, len(alive)):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)  # nothing tells
                while not await self._shares(host):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)

    async def _shares(self, host: Host) -> bool:
        """Whether none of some logins is alone."""
        before = await asyncio.to_thread(host.totals)
        async with Fleet([host.address], SECRET, n_ports=1, sources=self.sources) as fleet:
            await fleet.run([plan for plan in self.plans if plan.user.startswith(f"probe-{host.name}-")], 1000.0)
        claims = (await asyncio.to_thread(host.totals)).since(before).claims
        return claims["granted"] + claims["joined"] >= PROBES

    def cut_from_store(self, host: Host, mood: Mood = Mood.BLACK_HOLE) -> None:
        """Treat a host's connections to the store so."""
        for relay in self._store_relays[host.name]:
            relay.become(mood)

    def disturb_store(self, mood: Mood) -> None:
        """Treat the connections of all hosts to the store so."""
        for host in self.hosts:
            self.cut_from_store(host, mood)

    def ask_store(self, *words: str | bytes) -> Any:
        """Ask the store that is in use, on a connection of our own."""
        return self.stores[0].ask(*words)

    def let_in(self, password: str, store: RedisServer | None = None) -> None:
        """Let hosts in by this password alone, and end their connections if it is another one."""
        server = store or self.stores[0]
        server.ask("ACL", "SETUSER", "radgate", "on", "resetpass", f">{password}", "~*", "&*", "+@all")
        if password != PASSWORD:
            server.ask("CLIENT", "KILL", "USER", "radgate")

    def start_store(self, store: RedisServer) -> None:
        """Start a server again: it knows nothing."""
        store.start()
        self.let_in(PASSWORD, store)

    def send_to_store(self, number: signal.Signals) -> None:
        """Stop the store, or let it go on."""
        self.stores[0].send_signal(number)

    # Beginning and end.

    async def _start(self) -> None:
        await self._start_duos()
        for _ in range(self._n_stores):
            self.stores.append(
                await asyncio.to_thread(self._resources.enter_context, redis_server(*self.store_arguments))
            )
            self.let_in(PASSWORD, self.stores[-1])
        for replica in self.stores[1:]:
            replica.ask("REPLICAOF", "127.0.0.1", str(self.stores[0].port))
        key, password = self.folder / "fleet.key", self.folder / "store.password"
        write_private(key, base64.b64encode(os.urandom(32)))
        write_private(password, PASSWORD.encode())
        trusted = self._write_trusted()
        for host in self.hosts:
            host.folder.mkdir()
            engine = ",".join([await self._way_to_store(host, store) for store in self.stores])
            text = self._config(host, trusted, engine=engine, password=password, key=key)
            write_private(host.config, text.encode())
            self._resources.push_async_callback(asyncio.to_thread, host.stop, DRAIN_S)
        for host in self.hosts:
            await asyncio.to_thread(host.start)
        await self.until_together()

    def _config(self, host: Host, trusted: Path, **fleet: object) -> str:
        duo = self.duos[0]
        server = self._servers[0]._replace(more=self._more)
        section = server_section(server, host.address[1], duo, duo.api_host, clients=self.clients)
        more = _FLEET.format(name=host.name, **fleet)
        return configuration(host.folder, trusted, [section, more], self.n_workers)

    async def _way_to_store(self, host: Host, store: RedisServer) -> str:
        relay = TcpRelay(("127.0.0.1", store.port), self.chance)
        near = await relay.start()
        self._store_relays[host.name].append(relay)
        self._resources.push_async_callback(relay.close)
        return f"redis://radgate@{near[0]}:{near[1]}"

    async def _stop_gateways(self) -> None:
        for host in self.hosts:
            await asyncio.to_thread(host.stop, DRAIN_S)


def _probes(n_hosts: int) -> list[Plan]:
    """Logins of nobody else, by which it is seen whether a host shares what it has."""
    return [Plan(f"probe-gw-{letter}-{n}", PASSCODE) for letter in "abcdef"[:n_hosts] for n in range(PROBES)]
