"""One run of a scenario, from its beginning to its figures."""

import time

import msgspec

from bench.director import Director
from bench.observe import Observer, Sample
from bench.radius_load.fleet import Progress
from bench.radius_load.limit import Demand, find_limit
from bench.radius_load.limit import Step as Tried
from bench.radius_load.plan import LoadPlan, Phase
from bench.radius_load.processes import run_load
from bench.radius_load.result import LoadResult
from bench.report import figures
from bench.report.assembly import Seen, written_down
from bench.report.record import Marked, Run, Step
from bench.scenario import Scenario, Search
from bench.screen import Tell
from bench.stage import Stage


def run_scenario(scenario: Scenario, *, n_workers: int, scale: float = 1.0, tell: Tell = lambda *_: None) -> Run:
    """Run it, so many times as long as it says, and return everything that was seen.

    `tell` is told, about twice a second, what is going on, and seconds passed and in all.

    Raises:
        StartError: Duo or the gateway did not start.
        LoadError: the load could not be made.
    """
    scenario = scenario.scaled(scale)
    with Stage(scenario, n_workers) as stage:
        plan, limit, steps = _search(stage, scenario.search, tell)
        stage.duo.post("/api/reset", {})
        result, samples, marked = _observe(stage, scenario, plan, tell)
        seen = Seen(
            scenario,
            n_workers,
            scale,
            result,
            samples,
            marked,
            duo_counts=stage.duo.get("/api/counts"),
            pushes=stage.duo.get("/api/pushes"),
            limit=limit,
            steps=steps,
            mistakes=stage.mistakes(),
            gateway_end=stage.gateway_end(),
        )
    return written_down(seen)


def _search(stage: Stage, search: Search | None, tell: Tell) -> tuple[LoadPlan, float | None, list[Step]]:
    """Return the plan; where the limit is to be found first, with rates that are shares of it."""
    plan = stage.load_plan()
    if search is None:
        return plan, None, []

    def on_step(tried: Tried) -> None:
        tell(f"{tried.rate:,.0f} logins/s: {tried.complaint or 'carried'}", 0.0, 0.0)

    tell("looking for the limit", 0.0, 0.0)
    found = find_limit(
        plan, Demand(p99_s=search.p99_s), first_rate=search.first_rate, step_s=search.step_s, on_step=on_step
    )
    rate = found.rate or search.first_rate
    phases = tuple(Phase(each.duration_s, each.from_rate * rate, each.to_rate * rate) for each in plan.phases)
    return msgspec.structs.replace(plan, phases=phases), found.rate, [_step(tried) for tried in found.steps]


def _step(tried: Tried) -> Step:
    p99_ms = tried.result.latency_s(99, accepted_only=True) * 1e3
    return Step(tried.rate, figures.or_none(p99_ms), tried.complaint)


def _observe(
    stage: Stage, scenario: Scenario, plan: LoadPlan, tell: Tell
) -> tuple[LoadResult, list[Sample], list[Marked]]:
    def on_progress(progress: Progress) -> None:
        director.begin(time.monotonic() - progress.at_s)
        tell(
            f"{progress.answered:,} answered, {progress.pending:,} pending",
            min(progress.at_s, plan.duration_s),
            plan.duration_s,
        )

    with Observer(stage.run_dir, stage.processes) as observer, Director(stage, scenario.events) as director:
        result = run_load(plan, on_progress)
    return result, observer.samples, director.marked
