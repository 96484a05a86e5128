"""What a slow home server does to other sections is measured: the figures themselves mean nothing here."""

from pathlib import Path

import pytest

from bench.costs import slow_first_factor

pytestmark = pytest.mark.integration


def test_a_quick_section_is_measured_with_and_without_a_slow_one_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slow_first_factor, "RUNS_FOR_ONE", 1)
    monkeypatch.setattr(slow_first_factor, "SLOW", {"never answers": ("--silent",)})
    monkeypatch.setattr(slow_first_factor, "N_ASKED", 20)
    monkeypatch.setattr(slow_first_factor, "RATE", 50.0)
    ratios = slow_first_factor.show(tmp_path, 1, seconds=0.5)
    assert min(ratio.median for ratio in ratios) > 0
    assert [line.partition("  ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "beside one that never answers, p50",
        "beside one that never answers, p99",
    ]
