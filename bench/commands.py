"""What the commands of `python -m bench` do, and their options."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.compare import compare, differences
from bench.processes import StartError
from bench.radius_load.plan import LoadError
from bench.report.counting import counted
from bench.report.record import FOLDER, Finding, Judgement, Run, RunFileError, read_run
from bench.scenario import ScenarioError, load_scenario, names
from bench.screen import console, in_short, show_comparison, show_findings, show_table
from bench.thresholds import Threshold, broken, read_threshold, told

SCALES = (0.001, 1000.0)


def main(arguments: Sequence[str]) -> int:
    """Run a command; the exit status is that of `bench.__main__`."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.perform(options))
    except (ScenarioError, RunFileError) as error:
        print(error, file=sys.stderr)
        return 2
    except (StartError, LoadError, OSError) as error:
        print(f"the run could not be made: {error}", file=sys.stderr)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _command(commands, "list", "all scenarios, each with its question and about how long it takes", _list)
    run = _command(commands, "run", "run scenarios, and write a report of each", _run)
    run.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="a name from the list, or the path of an .ini file"
    )
    run.add_argument("--workers", type=_positive_int, help="of the gateway (default: one for each core but one)")
    _add_common(run)
    _add_fail_if(run, _threshold, "a run meets CONDITION, such as 'p99 > 50ms'; again for more")
    run.epilog = f"{RUN_STATUS}\n\n{FIGURES}"
    comparison = _command(commands, "compare", "two runs side by side", _compare)
    comparison.add_argument("first", type=Path, metavar="A.json")
    comparison.add_argument("second", type=Path, metavar="B.json")
    _add_fail_if(
        comparison,
        _comparing_threshold,
        "B meets CONDITION: 'p99 > 50ms', or 'cpu > 110%%' of A's; again for more",
    )
    comparison.epilog = f"{COMPARE_STATUS}\n\n{FIGURES}"
    tuning = _command(commands, "tune", "the limit with 1, 2 … workers, and the recommended number", _tune)
    tuning.add_argument("--most", type=_positive_int, help="workers to try (default: one more than cores)")
    _add_common(tuning)
    tuning.epilog = TUNE_STATUS
    return parser


_OTHERS = """\
2  wrong arguments
  3  a run could not be made, or something is not installed
  130, 143, 129  ended by Ctrl-C, SIGTERM, SIGHUP"""
RUN_STATUS = f"""\
exit status:
  0  all was well
  1  what must never happen has happened, or a condition is met
  {_OTHERS}"""
COMPARE_STATUS = """\
exit status:
  0  both are shown; no condition is met
  1  a condition is met, or one with a % cannot be held: not the same scenario, length, workers or machine
  2  wrong arguments, or a file that is not that of a run"""
TUNE_STATUS = f"""\
exit status:
  0  all was well, also where no number is recommended
  1  what must never happen has happened
  {_OTHERS}"""
FIGURES = f"figures of a condition:\n{told()}"


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    perform: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.set_defaults(perform=perform)
    return command


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--scale", type=_scale, default=1.0, help="run so many times as long, rates as they are (default: %(default)g)"
    )
    command.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="for reports (default: %(default)s)")


def _add_fail_if(command: argparse.ArgumentParser, read: Callable[[str], Threshold], when: str) -> None:
    command.add_argument(
        "--fail-if", type=read, action="append", default=[], metavar="CONDITION", help=f"exit status 1 if {when}"
    )


def _threshold(text: str) -> Threshold:
    if (threshold := _comparing_threshold(text)).is_relative:
        raise argparse.ArgumentTypeError(f"{text!r}: for a % there must be two runs, to compare")
    return threshold


def _comparing_threshold(text: str) -> Threshold:
    try:
        return read_threshold(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _scale(text: str) -> float:
    least, most = SCALES
    with contextlib.suppress(ValueError):
        if least <= (number := float(text)) <= most:
            return number
    raise argparse.ArgumentTypeError(f"{text!r}: write a number from {least:g} to {most:g}")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number above 0")
    return int(text)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0))


def _list(_options: argparse.Namespace) -> int:
    scenarios = [load_scenario(name) for name in names()]
    show_table(
        ("scenario", "takes about", "question"),
        [(each.name, in_short(each.takes_s), each.question) for each in scenarios],
    )
    return 0


def _run(options: argparse.Namespace) -> int:
    from bench.rounds import run_all

    scenarios = [load_scenario(name) for name in options.scenarios]
    n_workers = options.workers or max(1, _n_cores() - 1)
    runs = run_all(scenarios, n_workers, options.scale, options.out)
    n_broken = sum(_show_broken(options.fail_if, run) for run in runs)
    return 0 if all(run.is_ok for run in runs) and not n_broken else 1


def _show_broken(thresholds: Sequence[Threshold], run: Run, other: Run | None = None) -> int:
    """Print which conditions a run meets; return how many."""
    found = broken(thresholds, run, other)
    show_findings([Finding(Judgement.WRONG, f"{run.scenario}: {sentence}") for sentence in found])
    return len(found)


def _compare(options: argparse.Namespace) -> int:
    first, second = read_run(options.first), read_run(options.second)
    for name, run in (("A", first), ("B", second)):
        workers = counted(run.workers, "worker")
        console.print(f"{name}  {run.scenario}, {workers}, {run.began}, commit {run.commit}", markup=False)
    found = differences(first, second)
    for difference in found:
        console.print(f"!  {difference}", style="yellow", markup=False)
    show_comparison(compare(first, second))
    n_broken = _show_broken(options.fail_if, second, first)
    return 1 if n_broken or (found and any(each.is_relative for each in options.fail_if)) else 0


def _tune(options: argparse.Namespace) -> int:
    from bench.rounds import tune

    return 0 if tune(options.most or _n_cores() + 1, _n_cores(), options.scale, options.out) else 1
