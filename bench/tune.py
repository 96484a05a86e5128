"""How many workers to set: the limit is looked for with 1, 2 … workers, and the knee of that curve is the answer.

Load and simulated Duo are awake all the time, so that their CPU does not tell whether they were the limit. The workers'
does: they sleep when there is nothing to do, and a worker that slept at the limit was not the limit.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from bench.report.charts import draw
from bench.report.page import describe, document, figures, table
from bench.report.record import Run

SCENARIO = "passcode-limit"
WORTH = 0.10  # another worker that adds less is not worth its memory
BUSY = 0.85  # of its core: what a worker at its limit uses, at the least


class Tried(NamedTuple):
    """What so many workers carried.

    Attributes:
        core_share: of a worker, while the rate was held that the scenario holds.
        limited_by: who had no CPU left.
    """

    workers: int
    rate: float
    core_share: float
    us_per_login: float | None
    limited_by: str


def tried(run: Run) -> Tried:
    """Return what a run of the scenario says."""
    workers = [process for process in run.processes if process.role.startswith("worker")]
    core_share = sum(each.core_share for each in workers) / max(len(workers), 1)
    waited_share = sum(each.waited_share for each in workers) / max(len(workers), 1)
    held = run.offered_rate / run.limit if run.limit else 1.0
    lowest = min((step.rate for step in run.steps if step.complaint), default=0.0)
    complaints = [step.complaint for step in run.steps if step.rate == lowest]
    limit = limited_by(complaints, core_share / held, waited_share / held)
    return Tried(run.workers, run.limit or 0.0, core_share, run.worker_us_per_login, limit)


def limited_by(complaints: Sequence[str], core_share: float, waited_share: float) -> str:
    """Return who was at the limit.

    Told by what the lowest rate that was not carried complained of, and by the shares of the time for which a worker
    had a core and for which it was kept waiting for one.
    """
    if any("load generator" in complaint for complaint in complaints):
        return "the load generator"
    if core_share + waited_share < BUSY:
        return "the simulated Duo"
    return "the workers" if core_share >= BUSY else "the cores, which others needed too"


def knee(rates: Mapping[int, float]) -> int:
    """Return the least number of workers that no greater one outdoes by more than `WORTH`."""
    ordered = sorted(rates.items())
    return next(
        workers
        for index, (workers, rate) in enumerate(ordered)
        if all(other <= rate * (1 + WORTH) for _, other in ordered[index:])
    )


def advice(all_tried: Sequence[Tried], n_cores: int) -> list[str]:
    """Return the recommendation, and what limits its worth."""
    best = knee({each.workers: each.rate for each in all_tried})
    rate = next(each.rate for each in all_tried if each.workers == best)
    sentences = [f"workers={best}", f"{best} worker(s) carried {rate:,.0f} logins/s; more were no use here."]
    if best == max(each.workers for each in all_tried):
        sentences[1] = f"{best} worker(s) carried {rate:,.0f} logins/s; more were not tried."
    crowded = [each.workers for each in all_tried if each.workers >= n_cores]
    if crowded:
        sentences.append(
            f"The load and the simulated Duo run on the same {n_cores} cores: from {crowded[0]} workers on they compete"
            " with the gateway. In service, where Duo and the NAS are elsewhere, one worker for each core carries more."
        )
    others = [each for each in all_tried if each.limited_by != "the workers"]
    return sentences + [f"With {each.workers} worker(s) the limit was that of {each.limited_by}." for each in others]


HEADS = ("workers", "limit, logins/s", "cores per worker, held", "CPU per login, µs", "limited by")


def rows(all_tried: Sequence[Tried]) -> list[tuple[int, str, float, float | None, str]]:
    """Return the table."""
    return [
        (each.workers, f"{each.rate:,.0f}", round(each.core_share, 2), each.us_per_login, each.limited_by)
        for each in all_tried
    ]


def curve(all_tried: Sequence[Tried]) -> str:
    """Return the picture, as SVG that stands in a page."""
    best = knee({each.workers: each.rate for each in all_tried})

    def paint(axes: Axes) -> None:
        axes.plot([each.workers for each in all_tried], [each.rate for each in all_tried], "o-")
        chosen = next(each for each in all_tried if each.workers == best)
        axes.annotate(f"workers={best}", (best, chosen.rate), (0, -16), textcoords="offset points", ha="center")
        axes.set(xlabel="workers", ylabel="logins/s carried", xticks=[each.workers for each in all_tried])
        axes.set_ylim(bottom=0)
        axes.margins(x=0.15)

    return draw(paint)


def render_tuning(all_tried: Sequence[Tried], runs: Sequence[Run]) -> str:
    """Return the page."""
    machine = runs[0].machine
    setting, *sentences = advice(all_tried, machine.n_cores)
    parts = [
        '<h1>How many workers?</h1><p class="question">Passcode logins, each asked of a simulated Duo over TLS.</p>',
        f'<p class="answer"><code>{setting}</code></p>',
        "".join(f"<p>{sentence}</p>" for sentence in sentences),
        f'<div class="alone">{figures([("Logins per second that are carried", curve(all_tried))])}</div>',
        table("", HEADS, rows(all_tried)),
        f"<footer>{runs[0].began}; commit {runs[0].commit}; {describe(machine)}</footer>",
    ]
    return document("How many workers? radgate bench", parts)
