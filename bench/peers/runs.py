"""What was measured of a peer, and what is made of it: medians with their range, the best window, ratios."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import NamedTuple

from bench.cores import cpu_s, proportional_share
from bench.peers.driver import PASSCODE, log_in
from bench.peers.stage import Peer, Serving
from bench.spread import Spread, spread

WARM_UP = 500  # logins, or as many as are measured


class Run(NamedTuple):
    """One burst of logins.

    Attributes:
        rate: logins a second.
        cpu_us: CPU of all serving processes and threads, user and system, for each login.
        p99_ms: of the latencies.
        busy: CPU seconds a second. Well below 1, the NAS and the simulated Duo were the limit, not the peer.
    """

    rate: float
    cpu_us: float
    p99_ms: float
    busy: float


class Figures(NamedTuple):
    """A peer at its best window.

    Attributes:
        cpu_ratio: the gateway's CPU a login by this peer's, round by round: with as many calls of Duo, at its own best
            window; None where it was not measured beside it.
    """

    window: int
    rate: Spread
    cpu_us: Spread
    p99_ms: Spread
    busy: Spread
    memory_mb: Spread
    cpu_ratio: Spread | None


@dataclass
class Line:
    """What is known of a peer: a line of the table.

    Attributes:
        rounds: the runs of each round, by window.
        memory_mb: after each round.
        n_held: pushes held at once; None where it was not asked for pushes.
        why_not: what is missing or went wrong; empty while all is well.
    """

    peer: Peer
    rounds: list[dict[int, Run]] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    n_held: int | None = None
    why_not: str = ""


def measure(peer: Peer, serving: Serving, windows: Sequence[int], n_logins: int) -> dict[int, Run]:
    """Return a run for each window, of a peer that has its connections for it.

    Else the first logins of a larger window wait for handshakes, and as they are more than one in a hundred, the p99
    would be that of opening connections: FreeRADIUS opens all of its at the start, the gateway as they are needed.
    """
    password, n_before = peer.password, min(WARM_UP, n_logins)
    log_in(serving.port, n_before, max(windows), longest_s=1.0, authenticator=peer.authenticator, password=password)
    runs = {}
    for window in windows:
        log_in(serving.port, n_before, window, longest_s=1.0, authenticator=peer.authenticator, password=password)
        runs[window] = burst(serving, window, n_logins, peer.authenticator, password)
    return runs


def burst(
    serving: Serving,
    window: int,
    n_logins: int,
    authenticator: bytes | None = None,
    password: bytes = PASSCODE,
    first_user: int | None = None,
) -> Run:
    """Return a run of so many logins, `window` at a time; see `driver.log_in`."""
    before = sum(map(cpu_s, serving.pids))
    seen = log_in(serving.port, n_logins, window, authenticator=authenticator, password=password, first_user=first_user)
    cpu = sum(map(cpu_s, serving.pids)) - before
    p99_s = sorted(seen.latencies_s)[ceil(seen.n_logins * 0.99) - 1]
    return Run(seen.n_logins / seen.elapsed_s, cpu / seen.n_logins * 1e6, p99_s * 1e3, cpu / seen.elapsed_s)


def memory_mb(serving: Serving) -> float:
    """Return the memory of all serving processes; what is shared with others counts in proportion (PSS)."""
    return sum(map(proportional_share, serving.pids)) / 1e6


def best_window(runs: Sequence[Mapping[int, Run]]) -> int:
    """Return the window of the highest median rate."""
    return max(runs[0], key=lambda window: median(run[window].rate for run in runs))


def figures(line: Line, yardstick: Line | None) -> Figures | None:
    """Return a peer's figures, None if it failed; `yardstick` is the gateway, measured in the same rounds."""
    if line.why_not or not line.rounds:
        return None
    window = best_window(line.rounds)
    best = [each[window] for each in line.rounds]
    ratio = None
    if yardstick is not None and len(yardstick.rounds) == len(best):
        other = best_window(yardstick.rounds)
        ratio = spread([each[other].cpu_us / run.cpu_us for run, each in zip(best, yardstick.rounds, strict=True)])
    rate, cpu_us, p99_ms, busy = map(spread, zip(*best, strict=True))
    return Figures(window, rate, cpu_us, p99_ms, busy, spread(line.memory_mb), ratio)
