"""What `radgate run` makes of signals while it begins, and while it ends; tests/integration has all else."""

import asyncio
import signal
import subprocess
import sys

import pytest

from gateway.cli.early import names_run
from gateway.cli.run import Loop
from tests.signals import as_at_a_terminal

BEGIN = """
import os, signal, sys
sys.argv = ["radgate", *sys.argv[1:]]
import gateway.cli
for number in (signal.SIGHUP, signal.SIGUSR1):
    os.kill(os.getpid(), number)
from gateway.cli.main import main
sys.exit(main())
"""


def begun(*arguments: str) -> int:
    """Return the exit status of a command that gets both signals as soon as it begins, and finds no file."""
    command = [sys.executable, "-P", "-c", BEGIN, *arguments]
    return subprocess.run(command, stderr=subprocess.DEVNULL, preexec_fn=as_at_a_terminal, check=False).returncode


def test_a_request_that_comes_while_it_is_loaded_does_not_end_it():
    assert begun("run", "--config", "/nowhere") == begun("--config", "/nowhere", "run") == 2
    assert begun("status", "--config", "run") == -signal.SIGHUP


@pytest.mark.parametrize(
    ("arguments", "is_run"),
    [
        ("run", True),
        ("--config a.cfg run", True),
        ("--config=a.cfg run", True),
        ("status --config run", False),
        ("--config run status", False),
        ("why run", False),
        ("--version", False),
        ("--config", False),
        ("", False),
    ],
)
def test_the_command_is_known_before_anything_is_parsed(arguments, is_run):
    assert names_run(arguments.split()) is is_run


def test_a_signal_that_comes_when_all_is_over_is_ignored() -> None:
    async def handle() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, lambda: None)

    before = signal.getsignal(signal.SIGUSR2)
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(handle())
    try:
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR2, before)
