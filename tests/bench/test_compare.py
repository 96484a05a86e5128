"""Two runs side by side."""

import pytest

from bench.compare import Measured, compare, differences, judge, measured
from tests.bench.report.examples import a_run


@pytest.mark.parametrize(
    ("first", "second", "judgement"),
    [
        (Measured(10, 9, 11), Measured(20, 18, 22), "higher"),
        (Measured(20, 18, 22), Measured(10, 9, 11), "lower"),
        (Measured(10, 9, 11), Measured(10.5, 10.2, 10.8), "as before"),  # within the first's spread
        (Measured(10, 9.9, 10.1), Measured(12, 8, 14), "as before"),  # the second varied too much
        (Measured(10), Measured(20), ""),
        (None, Measured(20, 18, 22), ""),
    ],
)
def test_a_difference_counts_beyond_both_spreads(first, second, judgement):
    assert judge(first, second) == judgement


def test_the_spread_leaves_out_the_lowest_and_the_highest_tenth():
    assert measured(5.0, [None, *range(11)]) == Measured(5.0, 1.0, 9.0)


def test_a_figure_lies_within_its_own_spread():
    assert measured(20.0, range(11)) == Measured(20.0, 1.0, 20.0)


def test_a_few_seconds_make_no_spread():
    assert measured(5.0, [1, 2, 3, 4]) == Measured(5.0)
    assert measured(None, [1] * 9) is None


def test_figures_of_both_runs_stand_side_by_side_with_their_ratio():
    lines = {line.what: line for line in compare(a_run(), a_run(achieved_rate=150.0, lost=2))}
    assert lines["answered"].ratio == 1.5
    assert lines["lost"].ratio is None, "there is no ratio to nothing"
    assert lines["CPU of the workers per login, the median second"].judgement == "as before"
    assert lines["push, p99"].first == Measured(3.0, 3.0, 3.0)
    assert "limit" not in lines


def test_what_makes_runs_hard_to_compare_is_said():
    assert differences(a_run(), a_run()) == []
    assert differences(a_run(), a_run(workers=2, scenario_text="")) == [
        "not the same workers: 1 and 2",
        "worker-kill has been rewritten in between",
    ]
    assert differences(a_run(), a_run(scenario="soak", scenario_text="")) == [
        "not the same scenario: worker-kill and soak"
    ]


def test_two_runs_of_one_scenario_are_alike_wherever_their_gateways_listened():
    targets = [((host, port),) for host, port in (("127.0.0.1", 40_001), ("127.0.0.1", 50_002))]
    first, second = (a_run(load={"targets": target, "cores": []}) for target in targets)
    assert differences(first, second) == []
