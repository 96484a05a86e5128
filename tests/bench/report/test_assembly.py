"""From what a run has left behind to what is written down, whatever ended before its time."""

from collections import Counter

import numpy as np
import pytest

from bench.compare import differences
from bench.observe import Process, Sample, Usage
from bench.radius_load.result import LoadResult, Record
from bench.report.assembly import Seen, written_down
from bench.report.record import Judgement, Marked, Step
from bench.scenario import read_scenario
from gateway.radius.dictionary import Code

TEXT = """
[scenario]
question = What is left?
[load]
phases = 2x2
mix = push=1
[expect]
lost = any
"""
SCENARIO = read_scenario(TEXT, "what-is-left.ini")
WORKER = Process("worker 0", 2)


def status(n_accepts):
    counts = {"gateway": {"counts": [n_accepts, n_accepts, n_accepts]}}
    section = {"accepts": n_accepts, "rejects": 0, "pending": 0, "reasons": {"duo_allowed": n_accepts}, "discards": {}}
    return {
        "servers": [section],
        "applications": [],
        "histograms": {"bounds_s": [0.001, 0.01], "servers": {"a": counts}},
    }


def seen(*statuses, push_logins=("u000000", "u000001", "u000002"), answered_at=(0.5, 1.0, 2.5, np.nan), **changes):
    """Return four pushes in two seconds, with a sample a second."""
    planned = np.array([0.0, 0.5, 1.0, 1.5])
    codes = np.where(np.isnan(answered_at), 0, Code.ACCESS_ACCEPT).astype(np.uint8)
    record = Record(planned, planned.copy(), np.array(answered_at), np.full(4, 2, np.uint8), codes)
    record.push_logins.update(push_logins)
    samples = [Sample(100.0 + at, each, {WORKER: Usage(0.1 * at, 0.0, 40_000_000)}) for at, each in enumerate(statuses)]
    details = {
        "marked": [],
        "duo_counts": {"pushes": 3, "overlaps": 0},
        "pushes": dict.fromkeys(("u000000", "u000001", "u000002"), 1),
        "limit": None,
        "steps": [],
        "mistakes": [],
    }
    result = LoadResult(SCENARIO.load, record, began_at=100.0)
    return Seen(SCENARIO, 1, 1.0, result, samples, **(details | changes))


def wrong(run):
    return [finding.text for finding in run.findings if finding.judgement is Judgement.WRONG]


@pytest.mark.parametrize(
    ("statuses", "reasons"),
    [
        ((status(10), status(12), status(13)), {"duo_allowed": 3}),
        ((status(10), status(12), None), {"duo_allowed": 2}),  # it died, or was too busy to answer
        ((None, status(10), status(11)), {"duo_allowed": 1}),
        ((None, status(10), None), {}),
        ((None, None), {}),
    ],
)
def test_the_gateways_counts_are_those_between_its_first_and_its_last_answer(statuses, reasons):
    run = written_down(seen(*statuses))
    assert run.reasons == reasons
    assert bool(run.gateway_ms) is bool(reasons)


def test_a_gateway_that_ended_is_told_of():
    run = written_down(seen(status(1), None, gateway_end="killed by SIGKILL; it last said: radgate ready"))
    assert wrong(run) == [
        "The gateway ended during the run: killed by SIGKILL; it last said: radgate ready.",
    ]


def test_a_run_with_a_failed_event_is_not_as_it_must_be():
    run = written_down(seen(None, None, marked=[Marked(1.0, 0.0, "reload", "declined", failed=True)]))
    assert wrong(run) == ["reload, after 1.0 s, failed: declined"]


def test_the_gateways_own_mistakes_are_wrong():
    (finding,) = wrong(written_down(seen(None, None, mistakes=["Traceback (most recent call last):"])))
    assert finding.startswith("The gateway owns up to 1 mistake of its own, first: Traceback")


def test_who_was_pushed_once_too_often_is_found_though_another_was_never_pushed():
    pushes = Counter({"u000000": 2, "u000001": 1})
    run = written_down(seen(None, None, pushes=pushes))
    assert wrong(run) == ["1 of 3 pushes was too many: somebody was pushed twice."]


def test_what_two_controllers_were_told_reaches_the_report():
    left = seen(None, None)
    left.result.record.counts.add({"contradictions": 2, "unsigned": 1, "half_answered": 4})
    run = written_down(left)
    assert wrong(run) == [
        "2 logins: two controllers were told different things, which must not be.",
        "1 reply had no Message-Authenticator.",
    ]
    assert any(finding.text.startswith("4 logins: answered to one controller only") for finding in run.findings)


def test_a_limit_of_nothing_is_not_as_it_must_be():
    run = written_down(seen(None, None, limit=0.0, steps=[Step(31.0, 300.0, "100.00% answered, p99 300.0 ms")]))
    assert wrong(run) == ["Not even 31 logins/s were carried: 100.00% answered, p99 300.0 ms."]


def test_only_answers_within_the_load_count_for_its_rate():
    run = written_down(seen(None, None))
    assert (run.offered_rate, run.achieved_rate, run.answered, run.answered_later) == (2.0, 1.0, 3, 1)


def test_the_scenario_is_kept_as_it_was_read():
    first, second = (written_down(seen(None, None)) for _ in range(2))
    assert first.scenario_text == TEXT
    assert differences(first, second) == []
