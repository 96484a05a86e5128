"""Point the `gateway` loggers at their files, once in each process."""

import asyncio
import contextlib
import logging
import os
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gateway.logs.events import EventLog
from gateway.logs.file_handler import FileHandler
from gateway.logs.files import LogRotation, open_log, try_log
from gateway.logs.formatters import AuthEventFormatter, LineFormatter
from gateway.logs.line_handler import LineHandler
from gateway.logs.lines import JsonLines, Lines, TextLines
from gateway.logs.losses import Losses
from gateway.logs.stdout import StdoutHandler
from gateway.logs.syslog import SyslogHandler
from gateway.statistics.layout import AUTHEVENTS, AUTHPROXY, STDOUT, SYSLOG

LOG_FILE = AUTHPROXY
AUTH_EVENTS_FILE = AUTHEVENTS
AUTH_EVENTS_LOGGER = "gateway.authevents"

# Made once now, with all that it loads: later there may be no descriptor left to do it with.
traceback.format_list([traceback.FrameSummary("", 1, "", line="")])


class LogUnusable(OSError):  # noqa: N818 -- reads as what it says
    """A log cannot be written; the text says where, why, and which key to mend."""


class LogPlan(NamedTuple):
    """What the configuration says about logs, in plain values; `syslog` is a facility, empty without syslog."""

    directory: Path
    stdout: bool = False
    debug: bool = False
    json: bool = False
    auth_events: bool = False
    rotation: LogRotation = LogRotation(0, 0)
    syslog: str = ""

    @property
    def names(self) -> list[str]:
        """The logs that there are."""
        named = {STDOUT if self.stdout else AUTHPROXY: True, AUTHEVENTS: self.auth_events, SYSLOG: bool(self.syslog)}
        return [name for name, is_wanted in named.items() if is_wanted]

    @property
    def files(self) -> list[str]:
        """Those that are files in the directory."""
        return [name for name in self.names if name in (AUTHPROXY, AUTHEVENTS)]


def start_logging(
    plan: LogPlan,
    loop: asyncio.AbstractEventLoop | None = None,
    owner: tuple[int, int] | None = None,
    *,
    rotates: bool = False,
    spares: Mapping[str, int] | None = None,
    losses: Losses | None = None,
) -> EventLog:
    """Open the files, send the records of all `gateway` loggers there, and return the short way to them.

    Args:
        plan: what the configuration says.
        loop: lines are written when it has a moment; None writes each at once.
        owner: user and group that the files, and a folder that had to be made, are given to.
        rotates: this is the one process that rotates the files; the others notice.
        spares: descriptors of the files, by name, that are written to where a file cannot be opened; the
            caller's to close.
        losses: lines that cannot be written are counted there.

    Raises:
        LogUnusable: a file cannot be opened, and there is no spare descriptor of it.
    """
    _make_records_cheap()

    def open_file(name: str) -> FileHandler:
        rotation = plan.rotation if rotates else None
        spare = (spares or {}).get(name, -1)
        with _explained(plan):
            return FileHandler(plan.directory / name, loop, owner, rotation, spare=spare, losses=losses)

    writers: list[LineHandler] = [open_file(AUTH_EVENTS_FILE)] if plan.auth_events else []
    try:
        first = StdoutHandler(loop, losses=losses) if plan.stdout else open_file(LOG_FILE)
    except OSError:
        for writer in writers:
            writer.close()
        raise
    handlers: list[LineHandler] = [first]
    if plan.syslog:
        handlers.append(SyslogHandler(plan.syslog, loop, losses=losses))
    lines: Lines = JsonLines() if plan.json else TextLines()
    _attach_all(plan, handlers, lines, writers)
    return EventLog(first.descriptor, [handler.write for handler in handlers], lines)


def _make_records_cheap() -> None:
    """Leave out where in the code a line was made, and by which thread, which nobody reads: half of a record's cost."""
    logging._srcfile = None  # noqa: SLF001 -- the way that the library's documentation gives
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.raiseExceptions = False


def _attach_all(plan: LogPlan, handlers: list[LineHandler], lines: Lines, writers: list[LineHandler]) -> None:
    """Let all `gateway` loggers write to `handlers`, but the one of `authevents.log` to its `writers`."""
    root = logging.getLogger("gateway")
    root.setLevel(logging.DEBUG if plan.debug else logging.INFO)
    _attach(root, handlers, LineFormatter(lines))
    events = logging.getLogger(AUTH_EVENTS_LOGGER)
    events.disabled = not plan.auth_events
    _attach(events, writers, AuthEventFormatter(AUTH_EVENTS_LOGGER))


def try_logging(plan: LogPlan, owner: tuple[int, int] | None = None, *, makes: bool = False) -> None:
    """Make sure that the files could be opened for this owner; make them if that `makes` them, else change nothing.

    Raises:
        LogUnusable: one could not.
    """
    for name in plan.files:
        with _explained(plan):
            if makes:
                os.close(open_log(plan.directory / name, owner))
            else:
                try_log(plan.directory / name, owner)


@contextlib.contextmanager
def _explained(plan: LogPlan) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"cannot write logs to {plan.directory}: {error.strerror or error}; write log_dir= in [main]"
        if plan.stdout:
            raise LogUnusable(f"{text}, or see who may write there: log_auth_events needs a folder") from error
        also = " (log_auth_events needs a folder too)" if plan.auth_events else ""
        raise LogUnusable(f"{text}, see who may write there, or write log_stdout=true{also}") from error


def _attach(logger: logging.Logger, handlers: list[LineHandler], formatter: logging.Formatter) -> None:
    """Let a logger write to these handlers alone, and close those that it had."""
    for handler in handlers:
        handler.setFormatter(formatter)
    former = list(logger.handlers)
    logger.handlers[:] = handlers
    logger.propagate = False
    for each in former:
        each.close()


def reopen_logs() -> None:
    """Go on in the files that have the logs' names now."""
    for handler in _file_handlers():
        try:
            handler.reopen()
        except OSError as error:
            logging.getLogger("gateway.logs").error("The log cannot be reopened: %s", error.strerror or error)


def log_descriptors(plan: LogPlan) -> dict[str, int]:
    """Return the descriptors, by name, of those files of a plan that this process writes to."""
    return {each.path.name: each.descriptor for each in _file_handlers() if each.path.parent == plan.directory}


def _file_handlers() -> list[FileHandler]:
    handlers = [each for name in ("gateway", AUTH_EVENTS_LOGGER) for each in logging.getLogger(name).handlers]
    return [each for each in handlers if isinstance(each, FileHandler)]


def log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong in a callback of the event loop, which has nobody else to tell.

    A loop that closes lets what was under way end, which finds that nothing can be called any more: that is no error.
    """
    if loop.is_closed():
        return
    log_internal_error("Internal error in a callback", context.get("exception"))


def log_internal_error(text: str, error: BaseException | None) -> None:
    """Log an error of our own with its place, but not its text: that may hold what a user typed."""
    where = traceback.format_tb(error.__traceback__) if error is not None else []
    fields = {"error": type(error).__name__, "traceback": "".join(where)}
    logging.getLogger("gateway.worker").error(text, extra={"fields": fields})


def stop_logging() -> None:
    """Write what is still held back."""
    for name in ("gateway", AUTH_EVENTS_LOGGER):
        for handler in logging.getLogger(name).handlers:
            handler.flush()
