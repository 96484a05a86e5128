import json
import math

import numpy as np
import pytest

from bench.radius_load.plan import KINDS, LoadPlan, Mix, Phase
from bench.radius_load.result import Counts, LoadResult, Record, merge

PLAN = LoadPlan(
    targets=(("127.0.0.1", 1812),),
    shared_secret="xyzzy",
    phases=(Phase(2, 2, 2),),
    mix=Mix(passcode=0.5, wrong_passcode=0.5),
)
NEVER = math.nan
PASSCODE, WRONG = (
    next(n for n, kind in enumerate(KINDS) if kind.name == name) for name in ("passcode", "wrong_passcode")
)


def record(*logins: tuple[float, float, float, int, int], **counts: int) -> Record:
    planned_at, sent_at, answered_at, kind, code = zip(*logins, strict=True)
    return Record(
        np.array(planned_at, float),
        np.array(sent_at, float),
        np.array(answered_at, float),
        np.array(kind, np.uint8),
        np.array(code, np.uint8),
        Counts(counts),
    )


RESULT = LoadResult(
    PLAN,
    record(
        (0.0, 0.0, 0.1, PASSCODE, 2),
        (0.5, 0.52, 1.5, WRONG, 3),
        (1.0, 1.0, 1.2, WRONG, 2),
        (1.5, NEVER, NEVER, PASSCODE, 0),
        (1.6, 1.6, NEVER, PASSCODE, 0),
        (1.7, 1.7, 1.8, PASSCODE, 11),
        invalid=3,
        double_answers=1,
        retransmissions=2,
    ),
    began_at=100.0,
)


def test_the_kinds_here_are_those_of_the_plan():
    assert [KINDS[kind].name for kind in (PASSCODE, WRONG)] == ["passcode", "wrong_passcode"]


def test_every_planned_login_is_accounted_for():
    assert (RESULT.planned, RESULT.sent, RESULT.unsent, RESULT.answered, RESULT.lost) == (6, 5, 1, 4, 1)


def test_a_packet_more_than_10_ms_after_its_plan_is_late():
    assert RESULT.late == 1


def test_outcomes_are_counted_by_kind():
    assert RESULT.outcomes == {
        "passcode": {"accept": 1, "reject": 0, "other": 1},
        "wrong_passcode": {"accept": 1, "reject": 1},
    }


def test_an_outcome_that_is_not_right_for_its_kind_is_unexpected():
    assert RESULT.unexpected == 2


def test_latency_counts_from_the_planned_instant():
    assert RESULT.latencies["latency_s"] == pytest.approx([0.1, 1.0, 0.2, 0.1])
    assert RESULT.latencies["planned_at_s"] == pytest.approx([0.0, 0.5, 1.0, 1.7])
    assert list(RESULT.latencies["kind"]) == [PASSCODE, WRONG, WRONG, PASSCODE]
    assert RESULT.latency_s(100) == pytest.approx(1.0)
    assert RESULT.latency_s(100, accepted_only=True) == pytest.approx(0.2)
    assert RESULT.lateness_s(100) == pytest.approx(0.02)


def test_seconds_count_what_happened_in_each():
    first, second = RESULT.seconds
    assert tuple(first)[:5] == (0, 2, 2, 1, 0)
    assert tuple(second)[:5] == (1, 4, 3, 3, 1)
    assert first["p50_s"] == pytest.approx(0.55)
    assert second["p99_s"] == pytest.approx(0.199)


def test_a_second_without_answers_has_no_percentile():
    silent = LoadResult(PLAN, record((0.2, 0.2, NEVER, PASSCODE, 0)), 0.0)
    assert math.isnan(silent.seconds["p50_s"][0])
    assert math.isnan(silent.latency_s(50))


def test_a_run_without_logins_has_figures_too():
    empty = LoadResult(PLAN, Record(*(np.empty(0, kind) for kind in (float, float, float, np.uint8, np.uint8))), 0.0)
    assert empty.planned == empty.answered == empty.unexpected == 0
    assert len(empty.seconds) == 1


def test_the_summary_is_json():
    summary = json.loads(json.dumps(RESULT.summary()))
    assert summary["unsent"] == 1
    assert summary["counts"] == {"invalid": 3, "double_answers": 1, "retransmissions": 2}
    assert summary["p50_s"] == pytest.approx(0.15)
    assert (RESULT.invalid, RESULT.double_answers, RESULT.retransmissions, RESULT.unsigned) == (3, 1, 2, 0)


def test_processes_took_the_logins_in_turn():
    one = record((0.0, 0.0, 0.1, PASSCODE, 2), (1.0, 1.0, 1.1, PASSCODE, 2), (2.0, 2.0, 2.1, PASSCODE, 2), invalid=1)
    other = record((0.5, 0.5, 0.6, WRONG, 3), (1.5, 1.5, 1.6, WRONG, 3), invalid=2)
    one.push_logins["u000000"] = other.push_logins["u000001"] = 2
    merged = merge(PLAN, [one, other], 7.0)
    assert list(merged.record.planned_at) == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert list(merged.record.code) == [2, 3, 2, 3, 2]
    assert merged.invalid == 3
    assert merged.record.push_logins == {"u000000": 2, "u000001": 2}
    assert merged.began_at == 7.0


def test_a_part_of_a_run_has_figures_of_its_own():
    part = RESULT.since(1.0)
    assert (part.planned, part.answered, part.unsent) == (4, 2, 1)
    assert RESULT.planned == 6
