"""Who was at the limit that was found, and what a report says of it."""

import pytest

from bench.report.limits import findings_of_search, limit_in_words, limited_by
from bench.report.record import Judgement, ProcessFigures, Step
from bench.report.words import summary_of
from tests.bench.report.examples import a_run

SLOW = "98.00% answered, p99 300.0 ms"
GENERATOR = "the load generator is at its limit: 9 unsent, 8 late"
CARRIED, FAILED = Step(1000, 2.0, ""), Step(1500, 300.0, SLOW)


def searched(*steps, core_share=0.9, waited_share=0.0, limit=1000.0):
    """Return a run of two workers with this limit, which it holds."""
    workers = [ProcessFigures(f"worker {slot}", 1, 1.0, core_share, waited_share, 0, 0) for slot in range(2)]
    return a_run(workers=2, limit=limit, offered_rate=1000.0, steps=list(steps), processes=workers)


@pytest.mark.parametrize(
    ("complaint", "core_share", "waited_share", "who"),
    [
        (SLOW, 0.95, 0.0, "the workers"),
        (SLOW, 0.6, 0.0, "the simulated Duo"),
        (SLOW, 0.6, 0.4, "the cores, which others needed too"),
        (GENERATOR, 0.95, 0.0, "the load generator"),
    ],
)
def test_who_sleeps_at_the_limit_was_not_the_limit(complaint, core_share, waited_share, who):
    run = searched(CARRIED, Step(1500, 300.0, complaint), core_share=core_share, waited_share=waited_share)
    assert limited_by(run) == who


def test_a_rate_that_was_carried_on_its_second_try_is_no_limit():
    hiccup = Step(500, 300.0, GENERATOR)
    assert limited_by(searched(hiccup, Step(500, 2.0, ""), CARRIED, FAILED, FAILED)) == "the workers"
    at_the_limit = Step(1000, 300.0, GENERATOR)
    assert limited_by(searched(at_the_limit, CARRIED, FAILED, FAILED)) == "the workers"


def test_the_lowest_rate_beyond_the_limit_counts():
    beyond = Step(2000, 900.0, GENERATOR)
    assert limited_by(searched(CARRIED, beyond, FAILED)) == "the workers"


def test_a_limit_of_the_workers_is_the_limit_and_another_the_least():
    assert limit_in_words(searched(CARRIED, FAILED)) == "The limit of 2 workers was 1,000 logins/s."
    at_least = "2 workers carried at least 1,000 logins/s: the limit was that of the load generator."
    run = searched(CARRIED, Step(1500, 300.0, GENERATOR))
    assert limit_in_words(run) == at_least
    assert summary_of(run)[0].startswith(f"{at_least} 1,000 logins/s offered")
    assert limit_in_words(a_run(limit=None)) == ""


def test_one_worker_is_one():
    assert limit_in_words(a_run(limit=900.0, workers=1, steps=[])) == "The limit of 1 worker was 900 logins/s."


def test_a_search_that_found_nothing_is_a_finding():
    (finding,) = findings_of_search(0.0, [FAILED, Step(31.0, 300.0, SLOW), Step(62.0, 300.0, SLOW)])
    assert finding.judgement is Judgement.WRONG
    assert finding.text == f"Not even 31 logins/s were carried: {SLOW}."
    assert findings_of_search(1000.0, [CARRIED]) == findings_of_search(None, []) == []
