"""Worker processes: what reaches them, and what nobody else can read."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.settings import Settings, decode_settings, encode_settings
from gateway.ipc.board import Board
from gateway.ipc.journal import create_journal
from gateway.ipc.memory import memfd
from gateway.ipc.orders import (
    ConsoleOrders,
    GenerationOrders,
    Orders,
    SocketOrders,
)
from gateway.ipc.plan import board_plan
from gateway.listeners.udp import open_socket
from gateway.supervisor.process import ConsoleProcess, WorkerProcess, child_environment
from tests.config.files import MINIMAL, SHARED_SECRET, SKEY, parse
from tests.descriptors import descriptors

READ_IT = "import os, sys; sys.stdout.buffer.write(os.pread(int(sys.argv[1]), 1 << 24, 0))"
SECRETS = (SKEY.encode(), SHARED_SECRET.encode())


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with open_socket(socket.AF_INET, "127.0.0.1", 0, shared=False) as udp:
        yield udp


def settings_of(folder: Path) -> Settings:
    """Settings whose Duo is a port of this machine where nothing listens."""
    text = MINIMAL.replace("api-12345678.duosecurity.com", "127.0.0.1:9")
    return parse(f"[main]\nlog_dir={folder / 'log'}\n{text}")[0]


def settings_memfd(octets: bytes) -> int:
    return memfd("radgate-settings", octets)


def orders_of(settings_fd: int, board_fd: int, journal_fd: int, udp: socket.socket) -> Orders:
    return Orders(
        slot=0,
        n_workers=1,
        generations=[GenerationOrders(1, settings_fd)],
        key=bytes(32),
        channel_fd=-1,
        board_fd=board_fd,
        journal_fd=journal_fd,
        sockets=[SocketOrders(0, 0, udp.fileno())],
        predecessors=[],
    )


class RunningWorker:
    """A real worker of one slot.

    Attributes:
        worker: the process.
        status, last_words: of its end, once it has ended.
    """

    def __init__(self, settings: Settings, udp: socket.socket) -> None:
        self._settings_fd = settings_memfd(encode_settings(settings))
        self._board = Board.create(board_plan(settings, 1))
        self._journal_fd = create_journal(10)
        self.worker = WorkerProcess(orders_of(self._settings_fd, self._board.descriptor, self._journal_fd, udp))
        self.status: int | None = None

    def wait_for_word(self) -> bytes:
        """Return what it says first; nothing if it ends instead."""
        assert select.select([self.worker.channel], [], [], 30)[0]
        return self.worker.channel.recv(64)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it; return its exit status."""
        if self.status is None:
            self.worker.signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return its exit status once it has ended."""
        if self.status is None:
            if not select.select([self.worker.pidfd], [], [], 30)[0]:
                self.worker.signal(signal.SIGKILL)
            self.last_words = self.worker.last_words
            self.status = self.worker.reap()
            self._board.close()
            os.close(self._settings_fd)
            os.close(self._journal_fd)
        return self.status


@pytest.fixture
def running(tmp_path: Path, udp: socket.socket) -> Iterator[RunningWorker]:
    running = RunningWorker(settings_of(tmp_path), udp)
    yield running
    running.end()


@pytest.mark.parametrize("n_octets", [0, 1, 100, 2**20], ids=lambda n_octets: f"{n_octets} octets")
def test_a_child_that_inherits_the_settings_can_read_them(n_octets):
    octets = os.urandom(n_octets)
    descriptor = settings_memfd(octets)
    reader = [sys.executable, "-c", READ_IT, str(descriptor)]
    for _ in range(2):  # every worker reads the same descriptor
        assert subprocess.run(reader, pass_fds=[descriptor], capture_output=True, check=True).stdout == octets
    os.close(descriptor)


def test_settings_survive_the_way_to_a_child(tmp_path):
    settings = settings_of(tmp_path)
    descriptor = settings_memfd(encode_settings(settings))
    assert decode_settings(os.pread(descriptor, os.fstat(descriptor).st_size, 0)) == settings
    os.close(descriptor)


def test_other_programs_that_we_start_do_not_inherit_the_settings():
    descriptor = settings_memfd(b"secret")
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_the_settings_have_no_name_in_any_folder():
    descriptor = settings_memfd(b"secret")
    assert str(Path(f"/proc/self/fd/{descriptor}").readlink()) == "/memfd:radgate-settings (deleted)"
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)


def test_no_secret_is_in_the_arguments_or_the_environment_of_a_worker(running):
    assert running.wait_for_word() == b"prepared"
    folder = Path(f"/proc/{running.worker.pid}")
    for octets in ((folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()):
        assert octets
        assert not any(secret in octets for secret in SECRETS)
    assert (folder / "cmdline").read_bytes().rstrip(b"\0") == b"radgate: worker 0"


def test_a_worker_says_that_it_is_ready_and_ends_with_status_0_when_told_to(running):
    assert running.wait_for_word() == b"prepared"
    assert running.end(signal.SIGTERM) == 0


def test_a_worker_that_is_killed_is_seen_through_its_pidfd(running):
    assert running.wait_for_word() == b"prepared"
    assert running.end(signal.SIGKILL) == -signal.SIGKILL


def test_an_interrupt_at_the_terminal_is_the_supervisors_business(running):
    """Ctrl-C reaches the whole process group; a worker that obeyed it would cut off pending logins."""
    assert running.wait_for_word() == b"prepared"
    running.worker.signal(signal.SIGINT)
    assert running.end(signal.SIGTERM) == 0


def test_a_worker_ends_when_its_supervisor_is_gone(running):
    assert running.wait_for_word() == b"prepared"
    running.worker.channel.shutdown(socket.SHUT_RDWR)
    assert select.select([running.worker.pidfd], [], [], 30)[0]
    assert running.end() == 0


def test_a_worker_that_cannot_write_its_log_ends_with_the_status_that_says_never_again(tmp_path, udp):
    (tmp_path / "log").write_text("a file where the folder should be")
    running = RunningWorker(settings_of(tmp_path), udp)
    assert running.wait_for_word() == b""
    assert running.wait() == 3
    assert running.last_words.startswith("radgate worker 0: ")
    assert "Traceback" not in running.last_words


def test_a_worker_whose_trusted_roots_cannot_be_loaded_ends_with_that_status_too(tmp_path, udp):
    """Else it would be started again for ever, and nobody would be told why the gateway never becomes ready."""
    roots = tmp_path / "roots.pem"
    roots.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    settings = settings_of(tmp_path)
    (server,) = settings.servers
    application = msgspec.structs.replace(server.application, ca_certs_file=str(roots))
    server = msgspec.structs.replace(server, application=application)
    running = RunningWorker(msgspec.structs.replace(settings, servers=(server,)), udp)
    assert running.wait_for_word() == b""
    assert running.wait() == 3
    assert str(roots) in running.last_words
    assert "Traceback" not in running.last_words


def test_a_mistake_of_ours_is_none_of_the_operators(tmp_path, udp, monkeypatch):
    """It is told with its place and without its text, and is no reason to start the worker never again."""
    orders_of_ours = orders_of
    monkeypatch.setattr(sys.modules[__name__], "orders_of", lambda *given: spoilt(orders_of_ours(*given)))
    running = RunningWorker(settings_of(tmp_path), udp)
    assert running.wait_for_word() == b""
    assert running.wait() == 70
    assert "gateway/worker/__main__.py" in running.last_words
    assert running.last_words.endswith("radgate worker 0: internal error, ValueError")
    log = (tmp_path / "log" / "authproxy.log").read_text()
    assert "Internal error, worker 0 exits error=ValueError traceback=" in log


def spoilt(orders: Orders) -> Orders:
    """Return orders whose key is too long for any digest."""
    orders.key = bytes(65)
    return orders


def test_what_an_interpreter_says_that_cannot_even_begin_is_kept(tmp_path, udp, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nhead -c 100000 /dev/zero >&2\necho 'libpython is not there' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    running = RunningWorker(settings_of(tmp_path), udp)
    assert running.wait() == 127
    assert running.last_words.endswith("\nlibpython is not there") or "libpython" in running.last_words
    assert len(running.last_words) <= 4096


def test_a_worker_that_has_announced_itself_says_the_rest_on_standard_error(running):
    assert running.wait_for_word() == b"prepared"
    stderr = Path(f"/proc/{running.worker.pid}/fd/2").readlink()
    assert stderr == Path("/proc/self/fd/2").readlink()


def test_nothing_is_left_open_when_no_process_can_be_started(monkeypatch, udp):
    before = descriptors()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        WorkerProcess(orders_of(udp.fileno(), udp.fileno(), udp.fileno(), udp))
    assert descriptors() == before


def test_a_console_has_no_trusted_roots_to_load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    known: dict[str, str] = {}

    def begin(*_: Any, env: dict[str, str], **__: Any) -> None:
        known.update(env)
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "Popen", begin)
    settings = settings_of(tmp_path)
    assert settings.gateway.console is not None
    with pytest.raises(BlockingIOError):
        ConsoleProcess(ConsoleOrders(-1, 0, settings.gateway.console, settings.log))
    monkeypatch.undo()
    program = "import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])"
    assert subprocess.run([sys.executable, "-c", program], env=known, capture_output=True, check=True).stdout == b"0\n"


@pytest.mark.parametrize(
    ("tuned", "tunables"),
    [
        (None, "glibc.malloc.hugetlb=1"),
        ("glibc.malloc.arena_max=1", "glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0"),
    ],
)
def test_what_an_administrator_has_tuned_stays(tuned: str | None, tunables: str):
    ours = {"PATH": "/usr/bin"} | ({"GLIBC_TUNABLES": tuned} if tuned is not None else {})
    theirs = child_environment(ours)
    assert theirs["GLIBC_TUNABLES"] == tunables
    assert theirs["PATH"] == "/usr/bin"
    assert int(theirs["MALLOC_MMAP_THRESHOLD_"]) > 262_144


def test_names_that_hang_keep_no_others_from_being_looked_up():
    assert int(child_environment({})["UV_THREADPOOL_SIZE"]) // 2 >= 8  # libuv's share for what is slow
    assert child_environment({"UV_THREADPOOL_SIZE": "32"})["UV_THREADPOOL_SIZE"] == "32"
