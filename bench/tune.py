"""How many workers to set: the limit is looked for with 1, 2 … workers, and the knee of that curve is the answer.

There is no answer where the figures contradict each other, or where the workers were not what was at the limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from matplotlib.axes import Axes

from bench.report.charts import draw
from bench.report.counting import counted
from bench.report.limits import DUO, THE_CORES, THE_LOAD, THE_WORKERS, limited_by
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
    """Return the recommendation, and what limits its worth; none, and why, where there are doubts."""
    if not any(each.rate for each in all_tried):
        return [NOT_KNOWN, "No rate that was tried was carried, with any number of workers."]
    if found := doubts(all_tried, n_cores):
        return [NOT_KNOWN, *found, REMEDY]
    chosen = _best(all_tried)
    or_more, why = _worth_of_more(chosen.workers, all_tried)
    sentences = [
        f"workers={chosen.workers}{or_more}",
        f"{counted(chosen.workers, 'worker')} carried {chosen.rate:,.0f} logins/s; {why}.",
    ]
    crowded = [each.workers for each in all_tried if each.workers >= n_cores]
    if crowded:
        sentences.append(
            f"The load and the simulated Duo run on the same {counted(n_cores, 'core')}: from"
            f" {counted(crowded[0], 'worker')} on they compete with the gateway. In service, where Duo and the NAS are"
            " elsewhere, one worker for each core carries more."
        )
    others = [each for each in all_tried if each.limited_by != THE_WORKERS]
    return sentences + [
        f"With {counted(each.workers, 'worker')} the limit was that of {each.limited_by}." for each in others
    ]


NOT_KNOWN = "workers: not known"
REMEDY = (
    "So nothing is recommended: the run was too short, others were at work here, or the machine has too few cores for"
    " Duo and the load beside the workers. Let it run longer (--scale 2), and with nothing beside it."
)


def doubts(all_tried: Sequence[Tried], n_cores: int) -> list[str]:
    """Return why the figures recommend nothing; empty where they may be believed.

    With as many workers as cores, and more, load and Duo compete with them: these may well carry less, or wait.
    """
    ordered = sorted(all_tried)
    free = [each for each in ordered if each.workers < n_cores]
    chosen = _best(all_tried)
    waiting = [each for each in free if each.workers <= chosen.workers and each.limited_by == THE_CORES]
    found = [*_contradicted(ordered), *_drops(free), *map(_waited, waiting)]
    return found or ([_not_the_limit(chosen)] if chosen.limited_by in (DUO, THE_LOAD) else [])


def _best(all_tried: Sequence[Tried]) -> Tried:
    best = knee({each.workers: each.rate for each in all_tried})
    return next(each for each in all_tried if each.workers == best)


def _contradicted(ordered: Sequence[Tried]) -> Iterator[str]:
    """Say whose limit was none: what gave more workers more did not limit fewer."""
    for fewer in ordered:
        most = max(ordered, key=lambda each: each.rate)
        if fewer.limited_by in (DUO, THE_LOAD) and is_contradicted(fewer, ordered):
            yield (
                f"{counted(fewer.workers, 'worker')} carried {fewer.rate:,.0f} logins/s and used"
                f" {_of_a_core(fewer)}, as if {fewer.limited_by} gave no more; but with"
                f" {counted(most.workers, 'worker')} it gave {most.rate:,.0f}."
            )


def is_contradicted(one: Tried, all_tried: Sequence[Tried]) -> bool:
    """Whether what is said to be the limit has carried more with other numbers of workers."""
    return one.limited_by in (DUO, THE_LOAD) and any(each.rate > one.rate * (1 + WORTH) for each in all_tried)


def _drops(free: Sequence[Tried]) -> Iterator[str]:
    for fewer, more in combinations(free, 2):
        if more.rate < fewer.rate * (1 - WORTH):
            yield (
                f"{counted(more.workers, 'worker')} carried {more.rate:,.0f} logins/s, less than"
                f" {counted(fewer.workers, 'worker')} with {fewer.rate:,.0f}, and each had a core to itself."
            )


def _waited(tried: Tried) -> str:
    return (
        f"With {counted(tried.workers, 'worker')} each had a core of its own, and yet had to wait for it: somebody else"
        " was at work there."
    )


def _not_the_limit(tried: Tried) -> str:
    return (
        f"{counted(tried.workers, 'worker')} carried {tried.rate:,.0f} logins/s with {_of_a_core(tried)}: the"
        f" limit was that of {tried.limited_by}, and theirs was not reached."
    )


def _of_a_core(tried: Tried) -> str:
    return f"{tried.core_share:.2f} of a core" + (" each" if tried.workers > 1 else "")


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
        (
            each.workers,
            f"{each.rate:,.0f}",
            round(each.core_share, 2),
            each.us_per_login,
            "not known" if is_contradicted(each, all_tried) else each.limited_by,
        )
        for each in all_tried
    ]


def curve(all_tried: Sequence[Tried], setting: str) -> str:
    """Return the picture, as SVG that stands in a page; the setting stands at its place where there is one."""

    def paint(axes: Axes) -> None:
        axes.plot([each.workers for each in all_tried], [each.rate for each in all_tried], "o-")
        if setting != NOT_KNOWN:
            chosen = _best(all_tried)
            where = chosen.workers, chosen.rate
            axes.annotate(f"workers={chosen.workers}", where, (0, -16), textcoords="offset points", ha="center")
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
        f'<div class="alone">{figures([("Logins per second that are carried", curve(all_tried, setting))])}</div>',
        table("", HEADS, rows(all_tried)),
        f"<footer>{runs[0].began}; commit {runs[0].commit}; {describe(machine)}</footer>",
    ]
    return document("How many workers? radgate bench", parts)
