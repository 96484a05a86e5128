"""A store of our own for a test: a real server with a folder, a socket and a port, ended by its id.

Valkey's where there is one, else Redis'; tests that need one are skipped by name where there is neither.
"""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.processes import StartError
from bench.store import find_program, lacking
from gateway.fleetapi.resp import Answer, AnswerReader, encode_command

PROGRAM = find_program()
PATIENCE_S = 20.0

needs_store = pytest.mark.skipif(PROGRAM is None, reason="needs valkey-server or redis-server")


class RedisServer:
    """One that runs; `path` is its socket, `port` the one on loopback, with TLS or without."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.path = str(folder / "store.sock")
        self.process: subprocess.Popen[bytes] | None = None
        self._arguments: list[str] = []

    def start(self, arguments: Sequence[str] = ()) -> None:
        """Start it, with nothing known; `arguments` are kept for the next start.

        Raises:
            StartError: there is none on this machine.
        """
        if PROGRAM is None:
            raise StartError(lacking())
        self._arguments = list(arguments) or self._arguments
        options = ["--unixsocket", self.path, "--save", "", "--dir", str(self.folder)]
        ports = ["--port", "0", "--tls-port", str(self.port)] if self._has_tls() else ["--port", str(self.port)]
        if "--sentinel" in self._arguments:  # it wants a file that it can write, and takes fewer options
            file = self.folder / "sentinel.conf"
            file.write_text(f"bind 127.0.0.1\nport {self.port}\nunixsocket {self.path}\ndir {self.folder}\n")
            command = [PROGRAM, str(file), "--sentinel"]
        else:
            command = [PROGRAM, *ports, "--bind", "127.0.0.1", *options, *self._arguments]
        Path(self.path).unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._until_it_answers()

    def _has_tls(self) -> bool:
        return "--tls-cert-file" in self._arguments

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            try:
                self.ask("PING")
            except OSError:
                time.sleep(0.005)  # until it listens: nothing tells when
            else:
                return

    def ask(self, *words: str | bytes) -> Answer:
        """Return what it answers to a command, on a connection of its own by its socket."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect(self.path)
            sock.sendall(encode_command([word if isinstance(word, bytes) else word.encode() for word in words]))
            reader = AnswerReader()
            while not (answers := reader.feed(octets := sock.recv(65_536))):
                assert octets
            return answers[0]

    def send_signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, end it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without the least courtesy, and wait for that."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A port that the kernel chose; the server cannot be handed a socket."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def redis_server(*arguments: str) -> Iterator[RedisServer]:
    """Run one with these arguments more."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        server = RedisServer(Path(folder), free_port())
        try:
            server.start(arguments)
            yield server
        finally:
            server.kill()


@contextmanager
def redis_servers(n: int) -> Iterator[list[RedisServer]]:
    """Run several, none of which knows of the others."""
    with ExitStack() as stack:
        yield [stack.enter_context(redis_server()) for _ in range(n)]
