"""Runs of scenarios, one after the other: made, shown and kept; with 1, 2 … workers, to find how many to set."""

from collections.abc import Sequence
from pathlib import Path

from bench import tune as tuning
from bench.report.counting import counted
from bench.report.files import keep
from bench.report.record import Judgement, Run
from bench.run import run_scenario
from bench.scenario import Scenario, load_scenario
from bench.screen import console, in_short, progress, show_findings, show_run, show_table


def run_all(scenarios: Sequence[Scenario], n_workers: int, scale: float, folder: Path) -> list[Run]:
    """Run them, and write a report of each."""
    _say_how_long(scenarios, scale)
    return [_run_one(scenario, n_workers, scale, folder) for scenario in scenarios]


def _say_how_long(scenarios: Sequence[Scenario], scale: float) -> None:
    takes_s = sum(scenario.scaled(scale).takes_s for scenario in scenarios)
    console.print(f"This takes about {in_short(takes_s)}.", style="dim")


def _run_one(scenario: Scenario, n_workers: int, scale: float, folder: Path) -> Run:
    with progress(scenario.name) as tell:
        run = run_scenario(scenario, n_workers=n_workers, scale=scale, tell=tell)
    show_run(run)
    for path in keep(run, folder):
        console.print(f"  {path}", style="dim", soft_wrap=True)
    return run


def tune(most: int, n_cores: int, scale: float, folder: Path) -> bool:
    """Look for the limit with every number of workers up to `most`; return whether nothing happened that must not."""
    scenario = load_scenario(tuning.SCENARIO)
    _say_how_long([scenario] * most, scale)
    runs = [_tune_one(scenario, n_workers, scale, folder) for n_workers in range(1, most + 1)]
    all_tried = [tuning.tried(run) for run in runs]
    show_table(tuning.HEADS, tuning.rows(all_tried))
    for sentence in tuning.advice(all_tried, n_cores):
        console.print(sentence, markup=False)
    page = folder / "tune.html"
    page.write_text(tuning.render_tuning(all_tried, runs), encoding="utf-8")
    console.print(str(page), style="dim", soft_wrap=True)
    return all(run.is_ok for run in runs)


def _tune_one(scenario: Scenario, n_workers: int, scale: float, folder: Path) -> Run:
    workers = counted(n_workers, "worker")
    with progress(workers) as tell:
        run = run_scenario(scenario, n_workers=n_workers, scale=scale, tell=tell)
    console.print(f"{workers}: {run.limit or 0:,.0f} logins/s")
    show_findings([finding for finding in run.findings if finding.judgement is Judgement.WRONG])
    keep(run, folder)
    return run
