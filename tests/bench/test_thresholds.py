"""Conditions on which a run fails, as texts and as judgements."""

import pytest

from bench.thresholds import FIGURES, Threshold, broken, read_threshold, told
from tests.bench.report.examples import a_run


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("p99 > 50ms", Threshold("p99", ">", 50.0, False, "p99 > 50ms")),
        (" own-p99>=0.05 s ", Threshold("own-p99", ">=", 50.0, False, "own-p99>=0.05 s")),
        ("cpu > 150us", Threshold("cpu", ">", 150.0, False, "cpu > 150us")),
        ("limit < 5000", Threshold("limit", "<", 5000.0, False, "limit < 5000")),
        ("limit <= 5000/s", Threshold("limit", "<=", 5000.0, False, "limit <= 5000/s")),
        ("memory > 0.5 GB", Threshold("memory", ">", 500.0, False, "memory > 0.5 GB")),
        ("lost > 0", Threshold("lost", ">", 0.0, False, "lost > 0")),
        ("p50 > 110 %", Threshold("p50", ">", 1.1, True, "p50 > 110 %")),
    ],
)
def test_a_condition_is_a_figure_a_sign_and_a_number_with_its_unit(text, threshold):
    assert read_threshold(text) == threshold


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "write a figure"),
        ("p99", "write a figure"),
        ("p99 = 50ms", "write a figure"),
        ("p99 > fast", "write a figure"),
        ("p99 > -1ms", "write a figure"),
        ("p98 > 50ms", "'p98' is no figure; there are p50, p99, own-p50"),
        ("p99 > 50", "behind the number of p99 may stand ms, s, us, µs, or % to compare"),
        ("p99 > 50MB", "behind the number of p99 may stand ms"),
        ("lost > 1 login", "behind the number of lost may stand nothing, or %"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text, problem):
    with pytest.raises(ValueError, match=problem.replace("/", ".")):
        read_threshold(text)


def test_every_figure_of_a_run_can_be_held_and_is_told_in_the_help():
    run = a_run(limit=1000.0)
    for name in FIGURES:
        assert FIGURES[name].of(run) is not None
        assert f"  {name} " in told()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("p50 > 1ms", []),
        ("p50 >= 1ms", ["p50 >= 1ms: it was 1 ms"]),
        ("own-p99 > 0.5ms", ["own-p99 > 0.5ms: it was 0.9 ms"]),
        ("memory > 40MB", ["memory > 40MB: it was 45 MB"]),
        ("answered < 200", ["answered < 200: it was 100 logins/s"]),
        ("limit < 1/s", ["limit < 1/s: cannot be told, for a run has no limit"]),
    ],
)
def test_what_was_is_said_beside_what_must_not_be(text, sentence):
    assert broken([read_threshold(text)], a_run()) == sentence


def test_all_kinds_of_login_count_together_where_there_are_several():
    kinds = {name: {"p99": value} for name, value in (("push", 9000.0), ("passcode", 5.0), ("all", 8000.0))}
    assert broken([read_threshold("p99 > 7s")], a_run(latency_ms=kinds))
    assert not broken([read_threshold("p99 > 7s")], a_run(latency_ms={"passcode": {"p99": 5.0}}))


def test_a_share_is_of_the_other_run():
    first, second = a_run(achieved_rate=100.0), a_run(achieved_rate=80.0)
    assert broken([read_threshold("answered < 90%")], second, first) == [
        "answered < 90%: it was 80 logins/s, and 100 logins/s in the first run"
    ]
    assert not broken([read_threshold("answered < 70%")], second, first)
    assert broken([read_threshold("limit < 70%")], second, first)  # neither has one: nobody can say
