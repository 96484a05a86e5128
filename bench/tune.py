"""How many workers to set: the limit is looked for with 1, 2 … workers, and the knee of that curve is the answer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from bench.report.charts import draw
from bench.report.limits import THE_WORKERS, limited_by
from bench.report.page import describe, document, figures, table
from bench.report.record import Run

SCENARIO = "passcode-limit"
WORTH = 0.10  # another worker that adds less is not worth its memory


class Tried(NamedTuple):
    """What so many workers carried.

    Attributes:
        core_share: of a worker, while the rate was held that the scenario holds.
        limited_by: who was at the limit.
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
    return Tried(run.workers, run.limit or 0.0, core_share, run.worker_us_per_login, limited_by(run))


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
    if not rate:
        return ["workers: not known", "No rate that was tried was carried, with any number of workers."]
    or_more, why = _worth_of_more(best, all_tried)
    sentences = [f"workers={best}{or_more}", f"{best} worker(s) carried {rate:,.0f} logins/s; {why}."]
    crowded = [each.workers for each in all_tried if each.workers >= n_cores]
    if crowded:
        sentences.append(
            f"The load and the simulated Duo run on the same {n_cores} cores: from {crowded[0]} workers on they compete"
            " with the gateway. In service, where Duo and the NAS are elsewhere, one worker for each core carries more."
        )
    others = [each for each in all_tried if each.limited_by != THE_WORKERS]
    return sentences + [f"With {each.workers} worker(s) the limit was that of {each.limited_by}." for each in others]


def _worth_of_more(best: int, all_tried: Sequence[Tried]) -> tuple[str, str]:
    """Return what is to be added to a setting, and why: workers that were not at the limit prove nothing."""
    limits = {each.workers: each.limited_by for each in all_tried if each.workers > best}
    if not limits:
        return ", or more", "more were not tried"
    if limits[min(limits)] == THE_WORKERS:
        return "", "more were no use here"
    return ", or more", "more were no use here, where something else was the limit"


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
