"""A gateway of 200 directories at 51 Duo applications, 50 of them with refused keys: what its console is told.

Run by hand, it serves the page of it: `python -m tests.console.many`.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.ipc.ledger import FinishedLogin
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import BoardPlan, row_layout
from gateway.statistics.reading import read_row
from gateway.supervisor.form import Form
from gateway.supervisor.procfs import ProcessUsage
from gateway.supervisor.status import (
    ApplicationFacts,
    GatewayFacts,
    LogFacts,
    ServerFacts,
    WorkerFacts,
    build_status,
)
from gateway.unavailable import Trouble
from gateway.words.explanations import REASONS, TROUBLES
from gateway.words.reasons import OUTCOME_OF, Outcome, Reason
from tests.console.site import Site, console

CITIES = ("tokyo", "osaka", "sapporo", "nagoya", "fukuoka", "kyoto", "sendai", "kobe", "naha", "niigata")
N_SECTIONS, N_APPLICATIONS, N_TROUBLED = 200, 51, 50
SECTIONS = tuple(f"radius_server_duo_only{n or ''}" for n in range(N_SECTIONS))
NAMES = {section: f"{CITIES[n % 10]}{n // 10 + 1 if n >= 10 else ''}" for n, section in enumerate(SECTIONS)}
IKEYS = tuple(f"DI{n:018}" for n in range(N_APPLICATIONS))
HOST = "api-12345678.duosecurity.com:443"
PLAN = BoardPlan(1, SECTIONS, tuple(f"{HOST}/{ikey}" for ikey in IKEYS))
LAYOUT = row_layout(PLAN)
S = 1_000_000_000
REFUSED = TROUBLES[Trouble.CONFIGURATION]


class ManyDirectories:
    """Counts of a worker, and the status that follows; `n_troubled` applications have refused keys."""

    def __init__(self, n_troubled: int = N_TROUBLED) -> None:
        self.n_troubled = n_troubled
        self.more: dict[str, Any] = {}
        self.cells = [0] * LAYOUT.n_cells
        self.row = WorkerRow(self.cells, LAYOUT, PLAN)
        self.row.begin(10, S)

    def login(self, n_section: int, reason: Reason, seconds: float = 2.3) -> None:
        """Let one login begin and end."""
        section = self.row.sections[SECTIONS[n_section]]
        section.requests.add()
        section.began()
        section.finished(reason, seconds, 0.0004)

    @property
    def status(self) -> dict[str, Any]:
        reading = read_row(self.cells, LAYOUT)
        gateway = GatewayFacts("1.2.3", 9, 1, 0, 86_400 * S, Form(is_compiled=True))
        workers = [WorkerFacts(0, 1, "ready", 10, 0, ProcessUsage(1.5, 60_000_000), reading)]
        servers = [ServerFacts(section, (f"0.0.0.0:{22_000 + n}",)) for n, section in enumerate(SECTIONS)]
        applications = [self._application(n) for n in range(N_APPLICATIONS)]
        status = build_status(gateway, workers, servers, applications, reading.totals, [LogFacts("authproxy.log", 0)])
        named = [{**server, "name": NAMES[server["section"]]} for server in status["servers"]]
        console = {"pid": 12, "restarts": 0, "rss_bytes": 45_000_000}
        return {**status, "servers": named, "max_pending": 20_000, "console": console, **self.more}

    def _application(self, n: int) -> ApplicationFacts:
        is_troubled = n < self.n_troubled
        return ApplicationFacts(
            f"{HOST}/{IKEYS[n]}",
            HOST,
            IKEYS[n],
            "safe",
            "keys_refused" if is_troubled else "healthy",
            is_troubled,
            86_000 * S,
            f"Duo answers 40102: Invalid integration key in request credentials; {REFUSED.remedy}"
            if is_troubled
            else "",
            sections=SECTIONS[n::N_APPLICATIONS],
        )


def login_at(n: int, at: float, **changed: Any) -> FinishedLogin:
    """Return the `n`-th login of a morning."""
    reason = (Reason.DUO_ALLOWED, Reason.DUO_DENIED, Reason.DUO_TIMEOUT, Reason.FAILMODE_SAFE)[n % 4]
    is_accepted = OUTCOME_OF[reason] is Outcome.ACCEPT
    values: dict[str, Any] = {
        "user_name": f"user{n}",
        "client": f"10.80.{n % 200}.{n % 2 + 10}",
        "section": SECTIONS[n % N_SECTIONS],
        "reply": "Access-Accept" if is_accepted else "Access-Reject",
        "reason": reason.value,
        "factor": "push",
        "duration_ms": 2_300,
        "account": "Duo authentication returned 'allow': 'Success. Logging you in...'"
        if is_accepted
        else "Duo authentication returned 'deny': 'Login request denied.'",
        "hint": REASONS[reason].remedy,
        **changed,
    }
    return FinishedLogin(at, **values)


@contextmanager
def serving(gateway: ManyDirectories) -> Iterator[Site]:
    """Serve the page of it from another thread: the browser's library wants this one."""
    is_over = asyncio.Event()
    found: list[tuple[asyncio.AbstractEventLoop, Site]] = []
    is_there = threading.Event()

    async def serve() -> None:
        async with console(gateway) as site:
            found.append((asyncio.get_running_loop(), site))
            is_there.set()
            await is_over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))  # ends whatever a visitor has just begun, too
    thread.start()
    try:
        assert is_there.wait(60)
        yield found[0][1]
    finally:
        for loop, _ in found:
            loop.call_soon_threadsafe(is_over.set)
        thread.join()


def a_morning(gateway: ManyDirectories, site: Site) -> None:
    """Let 800 logins end, one of them alice's, who is refused in tokyo, the first directory."""
    now = time.time()
    ring = site.ledger.ring(0)
    for n in range(800):
        login = login_at(n, now - 800 + n)
        gateway.login(n % N_SECTIONS, Reason(login.reason))
        ring.write(login)
    ring.write(login_at(1, now, user_name="CORP\\Alice", section=SECTIONS[0]))
    gateway.login(0, Reason.DUO_DENIED)


if __name__ == "__main__":
    many = ManyDirectories()
    with serving(many) as served:
        a_morning(many, served)
        print(served.url)  # noqa: T201
        input("Enter ends it\n")
