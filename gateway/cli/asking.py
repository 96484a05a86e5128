"""What several commands ask the running gateway, and where."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from gateway.cli.terminal import printable
from gateway.config.control_address import ControlAddress, names_run_dir, read_control_address
from gateway.supervisor.control_client import ControlError, NotRunning, Unsettled, ask
from gateway.supervisor.status import Status

Answer = TypeVar("Answer")

ASK_TIMEOUT_S = 10.0
SETTLES_S = 3.0  # from the last answer to the end of the process, or from the lock to the first one

_LOOK_EVERY_S = 0.05


def ask_status(run_dir: str) -> Status:
    """Return what the gateway with this `run_dir` is doing.

    Raises:
        ControlError: none runs, or it does not answer, or we may not ask.
    """
    status: Status = ask(run_dir, "status", ASK_TIMEOUT_S)["status"]
    return status


def settled(asked: Callable[[], Answer]) -> Answer:
    """Return what asking comes to; a gateway that just begins or ends is asked again until it has."""
    deadline = time.monotonic() + SETTLES_S
    while True:
        try:
            return asked()
        except Unsettled:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_LOOK_EVERY_S)


@contextlib.contextmanager
def asking(config: str) -> Iterator[ControlAddress]:
    """Say where the gateway of this file is to be asked; where nobody is found there, whether one runs all the same.

    Raises:
        NotRunning: none does.
        ControlError: one does, and cannot be asked there; or the caller has raised it.
        ConfigError: the file does not say where.
    """
    address = read_control_address(config)
    try:
        yield address
    except NotRunning as error:
        if trace := _trace(config, address.run_dir):
            raise trace from error
        raise


def _trace(config: str, run_dir: str) -> ControlError | None:
    """Return what is to be said of a gateway that runs and does not answer in `run_dir`; None if there is none."""
    from gateway.supervisor.whereabouts import find_elsewhere, holder  # not for those that find it at once

    if pid := holder(run_dir):
        text = f"pid {pid} runs, but nobody answers at {printable(run_dir)}/control.sock"
        text = f"{text}: it starts or ends, or makes a socket anew that was removed; kill -TERM {pid} ends it"
        return Unsettled(text)
    if found := find_elsewhere(config, run_dir):
        text = f"pid {found.pid} serves this file with run_dir={printable(found.run_dir)}"
        text += f", {_remedy(config, run_dir, found.run_dir)}, or end it with kill -TERM {found.pid}"
        return ControlError(text)
    return None


def _remedy(config: str, run_dir: str, other: str) -> str:
    """Return why the gateway is in another folder than its file says, and what to do."""
    if names_run_dir(config):
        return "which it names no longer: write that again"
    place, default = printable(other), printable(run_dir)
    text = f"and the file names none, which is {default} here: write run_dir={place} into [gateway]"
    return f"{text}, ask as its user and with the same XDG_RUNTIME_DIR"
