"""What a run says in words: whether what must never happen has happened, and what was measured."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.radius_load.result import NEVER
from bench.report.figures import LONG_MS
from bench.report.limits import limit_in_words
from bench.report.record import Finding, Judgement, Marked, ProcessFigures, Run
from bench.scenario import Expectation

LATE_SHARE = 0.01  # of the logins may leave late
CROWDED = 0.1  # of the time may a worker wait for a core


class Tally(NamedTuple):
    """What the load generator and the referee have counted.

    Attributes:
        pushes: that Duo began.
        excess: of these, more than the user had logins that ask for one.
        overlapping: of these, begun while the same user had another one pending.
        counts: what else the load generator counts, by its names.
    """

    planned: int
    sent: int
    lost: int
    unexpected: int
    counts: Mapping[str, int]
    pushes: int
    excess: int
    overlapping: int


def findings_of(tally: Tally, expect: Expectation) -> list[Finding]:
    """Return what must hold of answers, pushes and outcomes, and whether it does."""
    return [
        _at_most(tally.lost, expect.lost, f"Every login was answered ({tally.sent:,}).", "{} of the logins were lost."),
        *_some(tally.counts["half_answered"], expect.lost, "{} of the logins were answered to one controller only."),
        _pushed_once(tally),
        _at_most(
            tally.unexpected, expect.unexpected, "Every answer was the right one.", "{} outcomes were unexpected."
        ),
        *_some(
            tally.counts["contradictions"],
            expect.unexpected,
            "Two controllers were told different things of {} logins.",
        ),
        *_never(tally.counts),
    ]


def _pushed_once(tally: Tally) -> Finding:
    """Judge by pushes beyond logins, and by pushes of one user at once.

    The latter may be rightly so for each login that fail mode decided while its push was out: its user logs in anew.
    """
    extra = max(tally.excess, tally.overlapping - tally.unexpected)
    if extra > 0:
        text = f"{extra:,} of {tally.pushes:,} pushes were one too many: somebody was pushed twice."
        return Finding(Judgement.WRONG, text)
    return Finding(Judgement.GOOD, f"Nobody was pushed twice for one login ({tally.pushes:,} pushes).")


def _at_most(count: int, most: int | None, none: str, some: str) -> Finding:
    if not count:
        return Finding(Judgement.GOOD, none)
    if most is not None and count > most:
        return Finding(Judgement.WRONG, some.format(f"{count:,}"))
    return Finding(Judgement.EXPECTED, f"{some.format(f'{count:,}')} This scenario expects some.")


def _never(counts: Mapping[str, int]) -> list[Finding]:
    return [Finding(Judgement.WRONG, f"{counts[name]:,} {what}") for name, what in NEVER.items() if counts[name]]


def _some(count: int, most: int | None, some: str) -> list[Finding]:
    return [_at_most(count, most, "", some)] if count else []


def failures_of(events: Sequence[Marked]) -> list[Finding]:
    """Return a finding for each event that did not do what it was to do."""
    return [
        Finding(Judgement.WRONG, f"{event.text}, after {event.at_s:.1f} s, failed: {event.note}")
        for event in events
        if event.failed
    ]


def remarks_of(planned: int, unsent: int, late: int, processes: Sequence[ProcessFigures]) -> list[str]:
    """Return what limits the worth of the figures."""
    remarks = []
    if unsent:
        remarks.append(f"{unsent:,} of {planned:,} planned logins were not sent: the load generator could not.")
    if late > planned * LATE_SHARE:
        remarks.append(f"{late:,} logins left more than 10 ms after their plan: the load generator was short of CPU.")
    crowded = [each for each in processes if each.role.startswith("worker") and each.waited_share > CROWDED]
    return remarks + [
        f"The gateway's {each.role} was ready but had no core for {each.waited_share:.0%} of the time: others ran there"
        " too, and without them its figures would be better."
        for each in crowded
    ]


def summary_of(run: Run) -> list[str]:
    """Return the run in a few sentences, the most important first."""
    return [
        sentence for sentence in (_rate(run), _carried(run), _latency(run), _own_share(run), _cost(run)) if sentence
    ]


def _rate(run: Run) -> str:
    rates = f"{run.offered_rate:,.0f} logins/s offered, {run.achieved_rate:,.0f} answered"
    later = f"; {run.answered_later:,} were answered later" if run.answered_later else ""
    return f"{limit_in_words(run)} {rates}, for {run.duration_s:.0f} s{later}.".lstrip()


def _carried(run: Run) -> str:
    if run.carried_rate is None:
        return ""
    slow = f", or with half of the passcodes taking over {LONG_MS:.0f} ms" if "passcode" in run.latency_ms else ""
    return (
        f"Up to {run.carried_rate:,.0f} logins/s there were no two seconds in a row with a login lost, not sent or"
        f" answered wrongly{slow}."
    )


def _latency(run: Run) -> str:
    kinds = [f"{spoken(kind)}: {_quantiles(each)}" for kind, each in run.latency_ms.items() if kind != "all"]
    return f"Answered, {'; '.join(kinds)}." if kinds else ""


def _quantiles(shown: Mapping[str, float]) -> str:
    return f"half within {milliseconds(shown['p50'])}, 99 % within {milliseconds(shown['p99'])}"


def _own_share(run: Run) -> str:
    if not run.gateway_ms:
        return ""
    return f"Of a login's time the gateway's own share, without Duo and the person: {_quantiles(run.gateway_ms)}."


def _cost(run: Run) -> str:
    workers = [process for process in run.processes if process.role.startswith("worker")]
    if run.worker_us_per_login is None or not workers:
        return ""
    cores = sum(process.core_share for process in workers)
    memory = sum(process.rss_max_bytes for process in workers)
    return (
        f"A login cost {run.worker_us_per_login:,.0f} µs of the workers' CPU on average; together they used"
        f" {cores:.2f} cores, and {memory / 1e6:,.0f} MB of memory at most."
    )


def spoken(name: str) -> str:
    """Return the name of a kind of login, or of a count, as people say it."""
    return name.replace("_", " ")


def milliseconds(value: float) -> str:
    """Return `0.84 ms`, `12 ms`, `3.4 s`."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
