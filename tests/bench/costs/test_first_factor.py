"""What a first factor costs is measured, in each window: the figures themselves mean nothing here."""

from pathlib import Path

import pytest

from bench.costs import first_factor
from bench.costs.pairs import WINDOWS
from tests.bench.costs.bursts import SHORTER

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("show", "n_ways"), [(first_factor.show, 1), (first_factor.show_directory, len(first_factor.WAYS))]
)
def test_a_first_factor_is_measured_in_each_window(
    show, n_ways: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_factor, "CALLS", {"one call": "needed"})
    monkeypatch.setattr(first_factor, "WARM_UP", 1)
    monkeypatch.setattr(first_factor, "RUNS_FOR_ONE", 1)
    ratios = show(tmp_path, 1, shorter=SHORTER)
    assert len(ratios) == n_ways * len(WINDOWS)
    assert capsys.readouterr().out.count("a first factor: ") == len(ratios)
