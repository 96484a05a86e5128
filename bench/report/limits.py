"""How far a limit that was found can be believed: who was at it, the gateway or what is around it.

Load and simulated Duo are awake all the time, so that their CPU does not tell whether they were the limit. The workers'
does: they sleep when there is nothing to do, and a worker that slept at the limit was not the limit.
"""

from collections.abc import Sequence

from bench.report.counting import counted
from bench.report.record import Finding, Judgement, Run, Step

BUSY = 0.85  # of its core: what a worker at its limit uses, at the least
THE_WORKERS = "the workers"
DUO = "the simulated Duo"
THE_LOAD = "the load generator"
THE_CORES = "the cores, which others needed too"
LONG_MS = 250.0  # median of the passcodes of a second that are still carried


def limited_by(run: Run) -> str:
    """Return who was at the limit of a run that has looked for one.

    Told by what the lowest rate above the limit complained of, and by what the workers used of their cores while the
    rate was held that the scenario holds.
    """
    workers = [process for process in run.processes if process.role.startswith("worker")]
    held = len(workers) * (run.offered_rate / run.limit if run.limit else 1.0) or 1.0
    core_share = sum(each.core_share for each in workers) / held
    waited_share = sum(each.waited_share for each in workers) / held
    return _limited_by(_complaints(run.limit or 0.0, run.steps), core_share, waited_share)


def _complaints(limit: float, steps: Sequence[Step]) -> list[str]:
    """Return what the lowest rate that was not carried complained of; one that was carried at last does not count."""
    lowest = min((step.rate for step in steps if step.rate > limit), default=0.0)
    return [step.complaint for step in steps if step.rate == lowest]


def _limited_by(complaints: Sequence[str], core_share: float, waited_share: float) -> str:
    """Return who: shares are those of the time for which a worker had a core, and was kept waiting for one."""
    if any("load generator" in complaint for complaint in complaints):
        return THE_LOAD
    if core_share + waited_share < BUSY:
        return DUO
    return THE_WORKERS if core_share >= BUSY else THE_CORES


def limit_in_words(run: Run) -> str:
    """Return what the search has found, as a sentence; empty where there was none, or it found nothing."""
    if not run.limit:
        return ""
    if (who := limited_by(run)) == THE_WORKERS:
        return f"The limit of {counted(run.workers, 'worker')} was {run.limit:,.0f} logins/s."
    return f"{counted(run.workers, 'worker')} carried at least {run.limit:,.0f} logins/s: the limit was that of {who}."


def findings_of_search(limit: float | None, steps: Sequence[Step]) -> list[Finding]:
    """Return a finding if no rate was carried."""
    if limit is None or limit > 0 or not steps:
        return []
    lowest = min(steps, key=lambda step: step.rate)
    return [Finding(Judgement.WRONG, f"Not even {lowest.rate:,.0f} logins/s were carried: {lowest.complaint}.")]
