"""The table for people, and the same as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.peers.runs import Figures, Line, figures
from bench.spread import Spread

_COLUMNS = ("asks Duo", "window", "logins/s", "busy", "CPU µs", "× radgate", "p99 ms", "MB", "pushes held")
_CALLS = {0: "no", 1: "auth", 2: "preauth, auth"}
_WIDTH = 160  # columns that the table may use, wherever it goes: folded it could not be read
_YARDSTICKS = {0: "radgate", 1: "radgate", 2: "radgate-full"}  # by calls of Duo: with whom a peer is compared


def show(lines: Sequence[Line], n_asked: int, notes: str) -> None:
    """Print the table and what its columns mean; `n_asked` pushes were asked for at once."""
    table = Table()
    table.add_column("peer", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(line.peer.what, _CALLS[line.peer.n_calls], *_cells(line, _figures(line, lines), n_asked))
    console = Console(width=_WIDTH, highlight=False, markup=False)
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


def _figures(line: Line, lines: Sequence[Line]) -> Figures | None:
    name = _YARDSTICKS[line.peer.n_calls]
    return figures(line, next((each for each in lines if each.peer.name == name), None))


def _cells(line: Line, found: Figures | None, n_asked: int) -> list[str]:
    held = "" if line.n_held is None else f"{line.n_held} of {n_asked}"
    if found is None:
        return [*[""] * 7, held]
    return [
        str(found.window),
        _text(found.rate, "{:,.0f}"),
        f"{found.busy.median:.0%}",
        _text(found.cpu_us, "{:.0f}"),
        "" if found.cpu_ratio is None else _text(found.cpu_ratio, "{:.2f}"),
        _text(found.p99_ms, "{:.1f}"),
        f"{found.memory_mb.median:.0f}",
        held,
    ]


def _text(spread: Spread, form: str) -> str:
    """Return the median, and the range where it differs."""
    median, low, high = (form.format(value) for value in spread)
    return median if low == high else f"{median}\n{low} to {high}"
