"""A breaker that is led by hand: looks, and what comes of its probes."""

from gateway.failmode.breaker import STREAK_S, Breaker, Decision, StateChanged
from gateway.failmode.evidence import Evidence
from gateway.failmode.probing import Failed, Passed, Probe, ProbeKind
from gateway.unavailable import Trouble
from tests.failmode.scene import DOWN, TRIAL


def watched(now: float) -> Breaker:
    """A breaker that has found all well at the start."""
    breaker = Breaker()
    assert pass_round(breaker, now) == []
    return breaker


def look_until(breaker: Breaker, instant: float, evidence: tuple[Evidence, ...] = ()) -> list[Decision]:
    """Look ten times a second until an instant; nobody answers probes."""
    decisions: list[Decision] = []
    now = max(breaker._looked_at, instant - 50.0)
    while now < instant - 0.01:
        now = min(instant, now + 0.1)
        decisions += breaker.observe(evidence, now)
    return decisions


def pass_round(breaker: Breaker, now: float, skew_s: float | None = 0.0) -> list[StateChanged]:
    """Let the round that is due by an instant pass."""
    (ping,) = look_until(breaker, now)
    assert isinstance(ping, Probe)
    (check,) = breaker.probed(ping, Passed(skew_s), now)
    assert isinstance(check, Probe)
    assert (ping.kind, check.kind) == (ProbeKind.PING, ProbeKind.CHECK)
    return [change for change in breaker.probed(check, Passed(skew_s), now) if isinstance(change, StateChanged)]


def failing(n_users: int, at: float) -> Evidence:
    return Evidence(since=at - 0.01, troubled_at=at, n_failing=n_users, trouble=2)


def fail_probe(breaker: Breaker, now: float) -> None:
    assert breaker._probing.under_way is not None
    breaker.probed(breaker._probing.under_way, Failed(Trouble.CONNECT, "refused"), now)


def down(now: float) -> Breaker:
    breaker = watched(now - STREAK_S)
    look_until(breaker, now)
    look_until(breaker, now + 0.1, (failing(5, now + 0.1),))
    fail_probe(breaker, now + 0.15)
    look_until(breaker, now + 0.2, (failing(5, now + 0.1),))
    assert breaker.state is DOWN
    return breaker


def in_trial() -> Breaker:
    breaker = down(100.0)
    (change,) = pass_round(breaker, 102.3)
    assert change.new is TRIAL
    return breaker
