"""Programs that others wrote as child processes, and machines for them: network namespaces that a test makes."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Self

import pytest

from bench.endings import start
from bench.processes import Program

PATIENCE_S = 30.0
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/lib/ipsec:/usr/libexec/ipsec"
_CLONE_NEWNET = 0x40000000


def program(name: str) -> str:
    """Return where a program is; empty if it is not installed."""
    return shutil.which(name, path=_PATH) or ""


def needs(package: str, *names: str) -> pytest.MarkDecorator:
    """Skip, by name, where one of these programs, or a file that a pattern below /usr names, is missing."""
    missing = [name for name in names if not (any(Path("/usr").glob(name)) if "/" in name else program(name))]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)}: not installed (Debian: {package})")


def _can_make_machines() -> bool:
    if os.geteuid() != 0 or not program("ip") or not program("nsenter"):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0


needs_machines = pytest.mark.skipif(
    not _can_make_machines(), reason="network namespaces cannot be made: wants root, iproute2 and util-linux"
)


class Foreign(Program):
    """A program of others': what it says on both streams is its `output`.

    Attributes:
        started: all of them that have not been ended yet.
    """

    started: ClassVar[list["Foreign"]] = []

    def __init__(self, *arguments: str, typed: str = "") -> None:
        """Start it in a session of its own, without a terminal; what is typed is its standard input."""
        self.process = start(
            [program(arguments[0]), *arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            stdin.write(typed.encode())
        self._pipe = self.process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self.output = ""
        self.started.append(self)

    def stop(self, timeout_s: float = PATIENCE_S) -> int:
        """End it, and whatever it has started, without a chance to say good-bye; return its exit status."""
        if self in self.started:
            self.started.remove(self)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        return super().stop(timeout_s)

    def ended(self) -> int:
        """Wait until it ends by itself; return its exit status."""
        status = self.process.wait(PATIENCE_S)
        self.stop()
        return status


class Machine:
    """A namespace with a network and a /run of its own."""

    def __init__(self) -> None:
        self._holder = start(
            ["unshare", "--net", "--mount", "sh", "-ec", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"

    @property
    def pid(self) -> int:
        """A process that lives there."""
        return self._holder.pid

    def within(self, *arguments: str) -> list[str]:
        """Return the command that does this there."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", f"--mount=/proc/{self.pid}/ns/mnt", *arguments]

    def run(self, *arguments: str) -> None:
        """Do something there."""
        subprocess.run(self.within(*arguments), check=True, timeout=PATIENCE_S)

    def plug_into(self, other: "Machine", address: str, other_address: str) -> None:
        """Lay a cable to another machine; addresses are those of its two ends, with the length of their prefix."""
        name = f"to{other.pid}"
        ends = (*("netns", str(self.pid), "type", "veth"), *("peer", "name", f"to{self.pid}", "netns", str(other.pid)))
        subprocess.run([program("ip"), "link", "add", name, *ends], check=True, timeout=PATIENCE_S)
        self._set_up(name, address)
        other._set_up(f"to{self.pid}", other_address)

    def _set_up(self, name: str, address: str) -> None:
        self.run("ip", "address", "add", address, "dev", name)
        self.run("ip", "link", "set", name, "up")

    def listen(self, port: int) -> socket.socket:
        """Return a UDP socket that is bound there, to 127.0.0.1."""
        with ThreadPoolExecutor(1) as thread:  # a thread of its own, for it does not come back
            return thread.submit(self._listen, port).result()

    def _listen(self, port: int) -> socket.socket:
        with Path(f"/proc/{self.pid}/ns/net").open() as namespace:
            assert ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) == 0
        return udp_socket(port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process that holds it; it is gone when the last process there has ended."""
        self._holder.communicate(timeout=PATIENCE_S)


_HOLD = "mount -t tmpfs tmpfs /run; ip link set lo up; echo up; exec cat"


def udp_socket(port: int = 0) -> socket.socket:
    """Return a UDP socket bound to 127.0.0.1."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))
    return udp
