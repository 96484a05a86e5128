"""A figure of several runs."""

import pytest

from bench.spread import paired, spread, tell, tell_pair


def test_spread_is_median_and_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


def test_a_figure_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell("what it costs", [3.04, 1.0, 2.0], "µs", 1, remark="  or so")
    assert capsys.readouterr().out.split() == ["what", "it", "costs", "2.0", "µs", "[1.0", "to", "3.0]", "or", "so"]


def test_a_ratio_is_taken_pair_by_pair(capsys: pytest.CaptureFixture[str]) -> None:
    """A machine that is ten times as slow for one pair changes nothing."""
    before, after = [10.0, 100.0, 10.0, 10.0], [5.0, 60.0, 6.0, 9.0]
    assert paired(before, after) == (0.6, 0.6, 0.6)
    assert tell_pair("what", before, after) == (0.6, 0.6, 0.6)
    assert " 10.0 µs a login, then    7.5 µs: 0.60 times as much [0.60 to 0.60]" in capsys.readouterr().out
