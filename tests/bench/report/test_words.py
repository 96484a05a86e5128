"""What a run says in words."""

import msgspec
import pytest

from bench.report.record import Judgement
from bench.report.words import Tally, findings_of, milliseconds, remarks_of, summary_of
from bench.scenario import Expectation
from tests.bench.report.examples import a_run

GOOD = Tally(
    planned=1000,
    sent=1000,
    lost=0,
    unexpected=0,
    invalid=0,
    double_answers=0,
    push_logins=400,
    pushes=400,
    overlapping=0,
)


def wrong(expect=None, **changes):
    return [
        each.text
        for each in findings_of(GOOD._replace(**changes), expect or Expectation())
        if each.judgement is Judgement.WRONG
    ]


def test_all_is_well():
    assert [finding.text for finding in findings_of(GOOD, Expectation())] == [
        "Every login was answered (1,000).",
        "Nobody was pushed twice (400 pushes).",
        "Every answer was the right one.",
    ]
    assert not wrong()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lost": 3}, "3 of the logins were lost."),
        ({"unexpected": 2}, "2 outcomes were unexpected."),
        ({"overlapping": 1}, "1 of 400 pushes were one too many: somebody was pushed twice."),
        ({"pushes": 402}, "2 of 402 pushes were one too many: somebody was pushed twice."),
        ({"invalid": 1}, "1 replies could not be verified."),
        ({"double_answers": 4}, "4 requests got two different answers."),
    ],
)
def test_what_must_never_happen_is_said(changes, text):
    assert wrong(**changes) == [text]


def test_a_scenario_may_expect_losses_and_says_so():
    assert not wrong(Expectation(lost=5), lost=5)
    assert wrong(Expectation(lost=5), lost=6)
    assert not wrong(Expectation(unexpected=None), unexpected=999)
    finding = findings_of(GOOD._replace(unexpected=9), Expectation(unexpected=None))[2]
    assert finding.judgement is Judgement.EXPECTED
    assert finding.text == "9 outcomes were unexpected. This scenario expects some."


def test_no_scenario_may_expect_a_second_push():
    assert wrong(Expectation(None, None), overlapping=1)


def test_a_login_that_was_joined_needs_no_push():
    assert not wrong(pushes=390)


def test_the_load_generators_own_limits_are_not_hidden():
    assert remarks_of(1000, 0, 10, a_run().processes) == []
    assert len(remarks_of(1000, 1, 11, [])) == 2


def test_a_worker_that_had_to_wait_for_its_core_is_not_hidden():
    (worker,) = a_run().processes
    (remark,) = remarks_of(1000, 0, 0, [msgspec.structs.replace(worker, waited_share=0.4)])
    assert remark.startswith("The gateway's worker 0 was ready but had no core for 40% of the time")


def test_the_summary_begins_with_the_rate():
    rate, latency, share, cost = summary_of(a_run())
    assert rate == "100 logins/s offered, 100 answered, for 10 s."
    assert latency.startswith("Answered, push: half within 1.00 ms, 99 % within 3.00 ms; passcode:")
    assert "0.50 ms" in share
    assert cost.startswith("A login cost 1,500 µs")
    assert summary_of(a_run(limit=5000.0))[0].startswith("The limit of 1 worker(s) was 5,000 logins/s. ")


def test_a_ramp_has_a_rate_up_to_which_all_was_well():
    assert summary_of(a_run(carried_rate=1234.0))[1].startswith("Up to 1,234 logins/s every login was answered")


def test_a_run_in_which_nothing_was_answered_has_a_summary_too():
    nothing = a_run(latency_ms={}, gateway_ms={}, worker_us_per_login=None, answered=0, achieved_rate=0.0)
    assert summary_of(nothing) == ["100 logins/s offered, 0 answered, for 10 s."]


@pytest.mark.parametrize(("value", "text"), [(0.123, "0.12 ms"), (12.3, "12 ms"), (3400, "3.4 s")])
def test_durations_are_short(value, text):
    assert milliseconds(value) == text
