"""Charts as SVG that stands in a page: no script, no font, no host, and colours that the page gives, light or dark.

Matplotlib draws with colours of the light palette; in the SVG each becomes a variable of the page's style sheet. Lines
differ by dashes too, for people and printers that see no colour. The palette is Okabe and Ito's.
"""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.report.record import Marked, Run, Step
from bench.report.words import spoken

SIZE = (5.2, 2.9)  # inches, at 72 points: so small that letters can be read on a phone
_INK, _GRID, _MARK = "#1a1a1a", "#d9d9d9", "#8a8a8a"
_LINES = (
    ("#0072b2", "-"),
    ("#d55e00", "--"),
    ("#009e73", "-."),
    ("#cc79a7", ":"),
    ("#e69f00", (0, (6, 1, 1, 1, 1, 1))),
    ("#56b4e9", (0, (8, 2))),
)
VARIABLES = {_INK: "--ink", _GRID: "--grid", _MARK: "--mark"} | {
    colour: f"--line-{index}" for index, (colour, _) in enumerate(_LINES)
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "radgate",
    "font.size": 9,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[colour for colour, _ in _LINES], linestyle=[dashes for _, dashes in _LINES]),
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}

Points = Sequence[tuple[float, float | None]]


def draw(paint: Callable[[Axes], None], size: tuple[float, float] = SIZE) -> str:
    """Return the SVG of what `paint` puts on a pair of axes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.subplots())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return for_page(text.getvalue())


def for_page(svg: str) -> str:
    """Return an SVG document as a part of a page: scaled to its place, in the page's colours and type."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"(font: [\d.]+px) [^;\"]+", r"\1 system-ui, sans-serif", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg


def lines(
    series: Mapping[str, Points], *, x: str, y: str, events: Sequence[Marked] = (), logarithmic: bool = False
) -> str:
    """Return a chart of named lines; `None` leaves a gap."""

    def paint(axes: Axes) -> None:
        for name, points in series.items():
            values = [float("nan") if value is None else value for _, value in points]
            axes.plot([at for at, _ in points], values, label=name)
        axes.set(xlabel=x, ylabel=y)
        _scale(axes, logarithmic)
        mark(axes, events)
        _key(axes, len(series))

    return draw(paint)


def _scale(axes: Axes, logarithmic: bool) -> None:
    if not logarithmic:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    if high < low * 30:  # within a decade or so, the powers of ten alone would be too few
        axes.yaxis.set_minor_formatter(axes.yaxis.get_major_formatter())
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))


def _key(axes: Axes, n_lines: int) -> None:
    if n_lines > 1:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.06), ncols=4, borderaxespad=0, handlelength=2.6)


def mark(axes: Axes, events: Iterable[Marked]) -> None:
    """Mark what happened by a line, or a band as long as it lasted, and its number in the table of events."""
    for number, event in enumerate(events, 1):
        if event.for_s:
            axes.axvspan(event.at_s, event.at_s + event.for_s, color=_MARK, alpha=0.18, linewidth=0)
        axes.axvline(event.at_s, color=_MARK, linestyle="-", linewidth=0.9)
        where: Any = axes.get_xaxis_transform()
        axes.text(event.at_s, 1.0, f"{number}", transform=where, ha="center", va="bottom", fontsize=8, color=_INK)


def percentile_curve(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return the latencies that a share of the logins stays within, the axis stretched towards the last of them."""

    def paint(axes: Axes) -> None:
        most = 2.0
        for name, curve in curves.items():
            points = [(1 / (1 - share), value) for share, value in curve if share < 1]
            axes.plot([at for at, _ in points], [value for _, value in points], label=name)
            most = max([most, *(at for at, _ in points)])
        shares = [share for share in (0.5, 0.9, 0.99, 0.999, 0.9999) if 1 / (1 - share) <= most]
        axes.set_xscale("log")
        axes.set_xticks(
            [1 / (1 - share) for share in shares], ["median", *(f"p{share * 100:g}" for share in shares[1:])]
        )
        axes.minorticks_off()
        axes.set(xlabel="percentile of the logins", ylabel="ms")
        _scale(axes, logarithmic=True)
        _key(axes, len(curves))

    return draw(paint)


def steps_chart(steps: Sequence[Step], bound_ms: float) -> str:
    """Return the 99th percentile over the rates that were tried, and which were carried."""

    def paint(axes: Axes) -> None:
        for is_carried, name, marker in ((True, "carried", "o"), (False, "not carried", "x")):
            chosen = [(step.rate, step.p99_ms) for step in steps if (not step.complaint) is is_carried and step.p99_ms]
            axes.plot([rate for rate, _ in chosen], [p99_ms for _, p99_ms in chosen], marker, label=name)
        axes.axhline(bound_ms, color=_MARK, linestyle="--", linewidth=0.9)
        axes.set(xlabel="logins/s offered", ylabel="p99, ms")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        _scale(axes, logarithmic=True)
        _key(axes, 2)

    return draw(paint)


_TIME = "seconds since the first login"


def charts_of(run: Run) -> list[tuple[str, str]]:
    """Return the charts of a run: what each shows, and its SVG."""
    events = run.events
    return [
        ("Logins per second", lines(_rates(run), x=_TIME, y="logins/s", events=events)),
        *((f"Latency: {spoken(kind)}", _latency(run, kind)) for kind in list(run.curves)[:2]),
        *_curves(run),
        ("Logins in progress at the gateway", lines(_pending(run), x=_TIME, y="logins", events=events)),
        (
            "CPU (load and Duo never sleep, on purpose)",
            lines(_by_role(run, "cores", 1), x=_TIME, y="cores", events=events),
        ),
        ("Connections to Duo", lines(_connections(run), x=_TIME, y="connections", events=events)),
        ("Memory (RSS)", lines(_by_role(run, "rss_bytes", 1e-6), x=_TIME, y="MB", events=events)),
    ]


def _curves(run: Run) -> list[tuple[str, str]]:
    curves = {spoken(kind): curve for kind, curve in run.curves.items()}
    return [("Latency of all", percentile_curve(curves))] if curves else []


def _rates(run: Run) -> dict[str, Points]:
    rates: dict[str, Points] = {
        "offered": [(second.at_s, second.planned) for second in run.seconds if second.at_s + 1 <= run.duration_s]
    }
    for name in ("accepted", "rejected", "lost"):
        points = [(second.at_s, getattr(second, name)) for second in run.seconds]
        if any(count for _, count in points):
            rates[name] = points
    return rates


def _latency(run: Run, kind: str) -> str:
    """Return the chart of a kind of login, by the second in which they were planned."""
    seconds = [(second.at_s, second.latency.get(kind)) for second in run.seconds if second.planned]
    return lines(
        {
            "median": [(at_s, each.p50_ms if each else None) for at_s, each in seconds],
            "p99": [(at_s, each.p99_ms if each else None) for at_s, each in seconds],
        },
        x=_TIME,
        y="ms",
        events=run.events,
        logarithmic=True,
    )


def _pending(run: Run) -> dict[str, Points]:
    return {"pending": [(look.at_s, look.pending) for look in run.looks]}


def _connections(run: Run) -> dict[str, Points]:
    states = sorted({state for look in run.looks for state in look.connections})
    return {state: [(look.at_s, look.connections.get(state)) for look in run.looks] for state in states}


def _by_role(run: Run, name: str, factor: float) -> dict[str, Points]:
    """Return what each role has used by time; a gap where nobody lived in it."""
    found: dict[str, Points] = {}
    for process in run.processes:
        used = [(look.at_s, getattr(look, name).get(process.role)) for look in run.looks]
        found[process.role] = [(at_s, None if value is None else value * factor) for at_s, value in used]
    return found
