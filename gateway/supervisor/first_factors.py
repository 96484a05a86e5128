"""First factors as `status.json` shows them: how each host is, by what all workers have seen of it. Pure.

A worker learns of a host only from its own questions and Status-Servers, and one that has no logins learns nothing. So
what counts of all that they have seen is the last: a host is down if the last thing that happened there was no answer,
unless that was long ago, and nobody knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gateway.statistics.layout import HOST_OUTCOMES, HOST_TROUBLES, Key, Measure
from gateway.statistics.reading import Totals
from gateway.words import first_factors as words

UP: Final = "up"
DOWN: Final = "down"
UNASKED: Final = "unasked"
DEGRADED: Final = "degraded"
"""Of a client section: some of its hosts are down, and others are not."""


FORGOTTEN_AFTER_NS: Final = 900 * 10**9
"""A failure after which nothing was seen: where Status-Server is sent, each that is not answered is another one."""


class FirstFactorFacts(NamedTuple):
    """One client section: its hosts in their order, by name, and the server sections that ask them.

    `is_watched`: a host that is down is found to be back without a login, for certain.
    """

    section: str
    kind: str
    hosts: tuple[str, ...]
    sections: tuple[str, ...] = ()
    is_watched: bool = False


class _Seen(NamedTuple):
    """What a worker has seen of a host last; instants are monotonic nanoseconds, 0 for never."""

    heard_ns: int
    failed_ns: int
    trouble: int


def first_factor_status(
    facts: FirstFactorFacts, totals: Totals, rows: Sequence[Mapping[Key, int]], now_ns: int
) -> dict[str, Any]:
    """Return the object of a client section; `rows` are the gauges of each worker."""
    hosts = [_host(facts, host, totals, rows, now_ns) for host in facts.hosts]
    return {
        "section": facts.section,
        "kind": facts.kind,
        "sections": list(facts.sections),
        "state": _state_of({host["state"] for host in hosts}),
        "watched": facts.is_watched,
        "hosts": hosts,
    }


def _state_of(states: set[str]) -> str:
    """Return the state of hosts together: one that was not asked yet may well answer."""
    if DOWN not in states:
        return UP if UP in states else UNASKED
    return DOWN if states == {DOWN} else DEGRADED


def _host(
    facts: FirstFactorFacts, host: str, totals: Totals, rows: Sequence[Mapping[Key, int]], now_ns: int
) -> dict[str, Any]:
    client = facts.section
    outcomes = {each: totals.counters[Measure.HOST_QUESTIONS, client, host, each] for each in HOST_OUTCOMES}
    seconds = totals.histogram(Measure.HOST_SECONDS, client, host)
    seen = [_seen(client, host, gauges) for gauges in rows]
    heard_ns = max((each.heard_ns for each in seen), default=0)
    last = max(seen, key=lambda each: each.failed_ns, default=_Seen(0, 0, 0))
    has_failed = last.failed_ns > heard_ns
    is_down = has_failed and now_ns - last.failed_ns < FORGOTTEN_AFTER_NS
    trouble = HOST_TROUBLES[last.trouble - 1] if is_down and 0 < last.trouble <= len(HOST_TROUBLES) else None
    told = words.TROUBLES_OF[facts.kind].get(trouble) if trouble is not None else None
    discards = {each.value: totals.counters[Measure.HOST_DISCARDS, client, host, each] for each in words.ReplyDiscard}
    return {
        "host": host,
        "state": DOWN if is_down else UP if heard_ns and not has_failed else UNASKED,
        "trouble": trouble.value if trouble is not None else "",
        "hint": f"{told.happens}: {told.remedy}" if told is not None else "",
        "questions": sum(outcomes.values()),
        "errors": sum(outcomes[trouble] for trouble in HOST_TROUBLES),
        "outcomes": {name: n for name, n in outcomes.items() if n},
        "discards": {reason: n for reason, n in discards.items() if n},
        "latency_ms": {"p50": seconds.quantile(0.5) * 1e3, "p99": seconds.quantile(0.99) * 1e3},
    }


def _seen(client: str, host: str, gauges: Mapping[Key, int]) -> _Seen:
    return _Seen(
        gauges.get((Measure.HOST_HEARD, client, host), 0),
        gauges.get((Measure.HOST_FAILED, client, host), 0),
        gauges.get((Measure.HOST_TROUBLE, client, host), 0),
    )
