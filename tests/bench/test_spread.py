"""A figure of several runs."""

import pytest

from bench.spread import spread, tell


def test_spread_is_median_and_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)


def test_a_figure_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell("what it costs", [3.04, 1.0, 2.0], "µs", 1, remark="  or so")
    assert capsys.readouterr().out.split() == ["what", "it", "costs", "2.0", "µs", "[1.0", "to", "3.0]", "or", "so"]
