"""`radgate run`: serve in the foreground until SIGTERM or SIGINT."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from typing import Any, NamedTuple

import uvloop

from gateway.cli.early import TERMINAL
from gateway.cli.exits import Exit
from gateway.cli.parsers import add_command
from gateway.config.reading import read_settings
from gateway.config.settings import Settings
from gateway.config.writing import explain_error
from gateway.ipc.plan import log_plan
from gateway.logs.losses import Losses
from gateway.logs.setup import LogUnusable, log_loop_error, start_logging, stop_logging
from gateway.supervisor.access import find_obstacle
from gateway.supervisor.arbiter import Arbiter
from gateway.supervisor.beginning import Premises, say_what_starts
from gateway.supervisor.former_workers import FORMER_GONE_S, former_workers_gone, waiting
from gateway.supervisor.identity import Identity, UnknownIdentity, find_identity
from gateway.supervisor.inheritance import Inheritance, bequeath, inherited
from gateway.supervisor.journals import Journals
from gateway.supervisor.notify import Notifier
from gateway.supervisor.run_dir import RunDir, RunDirUnusable
from gateway.supervisor.signals import REQUESTS, hold_signals
from gateway.supervisor.sockets import CannotListen
from gateway.supervisor.stderr import say
from gateway.supervisor.terminal import Terminal
from gateway.this_process import SUPERVISOR, keep_memory_private, name_process

STDOUT = 1

_TRY_EVERY_S = 0.05
_HEARD_S = 0.001  # some turns of the loop

DESCRIPTION = """\
Serve in the foreground, until SIGTERM or SIGINT: for systemd, containers and a first try. "radgate ready: ..." on
standard error says that every worker serves. SIGHUP reads the file again, SIGUSR1 reopens the logs; a second SIGTERM
ends everything at once.
"""
EPILOG = """\
exit status: 0 stopped, 2 errors in the file, 3 cannot start (an address in use, say); standard error says why.
"""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Declare the command."""
    parser = add_command(subparsers, common, "run", "serve in the foreground", DESCRIPTION, EPILOG)
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Serve; the status is 0 after a clean stop."""
    inheritance = inherited(os.environ)
    keep_memory_private()
    name_process(SUPERVISOR)
    settings, warnings = read_settings(options.config)
    for problem in warnings:
        if problem.is_warning:  # notes are for `radgate check`
            print(problem.render(options.config), file=sys.stderr)
    if settings.log.stdout and STDOUT in options.closed:
        return _refuse("cannot start: standard output is closed, and log_stdout=true logs to it")
    try:
        return _run(settings, inheritance)
    except (CannotListen, RunDirUnusable, UnknownIdentity) as error:
        return _refuse(str(error))
    except LogUnusable as error:
        return _refuse(f"cannot start: {error}")
    except OSError as error:
        return _refuse(f"cannot start: {explain_error(error)}")
    finally:
        stop_logging()


def _refuse(text: str) -> int:
    print(f"radgate: {text}", file=sys.stderr)
    return Exit.CANNOT_START


class Loop(uvloop.Loop):
    """A loop that leaves signals ignored when it closes: who asks once more for what is nearly over changes nothing.

    By default such a signal would kill the process, and the exit status be that of a gateway that was killed. Signals
    that are held for the code that is to take our place are left as we found them: it would miss one that was ignored.
    """

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[int, Any] = {}

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Call it at a signal."""
        self._found.setdefault(sig, signal.getsignal(sig))
        super().add_signal_handler(sig, callback, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Ignore a signal from now on; closing calls it for each."""
        is_held = sig in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        signal.signal(sig, self._found[sig] if is_held else signal.SIG_IGN)
        return True


class _End(NamedTuple):
    """How serving ended.

    Attributes:
        status: to exit with.
        environment: for the code that is to take our place in this process, what it needs beside ours; None for none.
    """

    status: int
    environment: dict[str, str] | None = None


def _arguments(config: str) -> list[str]:
    return [sys.executable, "-P", "-m", "gateway", "run", "--config", config]


def _run(settings: Settings, inheritance: Inheritance | None) -> int:
    """Serve; return the exit status, unless other code takes our place."""
    identity = find_identity(settings.gateway.user, settings.gateway.group)
    if obstacle := find_obstacle(settings, identity):
        return _refuse(f"cannot start: {obstacle}")
    with asyncio.Runner(loop_factory=Loop) as runner:
        end = runner.run(_serve(settings, identity, inheritance))
    if end.environment is not None:
        stop_logging()
        os.execve(sys.executable, _arguments(settings.path), {**os.environ, **end.environment})  # noqa: S606
    return end.status


async def _serve(settings: Settings, identity: Identity, inheritance: Inheritance | None) -> _End:
    plan = log_plan(settings.log)
    loop = asyncio.get_running_loop()
    losses = Losses()
    start_logging(plan, loop, identity.owner, rotates=True, losses=losses)
    say_what_starts(settings.path)
    loop.set_exception_handler(log_loop_error)
    notifier = Notifier.from_environment(os.environ)
    terminal = TERMINAL or Terminal()
    hold_signals(REQUESTS)  # from here on radgate.pid says to whom they go
    run_dir = RunDir(settings.gateway.run_dir, inheritance.folder_fd if inheritance is not None else -1)
    journals, environment = Journals(run_dir), None
    try:
        await former_workers_gone(journals)
        sockets = inheritance.sockets() if inheritance is not None else None
        premises = Premises(run_dir, journals, terminal, sockets)
        arbiter = await _arbiter(settings, premises, notifier, losses)
        gc.freeze()  # what lives since the start is never garbage: neither now nor at the end is it looked through
        status = await arbiter.run()
        if arbiter.is_to_be_replaced:
            hold_signals()
            await asyncio.sleep(_HEARD_S)  # one that came before may say that we are to stop
        if arbiter.is_to_be_replaced:
            environment = {**notifier.environment, **bequeath(run_dir.descriptor, arbiter.sockets)}
    finally:
        journals.release()
        if environment is None:
            run_dir.release()
    return _End(status, environment)


async def _arbiter(settings: Settings, premises: Premises, notifier: Notifier, losses: Losses) -> Arbiter:
    """Return the arbiter, its sockets bound; wait for them where a gateway that died may have left workers behind.

    Whoever has a journal has been waited for already: this is for those whose journals are memory.
    """
    loop = asyncio.get_running_loop()
    patience_s = FORMER_GONE_S if premises.run_dir.was_left else 0.0
    deadline, is_said = loop.time() + patience_s, False
    while True:
        try:
            return Arbiter(settings, premises, say, notifier, losses)
        except CannotListen as error:
            if not error.is_taken or loop.time() >= deadline:
                raise
            if not is_said:
                say(waiting(str(error)))
                is_said = True
        await asyncio.sleep(_TRY_EVERY_S)
