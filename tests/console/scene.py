"""A gateway of two workers as the console hears of it, without processes."""

from collections import Counter
from functools import reduce
from typing import Any

from gateway.duoapi.calls import Auth
from gateway.ipc.ledger import FinishedLogin
from gateway.statistics.counters import WorkerRow
from gateway.statistics.layout import (
    BoardPlan,
    row_layout,
)
from gateway.statistics.reading import (
    SecretUse,
    Totals,
    merge,
    read_row,
)
from gateway.supervisor.first_factors import FirstFactorFacts
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
from gateway.words.reasons import Reason

SECTION, IKEY = "radius_server_duo_only", "DIXXXXXXXXXXXXXXXXXX"
NAME = f"api-12345678.duosecurity.com:443/{IKEY}"
CLIENT, HOME, OTHER_HOME = "radius_client", "10.0.0.5:1812", "10.0.0.6:1812"
PLAN = BoardPlan(2, (SECTION,), (NAME,), (), ((CLIENT, HOME), (CLIENT, OTHER_HOME)))
LAYOUT = row_layout(PLAN)
S = 1_000_000_000


class Gateway:
    """Rows to count in, and the status that follows."""

    def __init__(self) -> None:
        self.retired = Totals(Counter(), Counter(), {})
        self._begin()
        self.states = ["ready", "ready"]
        self.generations = [1, 1]
        self.installed, self.versions = "1.2.3", ["1.2.3", "1.2.3"]
        self.console_version = "1.2.3"
        self.unserved_s = [0.0, 0.0]
        self.logs = [LogFacts("authproxy.log", 0)]
        self.application = ApplicationFacts(
            NAME, "api-12345678.duosecurity.com:443", IKEY, "safe", "healthy", False, S, ""
        )
        self.first_factors: list[FirstFactorFacts] = []
        self.max_pending = 20_000
        self.mode = "duo_only"
        self.rotations: dict[str, SecretUse] = {}
        self.last_reload: dict[str, Any] | None = {
            "ok": True,
            "age_s": 1.0,
            "problems": [],
            "at": 1.8e9,
            "changes": {"summary": "sections: 1 removed, 0 added, 2 changed; clients 3 -> 2"},
        }

    def _begin(self) -> None:
        self.cells = [[0] * LAYOUT.n_cells for _ in range(2)]
        self.rows = [WorkerRow(cells, LAYOUT, PLAN) for cells in self.cells]
        for slot, row in enumerate(self.rows):
            row.begin(10 + slot, S)

    def reloads(self) -> None:
        """Let other workers be at the slots, of another generation; nobody of the former one is left."""
        for slot, cells in enumerate(self.cells):
            self.retired = merge(self.retired, read_row(cells, LAYOUT).totals.of_slot(slot).retired())
        self._begin()

    def login(self, reason: Reason, seconds: float = 0.2, slot: int = 0) -> None:
        """Let one login begin and end."""
        section = self.rows[slot].sections[SECTION]
        section.requests.add()
        section.began()
        section.finished(reason, seconds, 0.0004)
        self.rows[slot].applications[NAME].called(Auth, seconds)

    def changes_secrets(self) -> None:
        """Let clients and the application have next secrets."""
        self.rotations = {
            "radius_ip_1": SecretUse(3, 4, 40 * S, 90 * S, "10.0.0.7"),
            "radius_ip_2": SecretUse(5, 0, 50 * S, 0, "10.0.0.8"),
        }
        self.application = self.application._replace(has_next_key=True)
        self.rows[1].applications[NAME].signed_with(is_next=True)

    def asks_first(self) -> None:
        """Let there be a first factor of two home servers, of which the first has answered, and then been silent."""
        self.first_factors = [FirstFactorFacts(CLIENT, "radius_client", (HOME, OTHER_HOME), (SECTION,))]
        first, other = self.rows[0].first_factors[CLIENT].hosts.values()
        first.answered("accepted", 0.02)
        first.troubled(Trouble.TIMEOUT)
        first.show(40.0, 50.0, Trouble.TIMEOUT)
        first.discarded("unasked", 3)
        other.answered("rejected", 0.02)
        other.show(51.0, 0.0, None)
        for took_s in (0.02, 8.02):
            self.rows[1].first_factors[CLIENT].ended(took_s)

    def troubled(self) -> None:
        self.rows[0].applications[NAME].troubled(Trouble.TIMEOUT)

    def fails(self, failmode: str) -> None:
        """Let fail mode be active."""
        self.application = self.application._replace(state="down", is_fail_mode_active=True, fail_mode=failmode)

    @property
    def status(self) -> dict[str, Any]:
        readings = [read_row(cells, LAYOUT) for cells in self.cells]
        usage = ProcessUsage(1.5, 30_000_000)
        slots = enumerate(zip(self.states, self.generations, self.unserved_s, self.versions, strict=True))
        workers = [
            WorkerFacts(slot, generation, state, 10 + slot, slot, usage, readings[slot], unserved_s, version)
            for slot, (state, generation, unserved_s, version) in slots
        ]
        gateway = GatewayFacts("1.2.3", 9, 1, 0, 100 * S, Form(is_compiled=True), self.installed)
        server = ServerFacts(SECTION, ("0.0.0.0:1812",), rotations=self.rotations, since_ns=10 * S, n_clients=3)
        totals = reduce(merge, (each.totals.of_slot(slot) for slot, each in enumerate(readings)), self.retired)
        servers, applications = [server._replace(mode=self.mode)], [self.application]
        status = build_status(gateway, workers, servers, applications, totals, self.logs, self.first_factors)
        return {
            **status,
            "max_pending": self.max_pending,
            "last_reload": self.last_reload,
            "console": {"version": self.console_version, "pid": 12, "restarts": 0, "rss_bytes": 1},
            "certificates": [{"certificate": "duo", "host": self.application.api_host, "valid_until": 1.9e9}],
        }


def record(n: int, **changed: Any) -> FinishedLogin:
    """Return the `n`-th login, a second after the one before."""
    values = {
        "at": 1_800_000_000.0 + n,
        "user_name": f"user{n}",
        "client": "10.0.0.1",
        "section": SECTION,
        "reply": "Access-Accept",
        "reason": "duo_allowed",
        "factor": "push",
        "duration_ms": 1_200,
        "account": "Duo authentication returned 'allow': 'Success.'",
        "hint": "",
        **changed,
    }
    return FinishedLogin(**values)
