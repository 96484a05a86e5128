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

pytestmark = pytest.mark.integration


class Demo:
    """A demo in the foreground of a terminal of its own, and with a folder for what it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.terminal, slave = os.openpty()

        def begin() -> None:
            for number in (signal.SIGHUP, signal.SIGINT):  # the tests may run under nohup or in the background
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.demo", "--keep"],
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

    def left(self) -> list[str]:
        """What there is still of its session, zombies apart."""
        return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal() and self._is_alive(entry)]

    def _is_alive(self, entry: Path) -> bool:
        try:
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return int(session) == self.process.pid and state != "Z"

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.terminal >= 0:
            self.hang_up()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
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
    end(demo)
    demo.process.wait(60)
    assert demo.left() == []
    assert list(demo.folder.iterdir()) == []
