"""A directory's process, from the instant when it listens until a test is over."""

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.endings import start
from bench.processes import START_TIMEOUT_S, StartError

_N_ADDRESSES = itertools.count(1)
_PROFILES = Path("/sys/kernel/security/apparmor/profiles")


def is_confined(program: str) -> bool:
    """Whether AppArmor keeps a program from files in folders of tests, as Ubuntu does with slapd."""
    try:
        profiles = _PROFILES.read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(f"{program} ") and line.endswith("(enforce)") for line in profiles)


def own_address() -> str:
    """Return an address of 127.0.0.0/8 that no other directory of this run has."""
    number = (os.getpid() << 5) + next(_N_ADDRESSES)
    return f"127.{128 + (number >> 16 & 0x3F)}.{number >> 8 & 0xFF}.{number & 0xFF or 1}"


def free_port(address: str) -> int:
    """Return a TCP port that the kernel chose and that nobody listens on."""
    return free_ports(address, 1)[0]


def free_ports(address: str, count: int) -> list[int]:
    """Return so many of them, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((address, 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


@contextmanager
def listening(command: Sequence[str], at: tuple[str, int], said: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process of a command, from when it listens until this is left; what it says is in a file."""
    with said.open("wb") as output:
        # Samba would read from a pipe, and end with it.
        process = start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _until_it_listens(process, at, said)
        yield process
    finally:
        process.kill()
        process.wait()


def _until_it_listens(process: "subprocess.Popen[bytes]", at: tuple[str, int], said: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(at, 1.0):
            return
        time.sleep(0.02)  # nothing tells when it listens
    raise StartError(f"{process.args!r} did not come up: {said.read_text()}")
