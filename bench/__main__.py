"""`python -m bench`: how many logins a second this machine carries, how many workers to set, and what happens to users
when Duo slows down or a host dies.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import tune
from bench.compare import compare, differences
from bench.processes import StartError
from bench.radius_load import LoadError
from bench.report.files import FOLDER, keep
from bench.report.record import Run, read_run
from bench.run import run_scenario
from bench.scenario import Scenario, ScenarioError, load_scenario, names
from bench.screen import console, progress, show_comparison, show_run, show_table

HELP = """\
How many logins a second does this machine carry?
    python -m bench run passcode-limit          finds the limit, then holds 90 % of it
    python -m bench run monday-morning          a ramp of pushes, as people come to work
    python -m bench peers                       the same beside FreeRADIUS and others

How many workers should I set?
    python -m bench tune                        the limit with 1, 2 … workers, and the recommended number

What happens to my users when Duo slows down or a host dies?
    python -m bench run duo-brownout duo-outage
    python -m bench run worker-kill reload-under-load retransmit-storm garbage-flood

    python -m bench list                        all scenarios, each with its question
    python -m bench compare A.json B.json       two runs side by side
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 if what must never happen has happened, 2 for wrong arguments."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["peers"]:  # has arguments of its own
        from bench.peers.__main__ import main as peers

        return peers(given[1:])
    options = _parser().parse_args(given)
    if options.perform is None:
        print(HELP, end="")
        return 0
    try:
        return int(options.perform(options))
    except (ScenarioError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except (StartError, LoadError, OSError) as error:
        print(f"the run could not be made: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Without a command: what answers what.")
    parser.set_defaults(perform=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    _command(commands, "list", "all scenarios, each with its question", _list)
    run = _command(commands, "run", "run scenarios, and write a report of each", _run)
    run.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="a name from the list, or the path of an .ini file"
    )
    run.add_argument("--workers", type=_positive_int, help="of the gateway (default: one for each core but one)")
    _common(run, scale=1.0)
    comparison = _command(commands, "compare", "two runs side by side", _compare)
    comparison.add_argument("first", type=Path, metavar="A.json")
    comparison.add_argument("second", type=Path, metavar="B.json")
    tuning = _command(commands, "tune", "the limit with 1, 2 … workers, and the recommended number", _tune)
    tuning.add_argument("--most", type=_positive_int, help="workers to try (default: one more than cores)")
    _common(tuning, scale=1.0)
    commands.add_parser("peers", help="the gateway beside FreeRADIUS and others; has options of its own")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    perform: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=what)
    command.set_defaults(perform=perform)
    return command


def _common(command: argparse.ArgumentParser, scale: float) -> None:
    command.add_argument(
        "--scale",
        type=_positive,
        default=scale,
        help="run so many times as long, rates as they are (default: %(default)g)",
    )
    command.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="for reports (default: %(default)s)")


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < float("inf"):
            return number
    raise argparse.ArgumentTypeError(f"{text!r}: write a number above 0")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: write a whole number above 0")
    return int(text)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0))


def _list(_options: argparse.Namespace) -> int:
    show_table(("scenario", "question"), [(name, load_scenario(name).question) for name in names()])
    return 0


def _run(options: argparse.Namespace) -> int:
    scenarios = [load_scenario(name) for name in options.scenarios]
    n_workers = options.workers or max(1, _n_cores() - 1)
    runs = [_run_one(scenario, n_workers, options.scale, options.out) for scenario in scenarios]
    return 0 if all(run.is_ok for run in runs) else 1


def _run_one(scenario: Scenario, n_workers: int, scale: float, folder: Path) -> Run:
    with progress(scenario.name) as tell:
        run = run_scenario(scenario, n_workers=n_workers, scale=scale, tell=tell)
    show_run(run)
    for path in keep(run, folder):
        console.print(f"  {path}", style="dim", soft_wrap=True)
    return run


def _compare(options: argparse.Namespace) -> int:
    first, second = read_run(options.first), read_run(options.second)
    for name, run in (("A", first), ("B", second)):
        console.print(
            f"{name}  {run.scenario}, {run.workers} worker(s), {run.began}, commit {run.commit}", markup=False
        )
    for difference in differences(first, second):
        console.print(f"!  {difference}", style="yellow", markup=False)
    show_comparison(compare(first, second))
    return 0


def _tune(options: argparse.Namespace) -> int:
    scenario = load_scenario(tune.SCENARIO)
    runs = []
    for n_workers in range(1, (options.most or _n_cores() + 1) + 1):
        with progress(f"{n_workers} worker(s)") as tell:
            runs.append(run_scenario(scenario, n_workers=n_workers, scale=options.scale, tell=tell))
        console.print(f"{n_workers} worker(s): {runs[-1].limit or 0:,.0f} logins/s")
        keep(runs[-1], options.out)
    all_tried = [tune.tried(run) for run in runs]
    show_table(tune.HEADS, tune.rows(all_tried))
    for sentence in tune.advice(all_tried, _n_cores()):
        console.print(sentence, markup=False)
    page = options.out / "tune.html"
    page.write_text(tune.render_tuning(all_tried, runs), encoding="utf-8")
    console.print(str(page), style="dim", soft_wrap=True)
    return 0 if all(run.is_ok for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
