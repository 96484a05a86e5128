"""The stage of a run: a lean Duo and a gateway as real processes, each on the cores that it is to have.

With fewer workers than cores each worker has one for itself, and the load, Duo and this process share the others.
Otherwise the kernel may place everything as it likes.
"""

import contextlib
import ipaddress
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from bench import home_server
from bench.cores import allow_all_cores
from bench.directory.process import DirectoryProcess
from bench.endings import scratch_folder
from bench.observe import Process, children_of, workers_of
from bench.processes import (
    DRAIN_S,
    SECRET,
    GatewayConfig,
    GatewayProcess,
    HomeServerProcess,
    SimulatorProcess,
    gateway_config,
)
from bench.radius_load.nas import source_addresses
from bench.radius_load.plan import LoadPlan
from bench.scenario import Scenario

WORKERS_A_PROCESS = 2  # so many, and more, can one process of the load keep busy
HOSTS = ("127.0.0.1", "127.0.0.2")  # the gateway is asked at both where a NAS knows two servers
_MISTAKES = ("Traceback", "traceback=", "Internal error", "Fatal Python error")


class Placement(NamedTuple):
    """Who has which cores; empty means that the kernel decides.

    Attributes:
        workers: one for each, by slot.
        load: of the load's processes, in turn. Where it can be, one of the others' cores is left to Duo.
        others: of everybody but the workers.
    """

    workers: tuple[int, ...]
    load: tuple[int, ...]
    others: tuple[int, ...]


def place(n_workers: int, cores: Sequence[int]) -> Placement:
    """Return who runs where."""
    if n_workers >= len(cores):
        return Placement((), (), tuple(cores))
    others = tuple(cores[n_workers:])
    return Placement(tuple(cores[:n_workers]), others[1:] or others, others)


class Stage:
    """From entering to leaving, a Duo and a gateway serve.

    Attributes:
        duo, gateway: the processes.
        run_dir: of the gateway's control socket.
        port: of all server sections.
        placement: who runs where.
    """

    def __init__(self, scenario: Scenario, n_workers: int) -> None:
        self._scenario = scenario
        self._n_workers = n_workers
        self._cores = sorted(os.sched_getaffinity(0))
        self._resources = ExitStack()
        self._first: Process | None = None
        self.placement = place(n_workers, self._cores)

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._folder = starting.enter_context(scratch_folder("radgate-bench-"))
            os.sched_setaffinity(0, self.placement.others)  # children inherit it
            starting.callback(os.sched_setaffinity, 0, self._cores)
            options = _options(self._scenario.duo)
            self.duo = starting.enter_context(SimulatorProcess(self._folder / "duo", *options, module="bench.lean_duo"))
            config = self._config(starting)
            self.port, self.run_dir = config.port, config.run_dir
            self.gateway = starting.enter_context(GatewayProcess(config.path, preexec_fn=allow_all_cores))
            starting.callback(self.gateway.stop, DRAIN_S)
            self.pin_workers()
            self._resources = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    def load_plan(self) -> LoadPlan:
        """Return the scenario's load, aimed at this gateway."""
        plan = self._scenario.load
        return msgspec.structs.replace(
            plan,
            targets=tuple((host, self.port) for host in HOSTS),
            shared_secret=SECRET,
            cores=self.placement.load,
            n_processes=max(plan.n_processes, self._n_workers // WORKERS_A_PROCESS),
        )

    def pin_workers(self) -> None:
        """Put each worker on its core; to be repeated for successors."""
        for pid, slot in workers_of(self.gateway.process.pid).items():
            if slot < len(self.placement.workers):
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(pid, {self.placement.workers[slot]})

    def processes(self) -> list[Process]:
        """Return everybody who takes part and lives; workers that are new are put on their cores.

        What the gateway has said is taken from its pipe, which must never be full.
        """
        self.pin_workers()
        self.gateway.heard()
        gateway = self.gateway.process.pid
        return [
            Process("supervisor", gateway),
            *(Process(f"worker {slot}", pid) for pid, slot in workers_of(gateway).items()),
            Process("Duo", self.duo.process.pid),
            *([self._first] if self._first is not None else []),
            *(Process("load", pid) for pid in _load_processes()),
        ]

    def mistakes(self) -> list[str]:
        """Return the lines of the gateway's log, and of what it said on stderr, in which it owns up to a mistake."""
        with (self._folder / "log" / "authproxy.log").open(errors="replace") as log:
            lines = [*log, *self.gateway.heard().splitlines()]
        return [line.strip() for line in lines if any(word in line for word in _MISTAKES)]

    def gateway_end(self) -> str:
        """Return how the gateway has ended, though nobody asked it to, and what it said last; empty if it serves."""
        status = self.gateway.process.poll()
        if status is None:
            return ""
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return f"{how}; it last said: {self.gateway.heard().strip().splitlines()[-1].strip()}"

    def _config(self, starting: ExitStack) -> GatewayConfig:
        """Return the gateway's configuration; what it asks first, if anything, is started for it."""
        scenario = self._scenario
        gateway = {"workers": self._n_workers, **scenario.gateway}
        server: dict[str, Any] = {**scenario.server}
        if scenario.has_first_factor:
            server |= self._first_factor(starting)
        return gateway_config(
            self._folder, self.duo, clients=clients_of(scenario), gateway=gateway, kind=scenario.kind, **server
        )

    def _first_factor(self, starting: ExitStack) -> dict[str, Any]:
        """Start a directory or a home server; return what a configuration is told of it."""
        scenario = self._scenario
        if scenario.directory is None:
            home = starting.enter_context(HomeServerProcess("--anybody", *_options(scenario.home_server)))
            self._first = Process("home server", home.process.pid)
            keys = {"host": "127.0.0.1", "port": home.port, "secret": home_server.SECRET}
            return {"home": keys, "client": "radius_client"}
        options = {**scenario.directory, "dir": str(self._folder / "directory")}
        transport = options.pop("transport", "ldaps")
        directory = starting.enter_context(DirectoryProcess("--anybody", *_options(options)))
        self._first = Process("directory", directory.process.pid)
        return {"directory": directory.client_keys(transport), "client": "ad_client"}


def _options(values: Mapping[str, str]) -> list[str]:
    """Return the words of a command line."""
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def clients_of(scenario: Scenario) -> list[list[str]]:
    """Return the RADIUS clients of each server section: one network, or each NAS dealt out to one of several."""
    if scenario.sections == 1:
        return [[str(ipaddress.IPv4Network(scenario.load.source_network, strict=False))]]
    addresses = list(dict.fromkeys(source_addresses(scenario.load.source_network, scenario.load.n_nas)))
    return [addresses[section :: scenario.sections] for section in range(scenario.sections)]


def _load_processes() -> Iterator[int]:
    for pid in children_of(os.getpid()):
        with contextlib.suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                yield pid
