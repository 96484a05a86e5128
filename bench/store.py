"""The store of a fleet as a child process: Valkey's server, or Redis', on a socket in a folder; it keeps nothing."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from bench.endings import start
from bench.processes import START_TIMEOUT_S, StartError

PROGRAMS = ("valkey-server", "redis-server")
_INSTALLERS = (
    ("apt-get", "apt-get install redis-server"),
    ("dnf", "dnf install valkey"),
    ("apk", "apk add valkey"),
    ("zypper", "zypper install valkey"),
    ("pacman", "pacman -S valkey"),
)


class StoreProcess:
    """One that runs.

    Attributes:
        url: what `engine=` in [fleet] says of it.
    """

    def __init__(self, folder: Path) -> None:
        """Start it, and wait until it answers.

        Raises:
            StartError: there is none on this machine, or it did not come up.
        """
        program = find_program()
        if program is None:
            raise StartError(lacking())
        folder.mkdir(exist_ok=True)
        self._socket = folder / "store.sock"
        self.url = f"unix://{self._socket}"
        files = ["--unixsocket", str(self._socket), "--unixsocketperm", "700", "--dir", str(folder)]
        nothing = ["--port", "0", "--save", "", "--appendonly", "no"]
        output = subprocess.DEVNULL
        self.process = start([program, *files, *nothing], stdin=output, stdout=output, stderr=output)
        try:
            self._until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(1.0)
                sock.connect(str(self._socket))
                sock.sendall(b"PING\r\n")
                if sock.recv(16).startswith(b"+PONG"):
                    return
            time.sleep(0.01)  # nothing tells when it listens
        raise StartError(f"{self.process.args!r} did not come up")

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP lets it stand still."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """End it; nothing that it holds is worth waiting for."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def find_program() -> str | None:
    """Return the path of a server, Valkey's first; None where there is none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def lacking() -> str:
    """Return that there is none, and what to do."""
    return f"several hosts share a store, and neither {' nor '.join(PROGRAMS)} is here; {remedy()}"


def remedy() -> str:
    """Return what to do where there is none, with this machine's own command."""
    command = next((command for tool, command in _INSTALLERS if shutil.which(tool)), "")
    return f"install one: {command}" if command else "install Valkey or Redis (6.2 or newer)"
