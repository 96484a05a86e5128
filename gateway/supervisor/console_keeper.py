"""The console's keeper: holds the port of the status page, and keeps a console process there.

Logins do not depend on any of it. A port that is taken is tried again and again; a console that dies or falls silent is
replaced; one that asks too often is heard no more than twice a second.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.brackets import with_port
from gateway.config.settings import ConsoleSettings, Settings
from gateway.ipc.console_channel import (
    FromConsole,
    hear_console,
    tell_facts,
    tell_reopen_log,
)
from gateway.ipc.orders import ConsoleOrders
from gateway.ipc.plan import log_plan
from gateway.logs.setup import log_descriptors, log_internal_error
from gateway.supervisor.identity import SAME_IDENTITY, Identity
from gateway.supervisor.installed import installed_version
from gateway.supervisor.process import ConsoleProcess, describe_status
from gateway.supervisor.procfs import process_usage
from gateway.supervisor.slot_life import SlotEvent, SlotLife, SlotState

log = logging.getLogger("gateway.supervisor")

FIRST_START_S = 1.0  # workers start first; visitors wait at the port
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
LEAST_PAUSE_S = 0.5  # between two answers
LOOK_EVERY_S = 10.0
SILENT_AFTER_S = 30.0  # it asks every second
OWN_PAUSE_S = 3.0  # after one of our own it may look silent: what it asks has not been heard yet
_BACKLOG = 64


class ConsoleKeeper:
    """Keeps a console as the settings want it, from `follow` to `stop`.

    Attributes:
        trouble: why there is no port for it; empty where there is one, or none is wanted.

    Args:
        status: returns what the gateway is doing.
        ledgers: returns the descriptors of the ledgers of logins, the serving workers' first.
    """

    def __init__(self, status: Callable[[], dict[str, Any]], ledgers: Callable[[], list[int]]) -> None:
        self._status = status
        self._ledgers = ledgers
        self._loop = asyncio.get_running_loop()
        self._slot = SlotLife(0)
        self._settings: Settings | None = None
        self._identity = SAME_IDENTITY
        self._listening: socket.socket | None = None
        self._process: ConsoleProcess | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._retry_s = FIRST_RETRY_S
        self.trouble = ""
        self._heard_at = 0.0
        self._looked_at = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None

    def follow(self, settings: Settings, identity: Identity) -> None:
        """Have a console as these settings want it, of the code on disk; one that is so already is left alone."""
        former, self._settings, self._identity = self._settings, settings, identity
        if former is not None and _concerns(former) == _concerns(settings) and not self._is_outdated():
            return
        if former is None or str(former.gateway.console) != str(settings.gateway.console):
            self._give_up_port()
            self._take_port()
        if self._process is not None:
            self._happened(SlotEvent.DRAIN_REQUESTED)
            self._process.signal(signal.SIGKILL)  # it holds nothing that could be lost
        elif former is None:
            self._loop.call_later(FIRST_START_S, self._spawn)
        else:
            self._spawn()
        self._look()

    def _is_outdated(self) -> bool:
        """Return whether another version than the console runs is installed; one that is being replaced is none yet."""
        return self._process is not None and installed_version() not in ("", self._process.version)

    def stop(self) -> None:
        """Keep none any more; returns once it is gone."""
        for timer in (self._retry, self._watch):
            if timer is not None:
                timer.cancel()
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
            self._forget_process(self._process)
        self._give_up_port()

    def reopen_log(self) -> None:
        """Somebody has moved the log files away."""
        if self._process is not None:
            tell_reopen_log(self._process.channel)

    @property
    def url(self) -> str:
        """Where the page is; empty while there is none."""
        if self._listening is None or self._settings is None:
            return ""
        host, port = self._listening.getsockname()[:2]
        console = self._settings.gateway.console
        scheme = "https" if console is not None and console.certificate else "http"
        return f"{scheme}://{with_port(host, port)}/"

    def state(self) -> dict[str, Any]:
        """Return what `status.json` says of it."""
        pid, version = (self._process.pid, self._process.version) if self._process is not None else (0, "")
        usage = process_usage(pid)
        return {
            "version": version,
            "url": self.url,
            "trouble": self.trouble,
            "state": self._slot.state.value,
            "pid": pid,
            "restarts": self._slot.restarts,
            "cpu_s": usage.cpu_s,
            "rss_bytes": usage.rss_bytes,
        }

    # The port.

    def _take_port(self) -> None:
        """Listen at the address of the settings, or try again later."""
        self._retry = None
        console = self._settings.gateway.console if self._settings is not None else None
        if console is None:
            return
        try:
            self._listening = _listen(console)
        except OSError as error:
            self.trouble = f"cannot listen on tcp {console}: {(error.strerror or str(error)).lower()}"
            if self._retry_s == FIRST_RETRY_S:
                text = "There is no status page: %s; trying again. Logins do not depend on it"
                log.warning(text, self.trouble)
            self._retry = self._loop.call_later(self._retry_s, self._try_port_again)
            self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
            return
        self._retry_s, self.trouble = FIRST_RETRY_S, ""
        log.info("The status page is at %s", self.url)

    def _try_port_again(self) -> None:
        self._take_port()
        self._spawn()

    def _give_up_port(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry, self._retry_s, self.trouble = None, FIRST_RETRY_S, ""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    # The process.

    def _spawn(self) -> None:
        """Put a console at the port, if there is one and no console yet."""
        settings, listening = self._settings, self._listening
        if settings is None or settings.gateway.console is None or listening is None:
            return
        if self._slot.state is not SlotState.EMPTY:
            return
        self._happened(SlotEvent.SPAWNED)
        try:
            log_fds = log_descriptors(log_plan(settings.log))
            orders = ConsoleOrders(-1, listening.fileno(), settings.gateway.console, settings.log, log_fds)
            process = ConsoleProcess(orders, self._identity)
        except OSError as error:
            log.error("The console cannot be started: %s", error.strerror or error)
            self._back_off()
            return
        self._process, self._heard_at = process, self._loop.time()
        self._loop.add_reader(process.pidfd, self._exited, process)
        self._listen_to(process)

    def _listen_to(self, process: ConsoleProcess) -> None:
        if process is self._process:
            self._loop.add_reader(process.channel.fileno(), self._heard, process)

    def _heard(self, process: ConsoleProcess) -> None:
        """Answer, and hear nothing for a while: a flood at the console must not reach us."""
        self._loop.remove_reader(process.channel.fileno())
        try:
            word = hear_console(process.channel)
        except (OSError, ValueError):
            word = None
        if word is None:
            return  # it ends, or is not ours any more: then it is found silent
        self._heard_at = self._loop.time()
        if word is FromConsole.SERVING and self._slot.state is SlotState.STARTING:
            self._happened(SlotEvent.REPORTED_READY)
            self._listen_to(process)
            return
        if word is FromConsole.ASKING:
            self._answer(process)
        self._loop.call_later(LEAST_PAUSE_S, self._listen_to, process)

    def _answer(self, process: ConsoleProcess) -> None:
        try:
            tell_facts(process.channel, msgspec.json.encode(self._status()), self._ledgers())
        except OSError:  # no descriptor is left: it asks again
            return
        except Exception as error:  # noqa: BLE001 -- our own mistake costs an answer, not the supervisor
            log_internal_error("Internal error while answering the console", error)

    def _exited(self, process: ConsoleProcess) -> None:
        words = process.last_words
        status = self._forget_process(process)
        if self._slot.state is SlotState.DRAINING:
            self._happened(SlotEvent.EXITED)
            self._spawn()
            return
        fields = {"said": words} if words else {}
        text = "The console (pid %d) exited: %s. Logins do not depend on it"
        log.error(text, process.pid, describe_status(status), extra={"fields": fields})
        self._back_off()

    def _forget_process(self, process: ConsoleProcess) -> int:
        """Return the exit status."""
        self._loop.remove_reader(process.pidfd)
        self._loop.remove_reader(process.channel.fileno())
        self._process = None
        return process.reap()

    def _back_off(self) -> None:
        self._happened(SlotEvent.EXITED)
        self._loop.call_later(self._slot.backoff_s, self._start_again)

    def _start_again(self) -> None:
        if self._slot.state is SlotState.BACKOFF:
            self._happened(SlotEvent.BACKOFF_ELAPSED)
            self._spawn()

    def _look(self) -> None:
        """See whether the console still asks."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self._loop.call_later(LOOK_EVERY_S, self._look)
        now = self._loop.time()
        was_away = now - self._looked_at > LOOK_EVERY_S + OWN_PAUSE_S
        self._looked_at = now
        if self._process is not None and not was_away and now - self._heard_at > SILENT_AFTER_S:
            log.error("The console (pid %d) hangs and is replaced", self._process.pid)
            self._process.signal(signal.SIGKILL)

    def _happened(self, event: SlotEvent) -> None:
        self._slot.happened(event, self._loop.time())


def _concerns(settings: Settings) -> tuple[object, ...]:
    """Return what of the settings makes another console."""
    return settings.gateway.console, settings.gateway.user, settings.gateway.group, settings.log


def _listen(console: ConsoleSettings) -> socket.socket:
    """Return a socket that listens at the console's address.

    Raises:
        OSError: that cannot be.
    """
    host = "127.0.0.1" if console.host == "localhost" else console.host
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, console.port))
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
