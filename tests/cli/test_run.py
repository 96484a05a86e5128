"""What `radgate run` makes of signals while it ends; tests/integration has all else."""

import asyncio
import signal

from gateway.cli.run import Loop


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
