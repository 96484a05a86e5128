"""Point the `gateway` loggers at their files, once in each process."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import NamedTuple

from gateway.logs.files import LineHandler, open_log
from gateway.logs.lines import JsonFormatter, TextFormatter

LOG_FILE = "authproxy.log"
AUTH_EVENTS_FILE = "authevents.log"
AUTH_EVENTS_LOGGER = "gateway.authevents"


class LogPlan(NamedTuple):
    """What the configuration says about logs, in plain values."""

    directory: Path
    stdout: bool = False
    debug: bool = False
    json: bool = False
    auth_events: bool = False


def start_logging(plan: LogPlan, loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Open the files and send the records of all `gateway` loggers there.

    Raises:
        OSError: a file cannot be written.
    """
    # Nobody reads where in the code a line was made, or by which thread: not looking it up halves a record's cost.
    logging._srcfile = None  # noqa: SLF001 -- the way that the library's documentation gives
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.raiseExceptions = False
    descriptor = sys.stdout.fileno() if plan.stdout else open_log(plan.directory / LOG_FILE)
    handler = LineHandler(descriptor, loop)
    handler.setFormatter(JsonFormatter() if plan.json else TextFormatter())
    root = logging.getLogger("gateway")
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if plan.debug else logging.INFO)
    root.propagate = False
    events = logging.getLogger(AUTH_EVENTS_LOGGER)
    events.propagate = False
    events.disabled = not plan.auth_events
    if plan.auth_events:
        writer = LineHandler(open_log(plan.directory / AUTH_EVENTS_FILE), loop)
        writer.setFormatter(logging.Formatter("%(message)s"))
        events.handlers[:] = [writer]


def stop_logging() -> None:
    """Write what is still held back."""
    for name in ("gateway", AUTH_EVENTS_LOGGER):
        for handler in logging.getLogger(name).handlers:
            handler.flush()
