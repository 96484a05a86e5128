"""Point the `gateway` loggers at their files, once in each process."""

import asyncio
import logging
import traceback
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gateway.logs.events import EventLog
from gateway.logs.files import FileHandler, LineHandler, Rotation
from gateway.logs.formatters import AuthEventFormatter, LineFormatter
from gateway.logs.lines import JsonLines, Lines, TextLines
from gateway.logs.stdout import StdoutHandler
from gateway.logs.syslog import SyslogHandler

LOG_FILE = "authproxy.log"
AUTH_EVENTS_FILE = "authevents.log"
AUTH_EVENTS_LOGGER = "gateway.authevents"


class LogPlan(NamedTuple):
    """What the configuration says about logs, in plain values; `syslog` is a facility, empty without syslog."""

    directory: Path
    stdout: bool = False
    debug: bool = False
    json: bool = False
    auth_events: bool = False
    rotation: Rotation = Rotation(0, 0)
    syslog: str = ""


def start_logging(
    plan: LogPlan,
    loop: asyncio.AbstractEventLoop | None = None,
    owner: tuple[int, int] | None = None,
    *,
    rotates: bool = False,
) -> EventLog:
    """Open the files, send the records of all `gateway` loggers there, and return the short way to them.

    Args:
        plan: what the configuration says.
        loop: lines are written when it has a moment; None writes each at once.
        owner: user and group that the files, and a folder that had to be made, are given to.
        rotates: this is the one process that rotates the files; the others notice.

    Raises:
        OSError: a file cannot be written.
    """
    # Nobody reads where in the code a line was made, or by which thread: not looking it up halves a record's cost.
    logging._srcfile = None  # noqa: SLF001 -- the way that the library's documentation gives
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.raiseExceptions = False
    open_file = partial(_open_file, plan, loop, owner, rotates)
    writers: list[LineHandler] = [open_file(AUTH_EVENTS_FILE)] if plan.auth_events else []
    try:
        first = StdoutHandler(loop) if plan.stdout else open_file(LOG_FILE)
    except OSError:
        for writer in writers:
            writer.close()
        raise
    handlers: list[LineHandler] = [first]
    if plan.syslog:
        handlers.append(SyslogHandler(plan.syslog, loop))
    lines: Lines = JsonLines() if plan.json else TextLines()
    root = logging.getLogger("gateway")
    root.setLevel(logging.DEBUG if plan.debug else logging.INFO)
    _attach(root, handlers, LineFormatter(lines))
    events = logging.getLogger(AUTH_EVENTS_LOGGER)
    events.disabled = not plan.auth_events
    _attach(events, writers, AuthEventFormatter(AUTH_EVENTS_LOGGER))
    return EventLog(first.descriptor, [handler.write for handler in handlers], lines)


def _open_file(
    plan: LogPlan, loop: asyncio.AbstractEventLoop | None, owner: tuple[int, int] | None, rotates: bool, name: str
) -> FileHandler:
    return FileHandler(plan.directory / name, loop, owner, plan.rotation if rotates else None)


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
    for name in ("gateway", AUTH_EVENTS_LOGGER):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, FileHandler):
                try:
                    handler.reopen()
                except OSError as error:
                    text = "The log cannot be opened anew: %s"
                    logging.getLogger("gateway.logs").error(text, error.strerror or error)


def log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong in a callback of the event loop, which has nobody else to tell."""
    log_mistake("A callback met a mistake of ours", context.get("exception"))


def log_mistake(text: str, error: BaseException | None) -> None:
    """Log an error of our own with its place, but not its text: that may hold what a user typed."""
    where = traceback.format_tb(error.__traceback__) if error is not None else []
    fields = {"error": type(error).__name__, "traceback": "".join(where)}
    logging.getLogger("gateway.worker").error(text, extra={"fields": fields})


def stop_logging() -> None:
    """Write what is still held back."""
    for name in ("gateway", AUTH_EVENTS_LOGGER):
        for handler in logging.getLogger(name).handlers:
            handler.flush()
