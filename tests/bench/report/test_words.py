"""What a run says in words."""

import msgspec
import pytest

from bench.radius_load.result import Counts
from bench.report.record import Finding, Judgement, Marked
from bench.report.words import Tally, failures_of, findings_of, milliseconds, remarks_of, summary_of
from bench.scenario import Expectation
from tests.bench.report.examples import a_run

GOOD = Tally(
    planned=1000,
    sent=1000,
    lost=0,
    unexpected=0,
    counts=Counts(),
    reasons={},
    pushes=400,
    excess=0,
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
        "Nobody was pushed twice for one login (400 pushes).",
        "Every answer was the right one.",
    ]
    assert not wrong()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lost": 3}, "3 logins had no answer, which must not be."),
        ({"unexpected": 2}, "2 logins ended otherwise than with a Duo that answers, which must not be."),
        (
            {"unexpected": 1, "reasons": {"overloaded": 1}},
            "1 rejected because the gateway or Duo had too much to do, which must not be.",
        ),
        ({"overlapping": 1}, "1 of 400 pushes was too many: somebody was pushed twice."),
        ({"pushes": 402, "excess": 2}, "2 of 402 pushes were too many: somebody was pushed twice."),
        ({"counts": Counts(half_answered=5)}, "5 logins: answered to one controller only, which must not be."),
        ({"counts": Counts(invalid=1)}, "1 reply could not be verified."),
        ({"counts": Counts(unsigned=2)}, "2 replies had no Message-Authenticator."),
        ({"counts": Counts(double_answers=4)}, "4 requests got two different answers."),
        (
            {"counts": Counts(contradictions=3)},
            "3 logins: two controllers were told different things, which must not be.",
        ),
    ],
)
def test_what_must_never_happen_is_said(changes, text):
    assert wrong(**changes) == [text]


def test_a_scenario_may_expect_losses_and_says_so():
    assert not wrong(Expectation(lost=5), lost=5)
    assert wrong(Expectation(lost=5), lost=6)
    assert not wrong(Expectation(unexpected=None), unexpected=999)
    assert not wrong(Expectation(5, 3), counts=Counts(half_answered=5, contradictions=3))
    assert len(wrong(Expectation(5, 3), counts=Counts(half_answered=6, contradictions=4))) == 2
    assert findings_of(GOOD._replace(lost=1), Expectation(lost=5))[0] == Finding(
        Judgement.EXPECTED, "1 login had no answer; 5 may be so."
    )


NINE = "9 logins ended otherwise than with a Duo that answers"


@pytest.mark.parametrize(
    ("unexpected", "reasons", "text"),
    [
        (6072, {"duo_allowed": 9000, "failmode_secure": 6072}, "6,072 rejected by fail mode, as meant."),
        (1, {"failmode_safe": 1}, "1 accepted by fail mode, as meant."),
        (
            9,
            {"duo_allowed": 50, "duo_denied": 3, "failmode_secure": 6, "deadline": 2},
            f"{NINE} (6 rejected by fail mode, 2 rejected because time was up), as meant.",
        ),
        (9, {}, f"{NINE}, as meant."),
        (4, {"no_such_device": 4}, "4 no such device, as meant."),
    ],
)
def test_what_became_of_logins_while_duo_was_away_is_said_by_reason(unexpected, reasons, text):
    found = findings_of(GOOD._replace(unexpected=unexpected, reasons=reasons), Expectation(unexpected=None))[2]
    assert found == Finding(Judgement.EXPECTED, text)


def test_no_scenario_may_expect_a_second_push():
    assert wrong(Expectation(None, None), overlapping=1)
    assert wrong(Expectation(None, None), unexpected=9, excess=1)


def test_who_was_rejected_while_a_push_was_out_may_log_in_anew():
    assert not wrong(Expectation(None, None), unexpected=2, overlapping=2)
    assert wrong(Expectation(None, None), unexpected=2, overlapping=3)


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
    assert latency.startswith("Answered, push: median 1.00 ms, p99 3.00 ms; passcode:")
    assert "0.50 ms" in share
    assert cost.startswith("A login cost 1,500 µs")


def test_a_ramp_has_a_rate_up_to_which_all_was_well():
    assert summary_of(a_run(carried_rate=1234.0))[1] == (
        "Up to 1,234 logins/s there were no two seconds in a row with a login lost, not sent or answered wrongly,"
        " or with a median of the passcodes over 250 ms."
    )


def test_answers_that_came_when_the_load_was_over_are_told_apart():
    assert summary_of(a_run(achieved_rate=50.0, answered_later=500))[0] == (
        "100 logins/s offered, 50 answered, for 10 s; 500 were answered later."
    )


def test_the_workers_memory_is_that_of_all_of_them():
    worker = msgspec.structs.replace(a_run().processes[0], rss_max_bytes=40_000_000, core_share=0.5)
    workers = [msgspec.structs.replace(worker, role=f"worker {slot}") for slot in range(2)]
    assert summary_of(a_run(processes=workers))[-1].endswith("they used 1.00 cores, and 80 MB of memory at most.")


def test_an_event_that_failed_is_wrong():
    events = [Marked(1.0, 0.0, "reload", "generation 2"), Marked(2.0, 0.0, "reload", "not reloaded", failed=True)]
    assert failures_of(events) == [Finding(Judgement.WRONG, "reload, after 2.0 s, failed: not reloaded")]


def test_a_run_in_which_nothing_was_answered_has_a_summary_too():
    nothing = a_run(latency_ms={}, gateway_ms={}, worker_us_per_login=None, answered=0, achieved_rate=0.0)
    assert summary_of(nothing) == ["100 logins/s offered, 0 answered, for 10 s."]


@pytest.mark.parametrize(("value", "text"), [(0.123, "0.12 ms"), (12.3, "12 ms"), (3400, "3.4 s")])
def test_durations_are_short(value, text):
    assert milliseconds(value) == text
