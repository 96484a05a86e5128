"""What a run shows on the terminal: a bar while it lasts, then findings, figures and files."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.compare import Line, Measured
from bench.report.record import Finding, Judgement, Run
from bench.report.words import summary_of

_MARKS = {Judgement.GOOD: ("✓", "green"), Judgement.EXPECTED: ("–", "dim"), Judgement.WRONG: ("✗", "bold red")}

Tell = Callable[[str, float, float], None]

WIDTH = 120  # where the output is no terminal
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


@contextmanager
def progress(title: str) -> Iterator[Tell]:
    """Show a bar until leaving; yield what moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[now]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, now="starting")

        def tell(now: str, passed_s: float, of_s: float) -> None:
            bar.update(task, total=of_s or None, completed=passed_s, now=now)

        yield tell


def in_short(seconds: float) -> str:
    """Return `28 s`, `30 min`."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def show_run(run: Run) -> None:
    """Print a run in words, the findings first."""
    console.print(f"[bold]{escape(run.scenario)}[/]  {escape(run.question)}")
    show_findings(run.findings)
    for remark in run.remarks:
        console.print(f"  [yellow]![/] {escape(remark)}")
    for event in run.events:
        console.print(f"  {event.at_s:6.1f} s  {escape(event.text)}{f': {escape(event.note)}' if event.note else ''}")
    for sentence in summary_of(run):
        console.print(f"  {escape(sentence)}")


def show_findings(findings: Sequence[Finding]) -> None:
    """Print each with its mark."""
    for finding in findings:
        mark, style = _MARKS[finding.judgement]
        console.print(f"  [{style}]{mark}[/] {escape(finding.text)}")


def show_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns with words stand to the left."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    cells = [[_cell(value) for value in row] for row in rows]
    for head, column in zip(heads, zip(*cells, strict=True), strict=True):
        has_words = any(character.isalpha() for cell in column for character in cell)
        table.add_column(head, justify="left" if has_words else "right")
    for row in cells:
        table.add_row(*map(escape, row))
    console.print(table)


def show_comparison(lines: Sequence[Line]) -> None:
    """Print two runs side by side."""
    rows = [
        (
            line.what,
            _measured(line.first),
            _measured(line.second),
            line.unit,
            "–" if line.ratio is None else f"{line.ratio:.2f}",
            line.judgement,
        )
        for line in lines
    ]
    show_table(("", "A [spread]", "B [spread]", "", "B / A", "beyond the noise"), rows)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _measured(measured: Measured | None) -> str:
    if measured is None:
        return "–"
    spread = "" if measured.low is None else f" [{_short(measured.low)} to {_short(measured.high or 0.0)}]"
    return _short(measured.value) + spread


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
