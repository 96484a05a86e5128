"""What every peer is given, and what is seen of it while it serves.

A peer has the first core to itself where there are several; the NAS and the simulated Duo share the others.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bench.cores import take_first_core
from bench.peers.driver import PASSCODE, SECRET
from bench.processes import HomeServerProcess, Program, SimulatorProcess
from bench.simulator.certificates import write_private

AFTER_HOME = b"correct horse," + PASSCODE
"""What users type where a home server checks a password first."""

# As the gateway's supervisor sets it for its workers: see ARCHITECTURE.md.
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "4194304", "MALLOC_TRIM_THRESHOLD_": "16777216"}


class Stage(NamedTuple):
    """Where a peer runs.

    Attributes:
        folder: of its own.
        duo: whom it asks.
        password: what users type: a passcode, or `push`; `AFTER_HOME` where a home server is asked first.
        home: that home server.
    """

    folder: Path
    duo: SimulatorProcess
    password: bytes = PASSCODE
    home: HomeServerProcess | None = None


class Serving(NamedTuple):
    """A peer that is ready: its port on 127.0.0.1, and all processes that have a part in serving."""

    port: int
    pids: tuple[int, ...]


class Peer(NamedTuple):
    """One line of the table.

    Attributes:
        name: for `--only`.
        what: for people.
        n_calls: of Duo, for each login.
        start: serves until the context ends.
        missing: what is not installed, or nothing.
        authenticator: the Request Authenticator that all its requests carry, for who has its replies ready-made.
        takes_push: whether it can be asked for pushes.
        has_first_factor: whether users type a password too, which a home server checks before Duo is asked.
    """

    name: str
    what: str
    n_calls: int
    start: Callable[[Stage], AbstractContextManager[Serving]]
    missing: Callable[[], str] = str
    authenticator: bytes | None = None
    takes_push: bool = False
    has_first_factor: bool = False

    @property
    def password(self) -> bytes:
        """What its users type."""
        return AFTER_HOME if self.has_first_factor else PASSCODE


@contextmanager
def python_peer(stage: Stage, module: str, options: tuple[str, ...] = ()) -> Iterator[Serving]:
    """Run a server of this package: it reads its settings from a file, and says `serving PORT`."""
    settings = stage.folder / "settings.json"
    write_private(settings, json.dumps(_settings(stage.duo)).encode())
    arguments = [f"bench.peers.{module}", str(settings), *options]
    environment = {**os.environ, **ALLOCATOR}
    with Program(arguments, stream="stdout", env=environment, preexec_fn=take_first_core) as program:
        port = int(program.wait_for("serving").split()[1])
        yield Serving(port, (program.process.pid,))


def _settings(duo: SimulatorProcess) -> dict[str, str]:
    return {
        "api_host": duo.api_host,
        "ca": duo.ca,
        "ikey": duo.ikey,
        "secret_key": duo.secret_key,
        "shared_secret": SECRET.decode(),
    }


def missing_packages(*names: str) -> str:
    """Return which of these Python packages cannot be imported, and where they come from."""
    absent = [name for name in names if find_spec(name) is None]
    return f"{', '.join(absent)}: pip install 'radgate[bench]' into {sys.prefix}" if absent else ""
