"""`radgate status --watch`: the running gateway once a second, as a screen for people or as plain lines.

A terminal that can do it shows one screen; a pipe or a dumb terminal gets a line for each section, and for what is not
as it should be.
"""

import contextlib
import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.cli.alerts import (
    console_alerts,
    fail_mode_alert,
    first_factor_alerts,
    fleet_alerts,
    log_alerts,
    reload_alerts,
    slot_alerts,
    version_alerts,
)
from gateway.cli.amounts import span
from gateway.cli.hosts import host_state, sharing
from gateway.cli.rates import Rates, rates_of
from gateway.cli.sections import full_name, name_of
from gateway.cli.terminal import plain_console, printable
from gateway.supervisor.control_client import ControlError
from gateway.supervisor.status import Status

WINDOW = 10  # intervals: rates are those of the last ten seconds

_STATE_STYLES = {
    "healthy": "green",
    "ready": "green",
    "suspect": "yellow",
    "clock_skewed": "yellow",
    "trial": "yellow",
    "leaving": "yellow",
    "arriving": "yellow",
    "unknown": "dim",
    "up": "green",
    "unasked": "dim",
}

View = tuple[Status, Status | None]


def watch(ask: Callable[[], Status], every_s: float) -> None:
    """Show what `ask` returns, every so many seconds until Ctrl-C; a gateway that restarts meanwhile is waited for.

    Raises:
        ControlError: it did not answer the first time.
    """
    console = plain_console()
    views = _views(ask, every_s)
    first = next(views)
    with contextlib.suppress(KeyboardInterrupt):
        if console.is_terminal and not console.is_dumb_terminal:
            _show(console, first, views)
        else:
            _tell(first, views)


def _views(ask: Callable[[], Status], every_s: float) -> Iterator[View | ControlError]:
    """Yield each status with one of some seconds ago, or why there is none; the first failure is raised."""
    seen = deque([ask()], maxlen=WINDOW + 1)
    yield seen[0], None
    while True:
        time.sleep(every_s)
        try:
            seen.append(ask())
        except ControlError as error:
            yield error
        else:
            yield seen[-1], seen[0]


def _show(console: Console, first: View | ControlError, views: Iterator[View | ControlError]) -> None:
    with Live(screen(first), console=console, screen=True, auto_refresh=False) as live:
        for view in views:
            live.update(screen(view), refresh=True)


def _tell(first: View | ControlError, views: Iterator[View | ControlError]) -> None:
    for line in plain_lines(first):
        print(line, flush=True)
    for view in views:
        for line in plain_lines(view):
            print(line, flush=True)


# The screen.


def screen(view: View | ControlError) -> RenderableType:
    """Return the whole screen, what needs people first; workers last, for there may be more than fit."""
    if isinstance(view, ControlError):
        return Text(f"{view}\nWaiting for the gateway to come back; Ctrl-C ends.", "bold yellow")
    now, before = view
    parts: list[RenderableType] = [_headline(now), *_alerts(now), ""]
    parts += [
        _sections(now, before),
        *_words(now),
        "",
        *_applications(now),
        "",
        *_first_factors(now),
        *_hosts(now),
        _workers(now, before),
        "",
    ]
    return Group(*parts, Text(f"Rates are those of the last {WINDOW} s. Ctrl-C ends.", "dim"))


def _headline(now: Status) -> Text:
    n_pending = sum(server["pending"] for server in now["servers"])
    return Text.assemble(
        (f"radgate {now['version']}", "bold"),
        f"  pid {now['pid']}  up {span(now['uptime_s'])}  generation {now['generation']}  ",
        (f"{n_pending} pending", "bold"),
    )


def _alerts(now: Status) -> Iterator[Text]:
    for application in now["applications"]:
        if alert := fail_mode_alert(application, now):
            yield Text(alert, "bold white on red")
    for alert in first_factor_alerts(now):
        yield Text(alert, "bold yellow" if alert.startswith("HOST") else "bold white on red")
    for alert in slot_alerts(now):
        yield Text(alert, "bold yellow" if alert.startswith("NOT READY") else "bold white on red")
    for alerts in (fleet_alerts, reload_alerts, version_alerts, log_alerts, console_alerts):
        for alert in alerts(now):
            yield Text(alert, "bold yellow")


def _sections(now: Status, before: Status | None) -> Table:
    table = _table("section", "in/s", "accept/s", "reject/s", "pending", "p50 ms", "p99 ms")
    for server in now["servers"]:
        rates = rates_of(server["section"], now, before)
        table.add_row(
            Text(printable(name_of(server))),
            *(f"{rate:.1f}" for rate in rates[:3]),
            str(server["pending"]),
            _milliseconds(rates.p50_ms),
            _milliseconds(rates.p99_ms),
        )
    return table


def _words(now: Status) -> Iterator[Text]:
    """Yield each section's reasons and discards since the start, a line each as far as that goes."""
    for server in now["servers"]:
        for title in ("reasons", "discards"):
            counted = ", ".join(f"{word} {count}" for word, count in server[title].items() if count)
            if counted:
                text = f"  {title} of {name_of(server)}: {counted}"
                yield Text(text, "dim", no_wrap=True, overflow="ellipsis")


def _applications(now: Status) -> Iterator[RenderableType]:
    table = _table("application", "state", "failmode", "errors", n_left=3)
    for application in now["applications"]:
        table.add_row(
            application["ikey"],
            Text(application["state"], _style(application["state"])),
            application["failmode"],
            str(application["errors"]),
        )
    yield table
    for host in now.get("duo_hosts", ()):
        n_busy, n_idle = host["connections"]["busy"], host["connections"]["idle"]
        text = f"  connections to {host['api_host']}: {n_busy} busy, {n_idle} idle"
        yield Text(text, "dim", no_wrap=True, overflow="ellipsis")
    for application in now["applications"]:
        if application["hint"]:
            yield Text(printable(f"  {application['ikey']}: {application['hint']}"), "yellow")


def _first_factors(now: Status) -> Iterator[RenderableType]:
    if not now.get("clients"):
        return
    table = _table("first factor", "at", "state", "questions", "errors", n_left=3)
    for client in now["clients"]:
        for host in client["hosts"]:
            state = Text(host["state"], _style(host["state"]))
            table.add_row(client["section"], host["host"], state, str(host["questions"]), str(host["errors"]))
    yield table
    yield ""


def _hosts(now: Status) -> Iterator[RenderableType]:
    fleet = now.get("fleet")
    if fleet is None:
        return
    table = _table("host", "state", "version", "up", "workers", "pending", "logins", "Duo", n_left=3)
    for host in fleet["hosts"]:
        duo = sorted({each["state"] for each in host["applications"]})
        table.add_row(
            host["name"] + (" (this)" if host["self"] else ""),
            Text(host_state(host), _style(host["state"])),
            host["version"],
            span(host["uptime_s"]),
            f"{host['n_ready']}/{host['n_workers']}",
            str(host["pending"]),
            str(sum(host["reasons"].values())),
            Text(", ".join(duo), "" if duo == ["healthy"] else "bold yellow"),
        )
    yield table
    yield Text(sharing(fleet), "dim" if fleet["up"] else "yellow")
    yield ""


def _workers(now: Status, before: Status | None) -> Table:
    table = _table("worker", "state", "pid", "restarts", "in/s", "pending", "cpu %", "MB", "lag ms", n_left=2)
    for worker in now["workers"]:
        old = _same_worker(worker, before)
        elapsed_s = worker["uptime_s"] - (old["uptime_s"] if old else 0.0)
        n_requests = worker["requests"] - (old["requests"] if old else 0)
        cpu_s = worker["cpu_s"] - (old["cpu_s"] if old else 0.0)
        table.add_row(
            str(worker["slot"]),
            Text(worker["state"], _style(worker["state"])),
            *(str(count) for count in (worker["pid"], worker["restarts"])),
            f"{n_requests / elapsed_s:.1f}" if elapsed_s > 0 else "-",
            str(worker["pending"]),
            f"{100 * cpu_s / elapsed_s:.0f}" if elapsed_s > 0 else "-",
            f"{worker['rss_bytes'] / 1e6:.0f}",
            f"{worker['loop_lag_ms']:.1f}",
        )
    return table


def _same_worker(worker: Status, before: Status | None) -> Status | None:
    """Return how the same process was before; a successor has counts of its own."""
    workers = before["workers"] if before is not None else []
    return next((old for old in workers if (old["slot"], old["pid"]) == (worker["slot"], worker["pid"])), None)


def _table(*columns: str, n_left: int = 1) -> Table:
    """Return an empty table, its first columns to the left; what is too long is cut, but no number."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        is_left = number < n_left
        table.add_column(
            column,
            justify="left" if is_left else "right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if number == 0 else len(column),
        )
    return table


# The plain lines.


def plain_lines(view: View | ControlError) -> Iterator[str]:
    """Yield a line for each section, and one for each application and worker that is not as it should be."""
    time_of_day = f"{dt.datetime.now().astimezone():%Y-%m-%dT%H:%M:%S%z}"
    if isinstance(view, ControlError):
        yield f"{time_of_day} {view}"
        return
    now, before = view
    for server in now["servers"]:
        rates = rates_of(server["section"], now, before)
        yield f"{time_of_day} {printable(full_name(server))}: {_in_words(rates)}, {server['pending']} pending"
    for application in now["applications"]:
        if application["state"] != "healthy":
            hint = f" ({application['hint']})" if application["hint"] else ""
            yield printable(f"{time_of_day} application {application['ikey']}: {application['state']}{hint}")
    for alert in _alerts(now):
        yield f"{time_of_day} {alert.plain}"


def _in_words(rates: Rates) -> str:
    text = f"{rates.requests:.1f} logins/s begun, {rates.accepts:.1f} accepted, {rates.rejects:.1f} rejected"
    return f"{text}, p50 {_milliseconds(rates.p50_ms)} ms, p99 {_milliseconds(rates.p99_ms)} ms"


# Words.


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _style(state: str) -> str:
    return _STATE_STYLES.get(state, "bold red")
