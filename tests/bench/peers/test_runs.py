"""What is made of the runs."""

import pytest

from bench.peers import runs
from bench.peers.line_up import LINE_UP
from bench.peers.runs import Line, Run, best_window, figures
from bench.peers.stage import Serving

PEER = LINE_UP[0]


def run(rate: float, cpu_us: float = 100.0) -> Run:
    return Run(rate, cpu_us, p99_ms=5.0, busy=0.99)


def line(*rounds: dict[int, Run], why_not: str = "") -> Line:
    return Line(PEER, list(rounds), [30.0] * len(rounds), why_not=why_not)


def test_best_window_has_the_highest_median_rate() -> None:
    rounds = [{16: run(100), 64: run(90)}, {16: run(100), 64: run(900)}, {16: run(100), 64: run(91)}]
    assert best_window(rounds) == 16


def test_figures_are_those_of_the_best_window() -> None:
    found = figures(line({16: run(10, 50.0), 64: run(20, 70.0)}, {16: run(10, 50.0), 64: run(22, 60.0)}), None)
    assert found is not None
    assert (found.window, found.rate, found.cpu_us) == (64, (21, 20, 22), (65.0, 60.0, 70.0))
    assert found.memory_mb == (30.0, 30.0, 30.0)
    assert found.cpu_ratio is None


def test_ratio_is_taken_round_by_round() -> None:
    """A machine that is three times slower in the second round changes no ratio."""
    yardstick = line({16: run(1000, 100.0)}, {16: run(333, 300.0)}, {16: run(1000, 100.0)})
    found = figures(line({32: run(500, 200.0)}, {32: run(166, 600.0)}, {32: run(500, 200.0)}), yardstick)
    assert found is not None
    assert found.cpu_ratio == (0.5, 0.5, 0.5)


def test_no_ratio_to_a_yardstick_that_failed_on_the_way() -> None:
    found = figures(line({16: run(1)}, {16: run(1)}), line({16: run(1)}, why_not="it ended"))
    assert found is not None
    assert found.cpu_ratio is None


def test_who_failed_or_was_not_run_has_no_figures() -> None:
    assert figures(line({16: run(1)}, why_not="it ended"), None) is None
    assert figures(line(), None) is None


def test_a_peer_has_its_connections_for_each_window_before_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the p99 of a window is that of the handshakes that its first logins wait for."""
    done: list[tuple[str, int]] = []
    monkeypatch.setattr(runs, "log_in", lambda _port, _n, window, **_: done.append(("warm-up", window)))
    monkeypatch.setattr(runs, "burst", lambda _serving, window, _n, *_: done.append(("measured", window)))
    assert list(runs.measure(PEER, Serving(1812, ()), [16, 64], 100)) == [16, 64]
    assert done == [("warm-up", 64), ("warm-up", 16), ("measured", 16), ("warm-up", 64), ("measured", 64)]
