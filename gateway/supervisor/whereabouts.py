"""Where a gateway is that nobody answers for: in another run_dir than its file names by now, or behind a control socket
that somebody has removed.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.config.surroundings import CONTROL_SOCKET
from gateway.supervisor.control_client import ControlError, ask
from gateway.supervisor.run_dir import PID_FILE
from gateway.this_process import SUPERVISOR

LISTED_SOCKETS: Final = Path("/proc/net/unix")
_TIMEOUT_S: Final = 2.0
_LISTENS: Final = 1 << 16  # of a socket's flags there: __SO_ACCEPTCON in linux/net.h
_FLAGS, _PATH = 3, 7  # columns


class Whereabouts(NamedTuple):
    """A gateway that runs: its process, and its folder."""

    pid: int
    run_dir: str


def holder(run_dir: str) -> int:
    """Return the pid of the supervisor that has locked this folder; 0 if none has."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(Path(run_dir, PID_FILE).read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == SUPERVISOR.word and _is_locked(run_dir):
            return pid
    return 0


def _is_locked(run_dir: str) -> bool:
    folder = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(folder)
    return False


def find_elsewhere(config: str, run_dir: str) -> Whereabouts | None:
    """Return the gateway that serves this file and is asked in another folder than `run_dir`.

    The kernel lists where sockets listen. None is asked but those of gateways, and which one serves the file it says
    itself; so one that we may not ask is not found.
    """
    wanted = os.path.realpath(config)
    for folder in _listening_folders():
        if os.path.realpath(folder) != os.path.realpath(run_dir) and (pid := holder(folder)):
            served = _served_in(folder)
            if served and os.path.realpath(served) == wanted:
                return Whereabouts(pid, folder)
    return None


def _listening_folders() -> Iterator[str]:
    """Yield the folders in which somebody listens at a socket of the name of ours."""
    for path in _listening_paths():
        folder, _, name = path.rpartition("/")
        if name == CONTROL_SOCKET and folder.startswith("/"):
            yield folder


def _listening_paths() -> Iterator[str]:
    try:
        lines = LISTED_SOCKETS.read_text(errors="surrogateescape").splitlines()[1:]
    except OSError:
        return
    for columns in (line.split(maxsplit=_PATH) for line in lines):
        if len(columns) > _PATH and int(columns[_FLAGS], 16) & _LISTENS:
            yield columns[_PATH]


def _served_in(run_dir: str) -> str:
    """Return the file that the gateway there serves; empty if it does not tell us."""
    with contextlib.suppress(ControlError):
        return str(ask(run_dir, "status", _TIMEOUT_S)["status"].get("config", ""))
    return ""
