"""`make demo` as a process: however it is ended, it leaves nothing behind."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.observe import children_of
from bench.store import find_program
from tests.signals import as_at_a_terminal

pytestmark = pytest.mark.integration


class Demo:
    """A demo in the foreground of a terminal of its own, and with a folder for what it makes."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.terminal, slave = os.openpty()

        def begin() -> None:
            as_at_a_terminal()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.demo", "--keep", *options],
            stdin=slave,
            stdout=slave,
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
            preexec_fn=begin,
        )
        os.close(slave)

    def wait_for(self, words: bytes) -> None:
        said = b""
        while words not in said:
            said += os.read(self.terminal, 65_536)

    def hang_up(self) -> None:
        os.close(self.terminal)
        self.terminal = -1

    def see(self) -> None:
        """Remember what it has started."""
        self._began = {pid: began for pid in descendants(self.process.pid) if (began := _began(pid))}
        assert len(self._began) >= 5  # Duo, supervisor, two workers, and who removes the folder

    def left(self) -> list[int]:
        """What there is still of that."""
        return [pid for pid, began in self._began.items() if _began(pid) == began]

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.terminal >= 0:
            self.hang_up()


def descendants(pid: int) -> Iterator[int]:
    for child in children_of(pid):
        yield child
        yield from descendants(child)


def _began(pid: int) -> str:
    """When a process began; empty if there is none, or a zombie alone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


@pytest.fixture
def demo(short_folder: Path) -> Iterator[Demo]:
    demo = Demo(short_folder)
    yield demo
    demo.end()


ENDINGS = {
    "SIGTERM": lambda demo: os.kill(demo.process.pid, signal.SIGTERM),
    "SIGTERM to the group": lambda demo: os.killpg(demo.process.pid, signal.SIGTERM),
    "SIGHUP": lambda demo: os.kill(demo.process.pid, signal.SIGHUP),
    "SIGHUP to the group": lambda demo: os.killpg(demo.process.pid, signal.SIGHUP),
    "Ctrl-C": lambda demo: os.write(demo.terminal, b"\3"),
    "a closed terminal": Demo.hang_up,
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
def test_however_it_is_ended_nothing_is_left(demo: Demo, end: Callable[[Demo], object]) -> None:
    demo.wait_for(b"radgate ready")
    demo.see()
    end(demo)
    demo.process.wait(60)
    assert demo.left() == []
    assert list(demo.folder.iterdir()) == []


@pytest.mark.skipif(find_program() is None, reason="neither valkey-server nor redis-server is installed")
def test_however_two_gateways_are_ended_nothing_is_left(short_folder: Path) -> None:
    demo = Demo(short_folder, "--fleet")
    try:
        demo.wait_for(b"store at")
        demo.see()
        os.kill(demo.process.pid, signal.SIGTERM)
        demo.process.wait(60)
        assert demo.left() == []
        assert list(demo.folder.iterdir()) == []
    finally:
        demo.end()
