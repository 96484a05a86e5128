"""Where logins meet trouble: simulated Duos, a gateway, the relays between them, and what can be done to each.

Everything is awaited: programs start and control ports are asked in threads, while fleet and relays go on.
"""

import asyncio
import functools
import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from bench.observe import workers_of
from bench.processes import DRAIN_S, GatewayProcess, Program, SimulatorProcess, StartError, free_udp_port
from gateway.supervisor.control_client import ask
from tests.chaos.checker import AFTERMATH_S, Evidence, Violation, check
from tests.chaos.configuration import SECRET, Server, configuration, server_section, write_private
from tests.chaos.fleet import Address, Fleet, Habits
from tests.chaos.records import Outage, Plan, Record
from tests.chaos.relay import CALM, Mood, TcpRelay, UdpRelay, Weather

AnyProgram = TypeVar("AnyProgram", bound=Program)

GATEWAY_HOSTS = ("127.0.0.1", "127.0.0.2")  # one gateway, asked at two addresses, as a directory asks two servers
WAIT_S = 60.0
DEADLINE_S = 20.0

_READY = re.compile(r"Worker (\d+) \(pid (\d+)\) is ready")
_FINISHED = re.compile(r"\), ([^ ,]+), \d+\): .* reason=(\w+)")
_MISTAKES = ("Traceback", "Internal error", "traceback=")


class Worker(NamedTuple):
    """A live worker process."""

    pid: int
    slot: int


class Scene:
    """A gateway between many NAS and Duo; `async with` starts and ends it.

    Args:
        folder: for everything that is written; made if missing.
        plans: of all logins to come: their users are made known to every Duo.
        servers: sections of the gateway's configuration.
        n_duos: simulated Duos, processes of their own.
        is_relayed: whether datagrams and connections pass relays, which can disturb them.
        poll_hold_s: after how long Duo answers a long poll without news.

    Attributes:
        n_workers: slots of the gateway.
        outages: what has been done to Duo so far, and to the way there.
        chance: for whoever disturbs it; the relays have generators of their own.
    """

    def __init__(
        self,
        folder: Path,
        plans: Sequence[Plan],
        *,
        seed: int = 0,
        servers: Sequence[Server] = (Server(),),
        n_workers: int = 2,
        n_duos: int = 1,
        is_relayed: bool = False,
        poll_hold_s: float = 20.0,
    ) -> None:
        self.folder = folder
        self.plans = plans
        self.chance = random.Random(seed)
        self._seed = seed
        self.outages: list[Outage] = []
        self.approved_at: dict[str, float] = {}
        self.n_kills = 0
        self.duos: list[SimulatorProcess] = []
        self._servers = servers
        self.n_workers = n_workers
        self._n_duos = n_duos
        self._is_relayed = is_relayed
        self._poll_hold_s = poll_hold_s
        self._duo_options: tuple[str, ...] = ()
        self._gateway_options: dict[str, Any] = {}
        self._ports: list[int] = []
        self._tcp_relays: list[TcpRelay] = []
        self._udp_relays: dict[Address, UdpRelay] = {}
        self._gateway: GatewayProcess | None = None
        self._stopped: set[int] = set()
        self._log_read = 0
        self._ready: set[int] = set()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start Duos, relays and gateway, and wait until all serve."""
        try:
            await self._start()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    # What is there.

    @property
    def gateway(self) -> GatewayProcess:
        """The running gateway."""
        assert self._gateway is not None
        return self._gateway

    def address(self, server: int = 0, host: str = GATEWAY_HOSTS[0]) -> Address:
        """Return where a fleet should send for this section: the gateway itself, or the relay before it."""
        address = (host, self._ports[server])
        if not self._is_relayed:
            return address
        relay = self._udp_relays.get(address)
        if relay is None:
            relay = self._udp_relays[address] = UdpRelay(address, random.Random(self._seed))
            self._resources.callback(relay.close)
        return relay.address

    @property
    def udp_relays(self) -> list[UdpRelay]:
        """What datagrams pass, if they pass any."""
        return list(self._udp_relays.values())

    def fleet(
        self,
        habits: Habits | None = None,
        *,
        server: int = 0,
        hosts: Sequence[str] = GATEWAY_HOSTS[:1],
        n_ports: int = 32,
    ) -> Fleet:
        """Return a fleet for one section; it asks at each of the hosts in turn."""
        addresses = [self.address(server, host) for host in hosts]
        fleet = Fleet(addresses, SECRET, habits, n_ports=n_ports, seed=self._seed)
        self._resources.callback(fleet.close)
        return fleet

    def workers(self) -> list[Worker]:
        """Return the live workers, of every generation."""
        return [Worker(pid, slot) for pid, slot in workers_of(self.gateway.process.pid).items()]

    @property
    def is_whole(self) -> bool:
        """Whether there is a worker in every slot, and each has reported ready."""
        workers = self.workers()
        return len(workers) == self.n_workers and {worker.pid for worker in workers} <= self.ready_pids()

    def ready_pids(self) -> set[int]:
        """Return the workers that have ever reported ready, as the log tells."""
        with (self.folder / "log" / "authproxy.log").open("rb") as log:
            log.seek(self._log_read)
            octets = log.read()
        whole = octets.rfind(b"\n") + 1
        self._log_read += whole
        self._ready.update(int(pid) for _, pid in _READY.findall(octets[:whole].decode()))
        return self._ready

    async def pending(self, duo: int = 0) -> list[dict[str, Any]]:
        """Return Duo's undecided pushes."""
        found: list[dict[str, Any]] = await asyncio.to_thread(self.duos[duo].get, "/api/pending")
        return found

    async def until_duo(self, fleet: Fleet, duo: int = 0, **at_least: int) -> None:
        """Return once Duo has counted so many; or a login of the fleet is answered already, and they may never come.

        Raises:
            TimeoutError: neither within a minute.
        """
        async with asyncio.timeout(WAIT_S):
            while not fleet.answers and not await asyncio.to_thread(self.duos[duo].reaches, 1.0, **at_least):
                pass

    # What can be done.

    async def approve(self, push: dict[str, Any], duo: int = 0) -> None:
        """Let the user of one pending push approve it."""
        self.approved_at.setdefault(push["username"], time.monotonic())
        await asyncio.to_thread(self.duos[duo].post, f"/api/pending/{push['txid']}", {"decision": "approve"})

    async def approve_all(self, duo: int = 0) -> int:
        """Let everybody approve who has a pending push; return how many did."""
        now = time.monotonic()
        for plan in self.plans:
            if plan.answer == "person":
                self.approved_at.setdefault(plan.user, now)
        answer = await asyncio.to_thread(self.duos[duo].post, "/api/pending", {"decision": "approve"})
        return int(answer["decided"])

    def kill(self, worker: Worker) -> None:
        """End a worker as the kernel's out-of-memory killer does."""
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
            self.n_kills += 1

    def suspend(self, worker: Worker) -> None:
        """Stop a worker for a while."""
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGSTOP)
            self._stopped.add(worker.pid)

    def resume(self, worker: Worker) -> None:
        """Let a stopped worker go on."""
        if worker.pid in self._stopped:
            self._stopped.remove(worker.pid)
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGCONT)

    def reload(self) -> Callable[[], bool]:
        """Ask the gateway for a new generation of workers; return what tells whether it serves in every slot."""
        before = self.ready_pids().copy()
        self.gateway.signal(signal.SIGHUP)
        return lambda: len(self.ready_pids() - before) >= self.n_workers

    def upgrade(self) -> Callable[[], bool]:
        """Have the code on disk take the gateway's place; return what tells whether it serves in every slot.

        A reload comes before it, so each slot gets two workers.
        """
        before = self.ready_pids().copy()
        asking = asyncio.ensure_future(asyncio.to_thread(ask, str(self.folder / "run"), "upgrade", WAIT_S))
        return lambda: asking.done() and len(self.ready_pids() - before) >= 2 * self.n_workers

    async def kill_supervisor(self) -> None:
        """End it as the kernel's out-of-memory killer does, and start another one; return once that serves."""
        self.gateway.signal(signal.SIGKILL)
        self.n_kills += 1
        await asyncio.to_thread(self.gateway.process.wait)
        await self._begin_gateway()

    async def fault(self, kind: str, duo: int = 0, **details: Any) -> None:
        """Let something go wrong at a Duo until `heal`."""
        self.outages.append(Outage(kind, time.monotonic()))
        await asyncio.to_thread(self.duos[duo].fault, kind, **details)

    async def heal(self) -> None:
        """End all faults and clear all ways."""
        for duo in self.duos:
            await asyncio.to_thread(duo.heal)
        for relay in self._tcp_relays:
            relay.become(Mood.CLEAR)
        now = time.monotonic()
        self.outages = [each if each.ended_at <= now else each._replace(ended_at=now) for each in self.outages]

    def disturb_connections(self, mood: Mood) -> None:
        """Treat the connections to Duo so until `heal`."""
        self.outages.append(Outage(f"tcp_{mood}", time.monotonic()))
        for relay in self._tcp_relays:
            relay.become(mood)

    @property
    def weather(self) -> Weather:
        """What happens to datagrams."""
        return next((relay.weather for relay in self._udp_relays.values()), CALM)

    @weather.setter
    def weather(self, weather: Weather) -> None:
        for relay in self._udp_relays.values():
            relay.weather = weather

    # What became of it.

    async def evidence(
        self, fleet: Fleet, *, server: int = 0, deadline_s: float = DEADLINE_S, aftermath_s: float = AFTERMATH_S
    ) -> Evidence:
        """Stop the gateway and return all that is known of a fleet's logins."""
        return await self.evidence_of(fleet.records, server=server, deadline_s=deadline_s, aftermath_s=aftermath_s)

    async def evidence_of(
        self,
        records: Sequence[Record],
        *,
        server: int = 0,
        deadline_s: float = DEADLINE_S,
        aftermath_s: float = AFTERMATH_S,
    ) -> Evidence:
        """Stop the gateway and return all that is known of these logins."""
        self._resume_all()
        await self._stop_gateways()
        plans = {plan.user: plan for plan in self.plans}
        users = {record.user for record in records}
        duo = self.duos[self._servers[server].duo]
        started = (await asyncio.to_thread(duo.get, "/api/counts"))["users"]
        return Evidence(
            plans={user: plans[user] for user in users},
            records=records,
            fail_mode=self._servers[server].fail_mode,
            deadline_s=deadline_s,
            n_pushes={user: factors.get("push", 0) for user, factors in started.items() if user in users},
            n_passcodes={user: factors.get("passcode", 0) for user, factors in started.items() if user in users},
            reasons=self.reasons(),
            outages=self.outages,
            approved_at=self.approved_at,
            was_killed=self.n_kills > 0,
            aftermath_s=aftermath_s,
            followed=await self._followed(started, duo) if self.n_kills else frozenset(),
        )

    async def _stop_gateways(self) -> None:
        await asyncio.to_thread(self.gateway.stop, DRAIN_S)

    async def followed(self, duo: int = 0) -> frozenset[str]:
        """Return the users about whose push Duo has been asked so far."""
        started = (await asyncio.to_thread(self.duos[duo].get, "/api/counts"))["users"]
        return await self._followed(started, self.duos[duo])

    async def _followed(self, started: dict[str, Any], duo: SimulatorProcess) -> frozenset[str]:
        """Return the users whose pushes Duo was asked about: a worker that died knew their names."""
        calls = await asyncio.to_thread(duo.get, "/api/calls?limit=100000")
        polled = {call["txid"] for call in calls if call["path"].endswith("/auth_status")}
        return frozenset(
            user for user, factors in started.items() if not polled.isdisjoint(factors["txids"].get("push", ()))
        )

    @property
    def log_text(self) -> str:
        """The gateway's log so far."""
        return (self.folder / "log" / "authproxy.log").read_text()

    def reasons(self) -> dict[str, frozenset[str]]:
        """Return why the gateway says that logins ended, by user."""
        found: dict[str, set[str]] = {}
        for user, reason in _FINISHED.findall(self.log_text):
            found.setdefault(user, set()).add(reason)
        return {user: frozenset(reasons) for user, reasons in found.items()}

    def reason_counts(self) -> Counter[str]:
        """Return how often each reason stands in the log."""
        return Counter(reason for reasons in self.reasons().values() for reason in reasons)

    def judge(self, evidence: Evidence) -> list[Violation]:
        """Return what the logins broke, and every mistake that the gateway owns up to in its log."""
        lines = [line for line in self.log_text.splitlines() if any(word in line for word in _MISTAKES)]
        return [*check(evidence), *(Violation("our mistake", "", line) for line in lines)]

    # Beginning and end.

    async def _start(self) -> None:
        await self._start_duos()
        api_hosts = [await self._way_to(duo) for duo in self.duos]
        self._write_config(api_hosts)
        await self._begin_gateway()
        self._resources.callback(self._resume_all)

    async def _begin_gateway(self) -> None:
        start = functools.partial(GatewayProcess, self.folder / "authproxy.cfg", **self._gateway_options)
        self._gateway = await self._begin(start)

    async def _start_duos(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        people = self.folder / "people.json"
        people.write_bytes(msgspec.json.encode([plan.person() for plan in self.plans]))
        options = (
            "--users",
            str(people),
            "--push-expires",
            "600",
            "--poll-hold",
            str(self._poll_hold_s),
            *self._duo_options,
        )
        for number in range(self._n_duos):
            start = functools.partial(SimulatorProcess, self.folder / f"duo{number}", *options)
            self.duos.append(await self._begin(start))

    async def _begin(self, start: Callable[[], AnyProgram]) -> AnyProgram:
        """Start a program in a thread; it is ended with all else, also if we are cancelled before it has started."""
        starting = asyncio.ensure_future(asyncio.to_thread(start))
        self._resources.push_async_callback(_end, starting)
        return await asyncio.shield(starting)

    async def _way_to(self, duo: SimulatorProcess) -> str:
        if not self._is_relayed:
            return duo.api_host
        host, _, port = duo.api_host.rpartition(":")
        relay = TcpRelay((host, int(port)), random.Random(self._seed))
        near = await relay.start()
        self._tcp_relays.append(relay)
        self._resources.push_async_callback(relay.close)
        return f"{near[0]}:{near[1]}"

    def _write_config(self, api_hosts: Sequence[str]) -> None:
        self._ports = [free_udp_port() for _ in self._servers]
        sections = [
            server_section(server, port, self.duos[server.duo], api_hosts[server.duo], number=number)
            for number, (server, port) in enumerate(zip(self._servers, self._ports, strict=True), 1)
        ]
        text = configuration(self.folder, self._write_trusted(), sections, self.n_workers)
        write_private(self.folder / "authproxy.cfg", text.encode())

    def _write_trusted(self) -> Path:
        trusted = self.folder / "ca.pem"
        trusted.write_text("".join(Path(duo.ca).read_text() for duo in self.duos))
        return trusted

    def _resume_all(self) -> None:
        for pid in tuple(self._stopped):
            self.resume(Worker(pid, -1))


async def _end(starting: asyncio.Future[AnyProgram]) -> None:
    """End a program, once it has started; one that could not start has ended by itself."""
    with suppress(StartError):
        program = await starting
        await asyncio.to_thread(program.stop, DRAIN_S)


async def kill_in_slot(scene: Scene, fleet: Fleet, slot: int) -> bool:
    """Kill the worker of a slot, as soon as there is one; False if the fleet was done before."""
    found: list[Worker] = []

    def is_there() -> bool:
        found[:] = [worker for worker in scene.workers() if worker.slot == slot]
        return bool(found)

    if await fleet.until(is_there):
        scene.kill(found[-1])
    return bool(found)
