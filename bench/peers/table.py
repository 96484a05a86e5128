"""The ratios and the table for people, and the same as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.peers.runs import Figures, Line, figures
from bench.spread import Spread

_COLUMNS = ("calls", "window", "logins/s", "busy", "CPU µs", "p99 ms", "MB", "held")
_CALLS = {0: "asks nobody", 1: "one call", 2: "two calls"}
_WIDTH = 80  # columns that the table may use, wherever it goes: folded it could not be read
_YARDSTICKS = {0: "radgate", 1: "radgate", 2: "radgate-full"}  # by calls of Duo: who is compared with a peer
_AFTER_HOME = "radgate-password"  # with whom those are compared that ask a home server first
_FIRST = ("freeradius-rest", "freeradius-full", "freeradius-password", "floor")  # the ratios that are looked for


def show(lines: Sequence[Line], notes: str) -> None:
    """Print the ratios, the table, and what its columns mean."""
    console = Console(width=_WIDTH, highlight=False, markup=False)
    if ratios := _ratios(lines):
        console.print("radgate: CPU of a login, by that of a peer with as many calls in the same round")
        console.print("\n".join(ratios))
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("peer", width=18)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(line.peer.what, str(line.peer.n_calls), *_cells(line, _figures(line, lines)))
    console.print()
    console.print(table)
    console.print(notes, end="", soft_wrap=True)
    for line in lines:
        if line.why_not:
            console.print(f"{line.peer.name}: {line.why_not}", soft_wrap=True)


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the lines with all that was measured; ranges are [median, least, most]."""
    return [
        {
            "peer": line.peer.name,
            "what": line.peer.what,
            "n_calls": line.peer.n_calls,
            "figures": (found := _figures(line, lines)) and found._asdict(),
            "pushes_held": line.n_held,
            "why_not": line.why_not,
            "rounds": [{str(window): run._asdict() for window, run in each.items()} for each in line.rounds],
        }
        for line in lines
    ]


def _ratios(lines: Sequence[Line]) -> list[str]:
    """Return a line for each peer that the gateway was measured beside, the most looked for first."""
    others = [line for line in lines if line.peer.name not in (*_YARDSTICKS.values(), _AFTER_HOME)]
    found = [(line.peer, figures.cpu_ratio) for line in others if (figures := _figures(line, lines))]
    found.sort(key=lambda each: _FIRST.index(each[0].name) if each[0].name in _FIRST else len(_FIRST))
    return [
        f"  {peer.what:<33}{_CALLS[peer.n_calls]:<13}{ratio.median:5.2f}  [{ratio.low:.2f} to {ratio.high:.2f}]"
        for peer, ratio in found
        if ratio
    ]


def _figures(line: Line, lines: Sequence[Line]) -> Figures | None:
    name = _AFTER_HOME if line.peer.has_first_factor else _YARDSTICKS[line.peer.n_calls]
    return figures(line, next((each for each in lines if each.peer.name == name), None))


def _cells(line: Line, found: Figures | None) -> list[str]:
    held = "" if line.n_held is None else str(line.n_held)
    if found is None:
        return [*[""] * 6, held]
    return [
        str(found.window),
        _text(found.rate, "{:,.0f}"),
        f"{found.busy.median:.0%}",
        _text(found.cpu_us, "{:.0f}"),
        _text(found.p99_ms, "{:.1f}"),
        f"{found.memory_mb.median:.0f}",
        held,
    ]


def _text(spread: Spread, form: str) -> str:
    """Return the median, and the range where it differs."""
    median, low, high = (form.format(value) for value in spread)
    return median if low == high else f"{median}\n{low}–{high}"
