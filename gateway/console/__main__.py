"""The console's process, started by the supervisor: `python -m gateway.console ORDERS_FD`.

It listens on a socket that the supervisor has bound, knows no secret of Duo's or of a RADIUS client's, and ends when
the supervisor does.
"""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvloop

from gateway.config.settings import MetricsForm
from gateway.console.facts import Facts
from gateway.console.pages import Pages, Rules
from gateway.console.server import serve
from gateway.console.visitors import Token
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import ConsoleOrders, decode_console_orders, take_stderr
from gateway.ipc.plan import log_plan
from gateway.logs.setup import log_loop_error, start_logging, stop_logging
from gateway.this_process import CONSOLE, keep_memory_private, name_process

NICENESS = 10
MAX_FILES = 256  # descriptors: four times as many as connections that are let in


def main(arguments: list[str]) -> int:
    """Serve until the supervisor ends; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # a terminal sends them to the whole group; the supervisor alone decides
    orders = decode_console_orders(read_memfd(int(arguments[-1])))
    _be_modest()
    keep_memory_private()
    name_process(CONSOLE)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(orders))
        except (OSError, ValueError) as error:  # a log that cannot be written, a certificate that cannot be used
            print(f"radgate console: {error}", file=sys.stderr)  # noqa: T201 -- there may be no log yet
            return 1
        finally:
            stop_logging()
    return 0


def _be_modest() -> None:
    """Let logins go first, take few descriptors, and be the first to go when memory runs out."""
    os.nice(NICENESS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MAX_FILES, hard), hard))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


async def _serve(orders: ConsoleOrders) -> None:
    loop, console = asyncio.get_running_loop(), orders.console
    loop.set_exception_handler(_log_loop_error)
    start_logging(log_plan(orders.log)._replace(auth_events=False), loop, spares=orders.log_fds)
    for descriptor in orders.log_fds.values():
        os.close(descriptor)
    library = logging.getLogger("aiohttp")  # what visitors do wrong is not worth a line
    library.propagate = False
    library.addHandler(logging.NullHandler())
    is_brief = console.metrics is MetricsForm.BRIEF
    facts = Facts(socket.socket(fileno=orders.channel_fd), lambda: serving.cancel(), is_brief)
    token = Token(console.token.octets) if console.token is not None else None
    pages = Pages(facts, Rules(console.host, token, console.certificate is not None))
    certificate = console.certificate.octets if console.certificate is not None else b""
    listening = socket.socket(fileno=orders.listening_fd)
    serving = loop.create_task(serve(pages.application(), listening, certificate))
    take_stderr(orders.stderr_fd)
    facts.start()
    gc.freeze()  # what lives since the start is never garbage: neither now nor at the end is it looked through
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log mistakes of ours; what visitors do to their connections is none."""
    if not isinstance(context.get("exception"), OSError):
        log_loop_error(loop, context)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
