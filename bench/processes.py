"""The real programs as child processes: the gateway and the simulated Duo, started, watched and ended by their id."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START_TIMEOUT_S = 30.0


class StartError(Exception):
    """A program did not come up; the text holds what it said."""


class Program:
    """A child process that says on one stream when it is ready.

    Attributes:
        output: what it said on that stream so far.
    """

    def __init__(self, arguments: list[str], *, stream: str, **options: Any) -> None:
        """Start `python -P -m ARGUMENTS…`; `stream`, stdout or stderr, is the one to listen to."""
        pipes = {stream: subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-P", "-m", *arguments], **{**options, **pipes})
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

    def signal(self, number: int) -> None:
        """Send a signal to this process alone."""
        self.process.send_signal(number)

    def stop(self, timeout_s: float = START_TIMEOUT_S) -> int:
        """End it with SIGTERM, or SIGKILL if that is not enough; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        rest = self._pipe.read()
        self.output += rest.decode() if rest else ""
        self._pipe.close()
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._pipe.closed:
            self.stop()


class SimulatorProcess(Program):
    """A simulated Duo with the default cast, controlled over its loopback page.

    Attributes:
        api_host, ca, ikey, control: as the simulator announces them.
        secret_key: of the application, from the file that only we may read.
    """

    def __init__(self, folder: Path, *options: str, module: str = "bench.simulator") -> None:
        """Start it and wait until it serves."""
        super().__init__([module, "--dir", str(folder), *options], stream="stdout")
        announced = json.loads(self.wait_for("api_host"))
        self.api_host: str = announced["api_host"]
        self.ca: str = announced["ca"]
        self.ikey: str = announced["ikey"]
        self.control: str = announced["control"]
        self.applications: list[dict[str, str]] = json.loads(Path(announced["application_file"]).read_text())[
            "applications"
        ]
        self.secret_key = self.applications[0]["skey"]

    def write_config(self, path: Path, template: str, **details: object) -> Path:
        """Write a configuration file that asks this Duo; the template's `{ikey}`, `{skey}` … are filled in."""
        path.touch(mode=0o600)
        known = {"ca": self.ca, "ikey": self.ikey, "skey": self.secret_key, "api_host": self.api_host}
        path.write_text(template.format(**known, **details))
        return path

    def get(self, path: str) -> Any:
        """Return what the control port says, decoded."""
        with urllib.request.urlopen(self.control + path, timeout=30) as answer:  # noqa: S310 -- loopback http of our own
            return json.load(answer)

    def post(self, path: str, content: dict[str, Any]) -> Any:
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


class GatewayProcess(Program):
    """`radgate run` with a configuration file, ready to serve.

    Attributes:
        announced: the line that said so.
    """

    def __init__(self, config: Path, **options: Any) -> None:
        """Start it and wait until every worker serves.

        Raises:
            StartError: it did not come up; `output` of the error holds the reason.
        """
        super().__init__(["gateway", "run", "--config", str(config)], stream="stderr", **options)
        try:
            self.announced = self.wait_for("radgate ready")
        except StartError:
            self.stop()
            raise

    def worker_pids(self) -> list[int]:
        """Return the processes that it has started and that live."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_udp_port(host: str = "127.0.0.1") -> int:
    """Return a port that the kernel chose and that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((host, 0))
        return int(udp.getsockname()[1])
