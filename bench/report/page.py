"""The HTML page of a run: one file that needs no script, no host and no other file."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import msgspec

from bench.report.charts import charts_of, steps_chart
from bench.report.counting import counted
from bench.report.record import COUNTS, Machine, Run
from bench.report.words import milliseconds, spoken, summary_of

Cell = str | int | float | None
Row = Sequence[Cell]

_STYLE = Path(__file__).with_name("page.css")


def render_run(run: Run) -> str:
    """Return the page of a run."""
    charts = charts_of(run)
    if run.limit is not None and run.steps:
        charts.insert(0, ("The search for the limit", steps_chart(run.steps, run.p99_bound_ms or 0.0)))
    parts = [
        f'<h1>{escape(run.scenario)}</h1><p class="question">{escape(run.question)}</p>',
        _findings(run),
        f'<div class="summary">{"".join(f"<p>{escape(sentence)}</p>" for sentence in summary_of(run))}</div>',
        _events(run),
        figures(charts),
        _tables(run),
        _plan(run),
        _footer(run),
    ]
    return document(f"{run.scenario}: radgate bench", parts)


def document(title: str, parts: Iterable[str]) -> str:
    """Return a whole page with our style sheet."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE.read_text()}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def figures(charts: Iterable[tuple[str, str]]) -> str:
    """Return charts, each below what it shows."""
    shown = (f"<figure><figcaption>{escape(what)}</figcaption>{_named(svg, what)}</figure>" for what, svg in charts)
    return f'<div class="charts">\n{"".join(shown)}</div>'


def _named(svg: str, what: str) -> str:
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(what)}"', 1)


def table(caption: str, heads: Sequence[str], rows: Iterable[Row]) -> str:
    """Return a table; nothing if it has no rows. Columns of words stand to the left; None is a dash."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    kinds = [' class="words"' if any(map(_has_words, column)) else "" for column in zip(*cells, strict=True)]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for kind, name in zip(kinds, heads, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{escape(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>"
        for row in cells
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<section><table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"


def _has_words(cell: str) -> bool:
    return any(character.isalpha() for character in cell) and not cell[:1].isdigit()


def _cell(value: Cell) -> str:
    match value:
        case None:
            return "–"
        case str():
            return value
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.2f}"


def _findings(run: Run) -> str:
    items = [(finding.text, finding.judgement.value) for finding in run.findings]
    items += [(remark, "remark") for remark in run.remarks]
    return f'<ul class="findings">{"".join(f"""<li class="{kind}">{escape(text)}</li>""" for text, kind in items)}</ul>'


def _events(run: Run) -> str:
    rows = [
        (
            f"{number}\xa0 {event.text}",
            f"{event.at_s:.1f}\xa0s",
            f"{event.for_s:.1f}\xa0s" if event.for_s else "",
            event.note,
        )
        for number, event in enumerate(run.events, 1)
    ]
    return table("What happened", ("event", "at", "for", ""), rows)


def _tables(run: Run) -> str:
    names = ("p50", "p90", "p99", "p99.9", "max")
    latencies = [
        (spoken(kind), *(milliseconds(each[name]) if name in each else None for name in names))
        for kind, each in [*run.latency_ms.items(), ("the gateway's own share", run.gateway_ms)]
        if each
    ]
    outcomes = [(spoken(kind), each.get("accept", 0), each.get("reject", 0)) for kind, each in run.outcomes.items()]
    processes = [
        (each.role, each.cpu_s, each.core_share, each.waited_share, each.rss_bytes / 1e6, each.rss_max_bytes / 1e6)
        for each in run.processes
    ]
    counts = [(spoken(name), getattr(run, name)) for name in COUNTS]
    return '<div class="tables">' + "".join((
        table("Latency", ("kind", *names), latencies),
        table("Replies by kind of login", ("kind", "accept", "reject"), outcomes),
        table("Processes", ("role", "CPU s", "cores", "cores waited for", "MB", "MB at most"), processes),
        table("Logins, as the load generator counts", ("", "number"), counts),
        table("Reasons, as the gateway counts", ("reason", "logins"), run.reasons.items()),
        table("Discards, as the gateway counts", ("reason", "datagrams"), run.discards.items()),
        table("At Duo", ("", "number"), [(spoken(name), count) for name, count in run.duo.items()]),
    )) + "</div>"  # fmt: skip


def _plan(run: Run) -> str:
    load = msgspec.json.format(msgspec.json.encode(run.load), indent=2).decode()
    return "".join(
        f"<details><summary>{title}</summary><pre>{escape(text)}</pre></details>"
        for title, text in (("The scenario, as it was read", run.scenario_text), ("The load, exactly", load))
    )


def _footer(run: Run) -> str:
    scale = "" if run.scale == 1 else f", at {run.scale:g} of its length"
    text = f"{run.began}{scale}; {counted(run.workers, 'worker')}; commit {run.commit}; {describe(run.machine)}"
    return f"<footer>{escape(text)}</footer>"


def describe(machine: Machine) -> str:
    """Return a machine in a line."""
    memory = f"{machine.memory_bytes / 1e9:.0f} GB"
    return f"{machine.cpu}, {machine.n_cores} cores, {memory}; {machine.kernel}; CPython {machine.python}"
