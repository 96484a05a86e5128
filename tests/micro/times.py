"""The same cases on the clock, for people: not collected with the tests, run it as `python -m tests.micro`.

A time says little on a machine whose speed varies from minute to minute. So each short round of a case follows one of
a reference loop, in the same process, and what counts is the ratio of the shortest rounds of each.
"""

import hashlib
import time
from struct import Struct

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.micro.cases import CASES
from tests.micro.circle import Run

N_ROUNDS = 300
ROUND_S = 0.0004

_OCTETS = bytes(range(160))
_NAMES = dict.fromkeys(range(0, 160, 2), "a name")
_HEADER = Struct("!BBH16s")
_STATE = hashlib.md5(_OCTETS, usedforsecurity=False)


def reference() -> int:
    """Work of the same kinds as that of the hot path: slices, look-ups, unpacking, a hash continued."""
    found = 0
    for offset in range(0, 140, 10):
        code, _, _, authenticator = _HEADER.unpack(_OCTETS[offset : offset + 20])
        if code in _NAMES:
            found += len(_NAMES[code])
        if authenticator[0] > 100:
            state = _STATE.copy()
            state.update(authenticator)
            found += len(state.digest())
    return found


@pytest.mark.parametrize("name", CASES)
def test_time(name: str, benchmark: BenchmarkFixture) -> None:
    run = CASES[name]()
    n_runs, n_references = _runs_in_a_round(run), _runs_in_a_round(reference)
    reference_s: list[float] = []

    def time_reference() -> None:
        reference_s.append(_time(reference, n_references))

    benchmark.pedantic(_repeat, args=(run, n_runs), setup=time_reference, rounds=N_ROUNDS, warmup_rounds=5)
    benchmark.extra_info.update(n_runs=n_runs, reference_s=min(reference_s) / n_references)


def _repeat(run: Run, n_runs: int) -> None:
    for _ in range(n_runs):
        run()


def _time(run: Run, n_runs: int) -> float:
    started = time.perf_counter()
    _repeat(run, n_runs)
    return time.perf_counter() - started


def _runs_in_a_round(run: Run) -> int:
    """How many runs take about `ROUND_S`."""
    once_s = min(_time(run, 10) for _ in range(20)) / 10
    return max(1, round(ROUND_S / once_s))
