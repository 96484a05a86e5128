"""What is written down of a run: everything that a report shows or a comparison needs, as one JSON document.

Latencies are milliseconds, memory is octets, instants are seconds from the first planned login. NaN is None.
"""

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

FORMAT = 2
FOLDER = Path("bench", "results")  # for the documents and their pages
COUNTS = (
    "planned", "sent", "unsent", "late", "answered", "lost", "unexpected", "invalid", "double_answers",
    "retransmissions",
)  # fmt: skip


class Machine(msgspec.Struct, frozen=True):
    """Where it ran."""

    host: str
    cpu: str
    n_cores: int
    memory_bytes: int
    kernel: str
    python: str


class Marked(msgspec.Struct, frozen=True):
    """An event of the run; `for_s` is 0 for an instant. `note` tells what came of it, or why it failed."""

    at_s: float
    for_s: float
    text: str
    note: str = ""
    failed: bool = False


class Judgement(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    EXPECTED = "expected"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """One sentence on what must not happen, or only so often as the scenario expects."""

    judgement: Judgement
    text: str


class Step(msgspec.Struct, frozen=True):
    """A rate that was tried in the search for the limit; without a complaint it was carried."""

    rate: float
    p99_ms: float | None
    complaint: str


class ProcessFigures(msgspec.Struct, frozen=True):
    """What the processes in one role have used during the load.

    Attributes:
        core_share: CPU time by the time that passed; 1.0 is one core.
        waited_share: the same of the time for which they were ready, but had no core.
    """

    role: str
    n_processes: int
    cpu_s: float
    core_share: float
    waited_share: float
    rss_bytes: int
    rss_max_bytes: int


class Percentiles(msgspec.Struct, frozen=True):
    """Two percentiles of the latency."""

    p50_ms: float
    p99_ms: float


class Second(msgspec.Struct, frozen=True):
    """A second of the load.

    Attributes:
        accepted, rejected: answers that came in it.
        lost, unsent, unexpected: of the logins planned in it.
        latency: of the logins planned in it, by kind; those with no answer are left out.
    """

    at_s: float
    planned: int
    accepted: int
    rejected: int
    lost: int
    unsent: int
    unexpected: int
    latency: dict[str, Percentiles]


class Look(msgspec.Struct, frozen=True):
    """What was seen at the gateway at one instant, and used since the look before.

    Attributes:
        logins: that ended since.
        connections: to Duo, by state.
        cores: share of a core by role.
        rss_bytes: by role.
        worker_us_per_login: CPU of all workers for each of those logins; None where there were too few.
    """

    at_s: float
    pending: int | None
    logins: int | None
    connections: dict[str, int]
    cores: dict[str, float]
    rss_bytes: dict[str, int]
    worker_us_per_login: float | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The whole.

    Attributes:
        began: date and time of the first login, UTC.
        scenario_text: its file, as it was read.
        load: the plan, without the secret.
        achieved_rate: answers while logins were planned, by the second.
        answered_later: answers after that.
        outcomes: replies by kind of login.
        carried_rate: while the rate rose, up to which all was well; None where it did not rise.
        latency_ms: percentiles by kind of login, `all` among them; p50, p90, p99, p99.9, max.
        curves: by kind of login, shares of them and the latency that they did not exceed.
        gateway_ms: percentiles of the gateway's own share of a login, read off its histogram.
        reasons, discards: the gateway's own counts.
        duo: the referee's counts.
        worker_us_per_login, gateway_us_per_login: CPU of all workers, and of all processes, for each answered login.
    """

    format: int = FORMAT
    scenario: str
    scenario_text: str
    question: str
    commit: str
    machine: Machine
    began: str
    scale: float
    workers: int
    load: dict[str, Any]
    limit: float | None
    p99_bound_ms: float | None
    steps: list[Step]
    duration_s: float
    planned: int
    sent: int
    unsent: int
    late: int
    answered: int
    lost: int
    unexpected: int
    invalid: int
    double_answers: int
    retransmissions: int
    offered_rate: float
    achieved_rate: float
    answered_later: int
    carried_rate: float | None
    outcomes: dict[str, dict[str, int]]
    latency_ms: dict[str, dict[str, float]]
    curves: dict[str, list[tuple[float, float]]]
    gateway_ms: dict[str, float]
    reasons: dict[str, int]
    discards: dict[str, int]
    duo: dict[str, int]
    processes: list[ProcessFigures]
    worker_us_per_login: float | None
    gateway_us_per_login: float | None
    events: list[Marked]
    seconds: list[Second]
    looks: list[Look]
    findings: list[Finding]
    remarks: list[str]

    @property
    def is_ok(self) -> bool:
        """Whether nothing has happened that must not."""
        return all(finding.judgement is not Judgement.WRONG for finding in self.findings)


def write_run(run: Run, path: Path) -> None:
    """Write the JSON document."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))


class RunFileError(ValueError):
    """A file is not that of a run; the text says why, in one line."""


def read_run(path: Path) -> Run:
    """Read one.

    Raises:
        RunFileError: there is none, or it is something else.
    """
    try:
        octets = path.read_bytes()
        found = msgspec.json.decode(octets, type=_AnyRun).format
        if found != FORMAT:
            raise RunFileError(f"{path}: written by another version of the bench (format {found}, not {FORMAT})")
        return msgspec.json.decode(octets, type=Run)
    except OSError as error:
        raise RunFileError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise RunFileError(f"{path}: not the JSON file of a run ({error})") from error


class _AnyRun(msgspec.Struct):
    """What is there in every format."""

    format: int
