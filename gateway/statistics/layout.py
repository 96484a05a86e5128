"""Where each number of a row stands: computed from the plan alone, the same in every process."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.duoapi.calls import Auth, AuthStatus, Call, Check, Ping, Preauth
from gateway.radius.discards import DiscardReason
from gateway.unavailable import Trouble
from gateway.words.first_factors import ReplyDiscard
from gateway.words.reasons import Reason

Key = tuple[str, ...]

CALL_KINDS: dict[type[Call], str] = {
    Ping: "ping",
    Check: "check",
    Preauth: "preauth",
    Auth: "auth",
    AuthStatus: "auth_status",
}

# fmt: off
BOUNDS_S: Final[Sequence[float]] = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 75.0,
)
# fmt: on
"""The upper bounds of a histogram's buckets, each inclusive; one bucket without bound follows."""

SUM: Final = len(BOUNDS_S) + 1  # behind the buckets stands the sum in microseconds
HISTOGRAM_SIZE: Final = SUM + 1

EVIDENCE_SIZE: Final = 9
EVIDENCE: Final = struct.Struct(f"={EVIDENCE_SIZE}d")
EVIDENCE_CELLS: Final = struct.Struct(f"={EVIDENCE_SIZE}Q")

# What is known of a client that has two secrets: how many packets came with each, the instants of the last ones, and
# the address that used the present one last, as a number in two halves.
N_PRESENT, N_NEXT, PRESENT_AT, NEXT_AT, ADDRESS_HIGH, ADDRESS_LOW = range(6)
SECRET_USES_SIZE: Final = ADDRESS_LOW + 1

# Every row begins with the signs of life.
PID, STARTED_AT, HEARTBEAT, LAG, LAG_MAX, LAG_MAX_BEFORE, WINDOW_SINCE = range(7)
SIGNS_OF_LIFE_SIZE: Final = WINDOW_SINCE + 1


class Measure(StrEnum):
    """What a number counts or gauges: the first part of its key, with the rest as stated."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    # The worker's own: nothing
    DATAGRAMS = "datagrams"
    UNSENT = "unsent"
    JOURNAL_SKIPPED = "journal_skipped"
    JOURNAL_LEFT_OUT = "journal_left_out"
    FLEET_ENGINE_SECONDS = "fleet_engine_seconds"
    FLEET_SHARING = "fleet_sharing"
    # slot; in no row, for the supervisor finds it
    OVERFLOWED = "overflowed"
    # outcome
    FLEET_CLAIMS = "fleet_claims"
    # log
    LOG_LINES_LOST = "log_lines_lost"
    LOG_ERROR = "log_error"
    # section
    REQUESTS = "requests"
    TRIED = "tried"
    UNSIGNED = "unsigned"
    PENDING = "pending"
    LOGIN_SECONDS = "login_seconds"
    GATEWAY_SECONDS = "gateway_seconds"
    # section, kind or reason
    DUPLICATES = "duplicates"
    DISCARDS = "discards"
    VERDICTS = "verdicts"
    # application, kind or state
    CALL_SECONDS = "call_seconds"
    TROUBLES = "troubles"
    CONNECTIONS = "connections"
    # application
    NEXT_KEY = "next_key"
    # client
    FIRST_FACTOR_SECONDS = "first_factor_seconds"
    # client, host
    HOST_SECONDS = "host_seconds"
    HOST_HEARD = "host_heard"
    HOST_FAILED = "host_failed"
    HOST_TROUBLE = "host_trouble"
    # client, host, outcome or reason
    HOST_QUESTIONS = "host_questions"
    HOST_DISCARDS = "host_discards"


WORKER_LOSSES: Final = (Measure.UNSENT, Measure.JOURNAL_SKIPPED)  # add up over all workers of a slot
WORKER_COUNTERS: Final = (Measure.DATAGRAMS, *WORKER_LOSSES)
WORKER_GAUGES: Final = (Measure.JOURNAL_LEFT_OUT,)
SLOT_COUNTERS: Final = (*WORKER_COUNTERS, Measure.OVERFLOWED)
"""They go on through all workers and generations of a slot: in totals the slot's number stands behind the measure."""
RETRANSMISSION, COALESCED = DUPLICATE_KINDS = ("retransmission", "coalesced")
AUTHPROXY, AUTHEVENTS, STDOUT, SYSLOG = LOGS = ("authproxy.log", "authevents.log", "stdout", "syslog")
"""Where lines go: names of files in `log_dir`, and of what is no file of ours."""
FLEET_OUTCOMES = ("granted", "joined", "alone", "takeover", "displaced", "lost")
"""What became of a login that was claimed in a fleet."""
SHARED, DEAF, *_ = FLEET_SHARING = (
    "shared",
    "deaf",
    "not_connected",
    "late",
    "full",
    "read_only",
    "not_allowed",
    "refused",
    "cluster",
)
"""Whether a worker shares its logins with other hosts, or why not: it hears nobody, or the store is away so.

A row has the number, from 1; 0 is a worker that has not said, or has no fleet.
"""
IDLE, BUSY = CONNECTION_STATES = ("idle", "busy")
ACCEPTED, REJECTED, CHALLENGED = ANSWERS = ("accepted", "rejected", "challenged")
"""What a host of a first factor can say."""
HOST_TROUBLES: Final[Sequence[Trouble]] = (
    Trouble.DNS,
    Trouble.CONNECT,
    Trouble.TIMEOUT,
    Trouble.BAD_ANSWER,
    Trouble.BUSY,
    Trouble.TLS,
    Trouble.CERTIFICATE,
    Trouble.CLOSED,
    Trouble.CONFIGURATION,
)
"""Why it can have said nothing; which of them is possible depends on its kind, see `words.first_factors`."""
HOST_OUTCOMES: Final[Sequence[str]] = (*ANSWERS, *(trouble.value for trouble in HOST_TROUBLES))


class Cells(Protocol):
    """Unsigned 64-bit numbers by index: a list, or a memoryview over shared memory."""

    def __iter__(self) -> Iterator[int]: ...
    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class BoardPlan(NamedTuple):
    """What is counted: the same in the supervisor and all workers of one generation. No name stands twice.

    `rotations` are the clients that have two secrets, each with the name of its section before its own; `hosts`
    those of first factors, each with the name of its client section before its own.
    """

    n_slots: int
    sections: tuple[str, ...]
    applications: tuple[str, ...]
    rotations: tuple[Key, ...] = ()
    hosts: tuple[Key, ...] = ()


class RowLayout(NamedTuple):
    """At which cell of a row each number stands, or begins if it takes several; evidence by application, uses of
    secrets by section and client.
    """

    counters: dict[Key, int]
    gauges: dict[Key, int]
    histograms: dict[Key, int]
    evidence: dict[Key, int]
    secret_uses: dict[Key, int]
    n_cells: int


def row_layout(plan: BoardPlan) -> RowLayout:
    """Return the layout of every row of a board."""
    place = _Placement(SIGNS_OF_LIFE_SIZE)
    return RowLayout(
        counters=place(_counter_keys(plan), 1),
        gauges=place(_gauge_keys(plan), 1),
        histograms=place(_histogram_keys(plan), HISTOGRAM_SIZE),
        evidence=place(((application,) for application in plan.applications), EVIDENCE_SIZE + 1),
        secret_uses=place(plan.rotations, SECRET_USES_SIZE),
        n_cells=place.end,
    )


class _Placement:
    """Gives out cells, one after the other."""

    def __init__(self, end: int) -> None:
        self.end = end

    def __call__(self, keys: Iterable[Key], width: int) -> dict[Key, int]:
        offsets = {}
        for key in keys:
            offsets[key] = self.end
            self.end += width
        return offsets


def _counter_keys(plan: BoardPlan) -> Iterator[Key]:
    yield from ((measure,) for measure in WORKER_COUNTERS)
    yield from ((Measure.LOG_LINES_LOST, log) for log in LOGS)
    yield from ((Measure.FLEET_CLAIMS, outcome) for outcome in FLEET_OUTCOMES)
    for section in plan.sections:
        yield Measure.REQUESTS, section
        yield Measure.TRIED, section
        yield Measure.UNSIGNED, section
        yield from ((Measure.DUPLICATES, section, kind) for kind in DUPLICATE_KINDS)
        yield from ((Measure.DISCARDS, section, reason) for reason in DiscardReason)
        yield from ((Measure.VERDICTS, section, reason) for reason in Reason)
    for application in plan.applications:
        yield from ((Measure.TROUBLES, application, trouble) for trouble in Trouble)
    for host in plan.hosts:
        yield from ((Measure.HOST_QUESTIONS, *host, outcome) for outcome in HOST_OUTCOMES)
        yield from ((Measure.HOST_DISCARDS, *host, reason) for reason in ReplyDiscard)


def _gauge_keys(plan: BoardPlan) -> Iterator[Key]:
    yield from ((measure,) for measure in WORKER_GAUGES)
    yield (Measure.FLEET_SHARING,)
    yield from ((Measure.LOG_ERROR, log) for log in LOGS)
    yield from ((Measure.PENDING, section) for section in plan.sections)
    for application in plan.applications:
        yield Measure.NEXT_KEY, application
        yield from ((Measure.CONNECTIONS, application, state) for state in CONNECTION_STATES)
    for host in plan.hosts:
        yield from ((measure, *host) for measure in (Measure.HOST_HEARD, Measure.HOST_FAILED, Measure.HOST_TROUBLE))


def _histogram_keys(plan: BoardPlan) -> Iterator[Key]:
    yield (Measure.FLEET_ENGINE_SECONDS,)
    for section in plan.sections:
        yield Measure.LOGIN_SECONDS, section
        yield Measure.GATEWAY_SECONDS, section
    for application in plan.applications:
        yield from ((Measure.CALL_SECONDS, application, kind) for kind in CALL_KINDS.values())
    yield from ((Measure.FIRST_FACTOR_SECONDS, client) for client in dict.fromkeys(client for client, _ in plan.hosts))
    yield from ((Measure.HOST_SECONDS, *host) for host in plan.hosts)
