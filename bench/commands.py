"""What the commands of `python -m bench` do, and their options."""

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
from bench.report.record import Judgement, Run, RunFileError, read_run
from bench.run import run_scenario
from bench.scenario import Scenario, ScenarioError, load_scenario, names
from bench.screen import console, progress, show_comparison, show_findings, show_run, show_table

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
    comparison = _command(commands, "compare", "two runs side by side", _compare)
    comparison.add_argument("first", type=Path, metavar="A.json")
    comparison.add_argument("second", type=Path, metavar="B.json")
    tuning = _command(commands, "tune", "the limit with 1, 2 … workers, and the recommended number", _tune)
    tuning.add_argument("--most", type=_positive_int, help="workers to try (default: one more than cores)")
    _add_common(tuning)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    what: str,
    perform: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, description=what)
    command.set_defaults(perform=perform)
    return command


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--scale", type=_scale, default=1.0, help="run so many times as long, rates as they are (default: %(default)g)"
    )
    command.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="for reports (default: %(default)s)")


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
        ("scenario", "takes about", "question"), [(each.name, _long(each.takes_s), each.question) for each in scenarios]
    )
    return 0


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _run(options: argparse.Namespace) -> int:
    scenarios = [load_scenario(name) for name in options.scenarios]
    n_workers = options.workers or max(1, _n_cores() - 1)
    _say_how_long(scenarios, options.scale)
    runs = [_run_one(scenario, n_workers, options.scale, options.out) for scenario in scenarios]
    return 0 if all(run.is_ok for run in runs) else 1


def _say_how_long(scenarios: Sequence[Scenario], scale: float) -> None:
    takes_s = sum(scenario.scaled(scale).takes_s for scenario in scenarios)
    console.print(f"This takes about {_long(takes_s)}.", style="dim")


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
    most = options.most or _n_cores() + 1
    _say_how_long([scenario] * most, options.scale)
    runs = []
    for n_workers in range(1, most + 1):
        with progress(f"{n_workers} worker(s)") as tell:
            runs.append(run_scenario(scenario, n_workers=n_workers, scale=options.scale, tell=tell))
        console.print(f"{n_workers} worker(s): {runs[-1].limit or 0:,.0f} logins/s")
        show_findings([finding for finding in runs[-1].findings if finding.judgement is Judgement.WRONG])
        keep(runs[-1], options.out)
    all_tried = [tune.tried(run) for run in runs]
    show_table(tune.HEADS, tune.rows(all_tried))
    for sentence in tune.advice(all_tried, _n_cores()):
        console.print(sentence, markup=False)
    page = options.out / "tune.html"
    page.write_text(tune.render_tuning(all_tried, runs), encoding="utf-8")
    console.print(str(page), style="dim", soft_wrap=True)
    return 0 if all(run.is_ok for run in runs) else 1
