"""What systemd wants to know of us: datagrams to the socket that it names in our environment, sd_notify(3)."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Self

_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
_SEND_TIMEOUT_S = 1.0  # for a service manager that is busy; READY=1 must not be lost to a full queue


class Notifier:
    """Tells the service manager what we do; without one, nothing happens. Never raises.

    Attributes:
        watchdog_interval_s: how often to call `watchdog`, half of what systemd allows; None if it does not watch us.
        environment: the variables that made it, for other code in the place of ours.
    """

    def __init__(
        self,
        address: str = "",
        watchdog_interval_s: float | None = None,
        environment: Mapping[str, str] = _NO_VARIABLES,
    ) -> None:
        """Tell the datagram socket at `address`: a path, or an abstract name after `@`."""
        self.environment = environment
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_interval_s = watchdog_interval_s

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """Return the notifier that systemd's variables ask for, and remove them: no child may speak for us."""
        found = {name: environ.pop(name) for name in _VARIABLES if name in environ}
        watchdog = found.get("WATCHDOG_USEC", "")
        interval_s = _watchdog_interval_s(watchdog, found.get("WATCHDOG_PID", ""))
        return cls(found.get("NOTIFY_SOCKET", ""), interval_s, found)

    def ready(self) -> None:
        """We serve, after the start or a reload."""
        self._send("READY=1")

    def reloading(self) -> None:
        """New settings are being read; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """We drain, and then end."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """We are alive."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
            unix.settimeout(_SEND_TIMEOUT_S)
            unix.sendto(state.encode(errors="replace"), self._address)


def _watchdog_interval_s(microseconds: str, process_id: str) -> float | None:
    is_ours = process_id in ("", str(os.getpid()))
    if not is_ours or not microseconds.isdecimal() or not int(microseconds):
        return None
    return int(microseconds) / 2_000_000
