"""Ask the running gateway: its control socket from outside, with plain sockets and nothing that takes long to import.

One JSON object a line each way; `supervisor.control` is the other end.
"""

import contextlib
import os
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gateway.config.surroundings import CONTROL_SOCKET

_NOT_KNOWN = "not a request"  # how the answer to a command begins that this gateway does not know
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user and group of whoever listens; unix(7)


class ControlError(Exception):
    """The gateway gives no answer; the text says why."""


class NotRunning(ControlError):  # noqa: N818 -- reads as what it says
    """There is nobody to ask."""


class Unsettled(ControlError):  # noqa: N818
    """One begins or ends: it answers in a moment, or is gone."""


class Declined(ControlError):  # noqa: N818
    """The gateway says no, by `answer`. Its `problems` are lines about new settings, if they are the reason."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["error"])
        self.answer = answer
        self.problems: list[str] = answer.get("problems", [])


class UnknownCommand(Declined):
    """The running gateway is older than the command."""


def ask(run_dir: str, command: str, timeout_s: float, **more: Any) -> dict[str, Any]:
    """Return the gateway's answer to a command, one of `supervisor.control.Command`, with `more` where it needs that.

    `stop`, `leave` and `upgrade` end it: that begins after it has answered.

    Raises:
        NotRunning: nobody listens in this folder.
        Declined: the gateway says no.
        ControlError: it says nothing, or nothing that can be read, within `timeout_s`; or we may not ask.
    """
    with ControlConnection(run_dir, timeout_s) as gateway:
        return gateway.ask(command, **more)


class ControlConnection:
    """A connection to the gateway of a `run_dir`. Raises as `ask` does."""

    def __init__(self, run_dir: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._connect(Path(run_dir, CONTROL_SOCKET))
        except BaseException:
            self.close()
            raise
        self._lines = self._socket.makefile("rb")

    def _connect(self, path: Path) -> None:
        try:
            self._socket.connect(str(path))
            self._check_peer(path)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError) as error:
            raise NotRunning(f"not running; nobody answers at {path}") from error
        except PermissionError as error:
            raise ControlError(f"not permitted to use {path}; try as root, or as the gateway's user") from error
        except OSError as error:
            raise ControlError(f"{path}: {error}") from error

    def _check_peer(self, path: Path) -> None:
        """Make sure that no stranger answers, who could have made the folder first: in /tmp, say."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user_id, _ = _CREDENTIALS.unpack(credentials)
        known = {0, os.geteuid()}
        if os.geteuid() == 0:  # whose gateway runs as a user of its own
            known.add(path.parent.stat().st_uid)
        if user_id not in known:
            raise ControlError(f"user {user_id} answers at {path}, not the gateway; correct run_dir in [gateway]")

    def ask(self, command: str, **more: Any) -> dict[str, Any]:
        """Return the answer to a command, with what it needs."""
        try:
            with contextlib.suppress(ConnectionError):  # it may have said why it wants no more, and gone
                self._socket.sendall(msgspec.json.encode({"command": command, **more}) + b"\n")
            answer: dict[str, Any] = msgspec.json.decode(self._lines.readline())
        except TimeoutError as error:
            raise ControlError(f"the gateway does not answer within {self._timeout_s:g} s") from error
        except (OSError, ValueError) as error:
            raise Unsettled("the gateway ended before it answered") from error
        if not answer["ok"] and answer["error"].startswith(_NOT_KNOWN):
            text = f"the running gateway is older than this command, and does not know {command}"
            raise UnknownCommand({**answer, "error": f"{text}; end it with radgate stop, and start it"})
        if not answer["ok"]:
            raise Declined(answer)
        return answer

    def has_ended(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` for the end of a gateway that was asked to stop: whether its process has ended."""
        self._socket.settimeout(timeout_s)
        try:
            return not self._socket.recv(1)
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        self.close()
