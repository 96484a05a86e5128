"""What a run says in words: whether what must never happen has happened, and what was measured."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.radius_load.plan import NEVER
from bench.report.counting import counted
from bench.report.limits import LONG_MS, limit_in_words
from bench.report.record import Finding, Judgement, Marked, ProcessFigures, Run
from bench.scenario import Expectation

LATE_SHARE = 0.01  # of the logins may leave late
CROWDED = 0.1  # of the time may a worker wait for a core


class Tally(NamedTuple):
    """What the load generator and the referee have counted.

    Attributes:
        pushes: that Duo began.
        reasons: why logins ended, as the gateway counts, most frequent first.
        excess: of these, more than the user had logins that ask for one.
        overlapping: of these, begun while the same user had another one pending.
        counts: what else the load generator counts, by its names.
    """

    planned: int
    sent: int
    lost: int
    unexpected: int
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    pushes: int
    excess: int
    overlapping: int


def findings_of(tally: Tally, expect: Expectation) -> list[Finding]:
    """Return what must hold of answers, pushes and outcomes, and whether it does."""
    return [
        _at_most(
            tally.lost,
            expect.lost,
            f"Every login was answered ({tally.sent:,}).",
            f"{counted(tally.lost, 'login')} had no answer",
        ),
        *_some(tally.counts["half_answered"], expect.lost, "{}: answered to one controller only"),
        _pushed_once(tally),
        _at_most(tally.unexpected, expect.unexpected, "Every answer was the right one.", _otherwise(tally)),
        *_some(tally.counts["contradictions"], expect.unexpected, "{}: two controllers were told different things"),
        *_never(tally.counts),
    ]


def _pushed_once(tally: Tally) -> Finding:
    """Judge by pushes beyond logins, and by pushes of one user at once.

    The latter may be rightly so for each login that fail mode decided while its push was out: its user logs in anew.
    """
    pushes = counted(tally.pushes, "push", "pushes")
    extra = max(tally.excess, tally.overlapping - tally.unexpected)
    if extra > 0:
        were = "was" if extra == 1 else "were"
        return Finding(Judgement.WRONG, f"{extra:,} of {pushes} {were} too many: somebody was pushed twice.")
    return Finding(Judgement.GOOD, f"Nobody was pushed twice for one login ({pushes}).")


def _otherwise(tally: Tally) -> str:
    """Say of logins that ended otherwise than with a Duo that answers what became of them, by reason."""
    causes = {reason: count for reason, count in tally.reasons.items() if reason not in _DUOS_OWN and count}
    told = ", ".join(f"{count:,} {OTHERWISE.get(reason, spoken(reason))}" for reason, count in causes.items())
    if list(causes.values()) == [tally.unexpected]:
        return told
    ended = f"{counted(tally.unexpected, 'login')} ended otherwise than with a Duo that answers"
    return f"{ended} ({told})" if told else ended


_DUOS_OWN = ("duo_allowed", "duo_denied", "duo_bypass", "duo_timeout")  # what the load's users do
OTHERWISE = {
    "failmode_secure": "rejected by fail mode",
    "failmode_safe": "accepted by fail mode",
    "overloaded": "rejected because the gateway or Duo had too much to do",
    "too_many_pending": "rejected because their users had too many logins at once",
    "deadline": "rejected because time was up",
    "push_lost": "rejected because nobody knew what had become of their push",
    "duo_refused_call": "rejected because Duo refused the call",
    "duo_locked_out": "rejected because Duo had locked the user out",
}


def _at_most(count: int, most: int | None, none: str, some: str) -> Finding:
    """Judge a count; `some` is said of it without a full stop."""
    if not count:
        return Finding(Judgement.GOOD, none)
    if most is not None and count > most:
        return Finding(Judgement.WRONG, f"{some}, which must not be." if not most else f"{some}, more than {most:,}.")
    return Finding(Judgement.EXPECTED, f"{some}, as meant." if most is None else f"{some}; {most:,} may be so.")


def _never(counts: Mapping[str, int]) -> list[Finding]:
    return [
        Finding(Judgement.WRONG, f"{counted(counts[name], *what)}.") for name, what in NEVER.items() if counts[name]
    ]


def _some(count: int, most: int | None, some: str) -> list[Finding]:
    return [_at_most(count, most, "", some.format(counted(count, "login")))] if count else []


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
        remarks.append(f"Of {planned:,} planned logins {unsent:,} could not be sent by the load generator.")
    if late > planned * LATE_SHARE:
        remarks.append(
            f"{counted(late, 'login')} left more than 10 ms after the plan: the load generator was short of CPU."
        )
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
    slow = f", or with a median of the passcodes over {LONG_MS:.0f} ms" if "passcode" in run.latency_ms else ""
    return (
        f"Up to {run.carried_rate:,.0f} logins/s there were no two seconds in a row with a login lost, not sent or"
        f" answered wrongly{slow}."
    )


def _latency(run: Run) -> str:
    kinds = [f"{spoken(kind)}: {_quantiles(each)}" for kind, each in run.latency_ms.items() if kind != "all"]
    return f"Answered, {'; '.join(kinds)}." if kinds else ""


def _quantiles(shown: Mapping[str, float]) -> str:
    return f"median {milliseconds(shown['p50'])}, p99 {milliseconds(shown['p99'])}"


def _own_share(run: Run) -> str:
    if not run.gateway_ms:
        return ""
    return f"The gateway's own share of a login, without Duo and the person: {_quantiles(run.gateway_ms)}."


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
    return SPOKEN.get(name) or name.replace("_", " ")


SPOKEN = {  # what the simulated Duo counts; `calls auth` and the like need no words
    "n_calls": "calls",
    "calls auth_status": "calls auth_status (polls)",
    "pushed_users": "users who were pushed",
    "overlaps": "pushes beside another of the same user",
    "decided": "pushes that were answered",
    "pending": "pushes still pending",
    "polls": "polls still open",
    "faults": "calls that met a fault",
    "verified": "signatures verified",
    "wrongly_signed": "signatures that were wrong",
    "connections": "connections open",
    "accepted": "connections accepted",
}


def milliseconds(value: float) -> str:
    """Return `0.84 ms`, `12 ms`, `3.4 s`."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
