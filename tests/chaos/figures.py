"""What the measuring programs share: figures in words, and one run after another with other seeds."""

import argparse
import asyncio
import math
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from bench.endings import in_order, scratch_folder
from bench.processes import StartError
from tests.chaos.checker import Violation
from tests.long_form import SEEDS_VARIABLE

Result = TypeVar("Result")


def seeds(n_short: int) -> list[int]:
    """Return the seeds for a test: so many, or as many as the environment variable says."""
    return list(range(1, 1 + int(os.environ.get(SEEDS_VARIABLE, n_short))))


def play(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario to its end on a loop of its own, and return its result."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_ended(scenario))


async def _until_ended(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario until SIGTERM or SIGHUP, which leave every `with` of its own.

    What a handler raises by itself is lost if the loop is within a callback then.
    """
    task, loop, ended = asyncio.current_task(), asyncio.get_running_loop(), list[int]()
    assert task is not None

    def end(number: int) -> None:
        ended.append(number)
        task.cancel()

    former = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in former.items():
        if handler is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, number)
    try:
        return await scenario
    except asyncio.CancelledError:
        if ended:
            sys.exit(128 + ended[0])
        raise
    finally:
        for number, handler in former.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def tell(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that this share of all is not above; nan for none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


def milliseconds(seconds: float) -> str:
    """Return a duration to read: `12.3 ms`, or `never`."""
    return "never" if math.isinf(seconds) else f"{seconds * 1000:.1f} ms"


def summary(violations: Sequence[Violation], n_shown: int = 5) -> str:
    """Return violations by rule, and the first of them in full."""
    counts = ", ".join(f"{count} x {rule}" for rule, count in Counter(each.rule for each in violations).most_common())
    shown = "".join(f"\n    {each.rule}: {each.user}: {each.text}" for each in violations[:n_shown])
    return f"{counts or 'none'}{shown}"


def parser(
    module: str, what: str | None, *, logins: int | None = None, rate: float | None = None
) -> argparse.ArgumentParser:
    """Return the parser of a program that plays a scenario with several seeds.

    Args:
        module: its name.
        what: its docstring.
        logins: the default of `--logins`; None for a program that has no such option.
        rate: likewise, of `--rate`.
    """
    description = (what or "").partition("\n")[0]
    made = argparse.ArgumentParser(prog=f"python -m tests.chaos.{module}", description=description)
    made.add_argument("--seeds", type=int, default=1, help="runs, each with a seed of its own (default: %(default)s)")
    made.add_argument("--first-seed", type=int, default=1, help="the seed of the first run (default: %(default)s)")
    made.add_argument("--keep", type=Path, metavar="DIR", help="leave files and logs of each run in DIR/SEED")
    if logins is not None:
        made.add_argument("--logins", type=int, default=logins, help="default: %(default)s")
    if rate is not None:
        made.add_argument("--rate", type=type(rate), default=rate, help="logins begun a second (default: %(default)s)")
    return made


def each_seed(options: argparse.Namespace, run: Callable[[Path, int], bool]) -> int:
    """Play once for each seed, in a folder of its own; return the exit status: 0 if every run was as it should be."""
    try:
        with in_order():
            n_wrong = sum(not _play_seed(options, run, options.first_seed + number) for number in range(options.seeds))
    except StartError as error:
        sys.stderr.write(f"cannot start: {error}\n")
        return 1
    tell(f"{options.seeds - n_wrong} of {options.seeds} runs without a violation")
    return 1 if n_wrong else 0


def _play_seed(options: argparse.Namespace, run: Callable[[Path, int], bool], seed: int) -> bool:
    if options.keep:
        return run(options.keep / str(seed), seed)
    with scratch_folder("radgate-chaos-") as folder:
        return run(folder, seed)
