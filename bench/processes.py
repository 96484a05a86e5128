"""The real programs as child processes, the gateway and the simulated Duo: configured, started, ended by their id."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from bench.cores import allow_all_cores, pin_alone
from bench.endings import start
from bench.observe import children_of, workers_of

START_TIMEOUT_S = 30.0
DRAIN_S = 2.0  # what is pending when a run is over, nobody waits for
AT_ONCE_S = 10.0
SECRET = "a secret for the bench alone"
_GIVEN: set[int] = set()  # UDP ports: the kernel may choose one again at once


class StartError(Exception):
    """A program did not come up; the text holds what it said."""


class Program:
    """A child process that says on one stream when it is ready, and does not outlive us.

    Attributes:
        output: what it said on that stream so far.
    """

    def __init__(self, arguments: list[str], *, stream: str, python: str = sys.executable, **options: Any) -> None:
        """Start `python -P -m ARGUMENTS…`; `stream`, stdout or stderr, is the one to listen to."""
        given = {**options, stream: subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self.process = start([python, "-P", "-m", *arguments], **given)
        self._pipe = getattr(self.process, stream)
        os.set_blocking(self._pipe.fileno(), False)
        self.output = ""

    def wait_for(self, text: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Return the line that holds `text`, once it has been said.

        Raises:
            StartError: the program ended, or time ran out.
        """
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            for line in self.output.splitlines(keepends=True):
                if text in line and line.endswith("\n"):
                    return line.strip()
            if select.select([self._pipe], [], [], left_s)[0]:
                said = self._pipe.read()
                if not said:
                    break
                self.output += said.decode()
        raise StartError(f"{self.process.args!r} did not say {text!r}; it said:\n{self.output}")

    def until_ready(self, text: str, timeout_s: float = START_TIMEOUT_S) -> str:
        """Return the line that holds `text`; a program that does not come to say it is ended."""
        try:
            return self.wait_for(text, timeout_s)
        except BaseException:
            self.stop(DRAIN_S)
            raise

    def heard(self) -> str:
        """Take what it has said since; return all that it has said on its stream."""
        if not self._pipe.closed:
            said = self._pipe.read()
            self.output += said.decode(errors="replace") if said else ""
        return self.output

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def stop(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """End it and return its exit status. After so long it is asked again, and at last it is killed.

        A gateway that is asked again waits for no pending login any more.
        """
        for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGTERM, AT_ONCE_S), (signal.SIGKILL, None)):
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)
                break
        self.heard()
        self._pipe.close()
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._pipe.closed:
            self.stop(DRAIN_S if kind else START_TIMEOUT_S)


class HomeServerProcess(Program):
    """A RADIUS server that checks passwords, `bench.home_server`.

    Attributes:
        port: where it is asked, on 127.0.0.1.
    """

    def __init__(self, *options: str) -> None:
        """Start it and wait until it serves."""
        super().__init__(["bench.home_server", *options], stream="stdout")
        self.port = int(self.until_ready("home server ready").rpartition(":")[2])


class ControlledProgram(Program):
    """One with a control port on loopback that speaks JSON.

    Attributes:
        control: its URL; who derives from this sets it.
    """

    control: str

    def __init__(self, arguments: list[str], **options: Any) -> None:
        """Start it. It asks nobody: aiohttp is not to load the system's trusted roots for that, which takes 0.07 s."""
        environment = {**os.environ, "SSL_CERT_FILE": os.devnull}
        super().__init__(arguments, stream="stdout", env=environment, **options)

    def get(self, path: str, *, timeout_s: float = START_TIMEOUT_S) -> Any:
        """Return what the control port says, decoded."""
        with urllib.request.urlopen(self.control + path, timeout=timeout_s) as answer:  # noqa: S310 -- loopback http of our own
            return json.load(answer)

    def post(self, path: str, content: object) -> Any:
        """Change something, and return what the control port says to it."""
        request = urllib.request.Request(  # noqa: S310
            self.control + path, json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def fault(self, kind: str, **details: Any) -> None:
        """Let something go wrong until `heal`."""
        self.post("/api/faults", {"kind": kind, **details})

    def heal(self) -> None:
        """End all faults."""
        self.post("/api/faults/clear", {})


class SimulatorProcess(ControlledProgram):
    """A simulated Duo, `bench.simulator` with the default cast or the lean one, controlled over its loopback port.

    Attributes:
        api_host, ca, ikey, control: as the simulator announces them.
        secret_key: of the application, from the file that only we may read.
    """

    def __init__(
        self, folder: Path, *options: str, module: str = "bench.simulator", python: str = sys.executable
    ) -> None:
        """Start it and wait until it serves."""
        super().__init__([module, "--dir", str(folder), *options], python=python)
        announced = json.loads(self.until_ready("api_host"))
        self.api_host: str = announced["api_host"]
        self.ca: str = announced["ca"]
        self.ikey: str = announced["ikey"]
        self.control = announced["control"]
        self.applications: list[dict[str, str]] = json.loads(Path(announced["application_file"]).read_text())[
            "applications"
        ]
        self.secret_key = self.applications[0]["skey"]

    def reaches(self, within_s: float = AT_ONCE_S, **at_least: int) -> bool:
        """Wait for so many `pending`, `pushes`, `auth` … (`bench.simulator.counts`); return if they came."""
        wish = urllib.parse.urlencode({**at_least, "within_s": within_s})
        try:
            self.get(f"/api/wait?{wish}", timeout_s=within_s + START_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != HTTPStatus.REQUEST_TIMEOUT:
                    raise
            return False
        return True

    def until(self, within_s: float = START_TIMEOUT_S, **at_least: int) -> None:
        """Return once Duo has counted so many.

        Raises:
            TimeoutError: it has not in that time; the text holds what it has counted.
        """
        if not self.reaches(within_s, **at_least):
            raise TimeoutError(f"not {at_least} within {within_s:g} s, but {self.get('/api/counts')}")

    def pending(self, at_least: int = 1) -> list[dict[str, Any]]:
        """Wait for so many undecided pushes, and return all there are then, oldest first; `bench.simulator` knows them.

        Raises:
            TimeoutError: they did not come.
        """
        self.until(pending=at_least)
        found: list[dict[str, Any]] = self.get("/api/pending")
        return found

    def decide(self, push: Mapping[str, Any], decision: str = "approve") -> None:
        """Answer a pending push as its owner would."""
        self.post(f"/api/pending/{push['txid']}", {"decision": decision})

    def set_keys(self, *skeys: str) -> None:
        """Let the first application's calls be signed with these secret keys, and no others; not of the lean one."""
        self.post("/api/keys", {"skeys": skeys})


class GatewayProcess(Program):
    """`radgate run` with a configuration file, ready to serve.

    Attributes:
        announced: the line that said so.
    """

    def __init__(self, config: Path, *, timeout_s: float = START_TIMEOUT_S, **options: Any) -> None:
        """Start it and wait until every worker serves.

        Raises:
            StartError: it did not come up; the text holds what it said.
        """
        super().__init__(["gateway", "run", "--config", str(config)], stream="stderr", **options)
        self.announced = self.until_ready("radgate ready", timeout_s)

    def worker_pids(self) -> list[int]:
        """Return its live workers."""
        return list(workers_of(self.process.pid))

    def kill_whole(self) -> None:
        """End all its processes at once, as a power cut does: none sees another die."""
        self.process.send_signal(signal.SIGSTOP)
        for pid in children_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class OneWorker(GatewayProcess):
    """A gateway of one worker, which has the first core to itself.

    Attributes:
        worker: its process's id.
    """

    def __init__(self, config: Path, **options: Any) -> None:
        super().__init__(config, preexec_fn=allow_all_cores, **options)
        try:
            (self.worker,) = self.worker_pids()
            pin_alone(self.worker)
        except (ValueError, ProcessLookupError) as error:
            self.stop()
            raise StartError(f"there is not one worker; the gateway said:\n{self.output}") from error


class GatewayConfig(NamedTuple):
    """A configuration file, and where a gateway that runs with it is to be asked.

    Attributes:
        port: of all its server sections.
        run_dir: of its control socket.
    """

    path: Path
    port: int
    run_dir: Path


def gateway_config(
    folder: Path,
    duo: SimulatorProcess,
    *,
    clients: Sequence[Sequence[str]] = (("127.0.0.1",),),
    secret: str = SECRET,
    gateway: Mapping[str, object],
    fleet: Mapping[str, object] | None = None,
    kind: str = "duo_only",
    home: Mapping[str, object] | None = None,
    directory: Mapping[str, object] | None = None,
    **server: object,
) -> GatewayConfig:
    """Write `authproxy.cfg` into a folder, which is made where it is missing.

    Args:
        folder: for log and control socket, too.
        duo: whom to ask.
        clients: addresses or networks of the RADIUS clients, those of each server section.
        secret: of all clients.
        gateway: keys of the gateway's own section; there is no console unless one is named.
        fleet: those of [fleet]; None for a host by itself.
        kind: of the server sections: `duo_only`, `auto` …
        home: keys of [radius_client]; None for none. A server asks it first if its key `client` says so.
        directory: keys of [ad_client], in the same way.
        server: further keys of every server section.
    """
    folder.mkdir(exist_ok=True)
    config = GatewayConfig(folder / "authproxy.cfg", free_udp_port(), folder / "run")
    application = {"ikey": duo.ikey, "skey": duo.secret_key, "api_host": duo.api_host, "port": config.port}
    sections: dict[str, Mapping[str, object]] = {"main": {"http_ca_certs_file": duo.ca, "log_dir": folder / "log"}}
    for number, addresses in enumerate(clients, 1):
        known = {f"radius_ip_{index}": address for index, address in enumerate(addresses, 1)}
        secrets = {f"radius_secret_{index}": secret for index in range(1, len(addresses) + 1)}
        sections[f"radius_server_{kind}{number}"] = {**application, **server, **known, **secrets}
    sections["gateway"] = {"console": "off", "run_dir": config.run_dir, **gateway}
    if fleet is not None:
        sections["fleet"] = fleet
    sections |= {name: keys for name, keys in (("radius_client", home), ("ad_client", directory)) if keys is not None}
    lines = [
        line for name, keys in sections.items() for line in (f"[{name}]", *(f"{key}={keys[key]}" for key in keys), "")
    ]
    config.path.touch(mode=0o600)
    config.path.write_text("\n".join(lines))
    return config


def free_udp_port(host: str = "127.0.0.1") -> int:
    """Return a port that the kernel chose, that nobody listens on, and that this process was never given before."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((host, 0))
            port = int(udp.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
