from itertools import takewhile

import numpy as np
import pytest

from bench.radius_load.limit import Demand, find_limit, next_rate
from bench.radius_load.plan import WARM_UP_S, LoadPlan, Phase
from bench.radius_load.result import Counts, LoadResult, Record

PLAN = LoadPlan(targets=(("127.0.0.1", 1812),), shared_secret="xyzzy", phases=(Phase(1, 1, 1),))


def result(n_logins: int = 1000, n_answered: int | None = None, latency_s: float = 0.001, **other: float) -> LoadResult:
    """Return a run whose logins were all accepted after `latency_s`, but for the first and the last ones."""
    planned_at = WARM_UP_S + np.arange(n_logins) / n_logins
    sent_at = planned_at + other.get("lateness_s", 0.0)
    sent_at[n_logins - int(other.get("n_unsent", 0)) :] = np.nan
    code = np.full(n_logins, 2, np.uint8)
    code[: int(other.get("n_rejected", 0))] = 3
    code[n_logins if n_answered is None else n_answered :] = 0
    answered_at = np.where(code, planned_at + latency_s, np.nan)
    return LoadResult(PLAN, Record(planned_at, sent_at, answered_at, np.zeros(n_logins, np.uint8), code, Counts()), 0.0)


def rates(limit: float, first_rate: float = 100.0, precision: float = 0.05) -> dict[float, bool]:
    tried: dict[float, bool] = {}
    while rate := next_rate(tried, first_rate, precision):
        tried[rate] = rate <= limit
    return tried


@pytest.mark.parametrize("limit", [3.0, 90.0, 100.0, 101.0, 777.0, 12_345.0])
def test_the_search_comes_within_its_precision(limit):
    tried = rates(limit)
    found = max((rate for rate, carried in tried.items() if carried), default=0.0)
    assert found <= limit <= found + 0.05 * max(found, 100.0) + 1
    assert len(tried) <= 20


def test_it_doubles_until_a_rate_is_not_carried():
    assert list(takewhile(lambda rate: rate <= 1000, rates(1000.0))) == [100, 200, 400, 800]


def test_what_is_carried_has_no_complaint():
    assert Demand().complaint(result()) == ""
    assert Demand().complaint(result(n_answered=999)) == ""


def test_too_few_answers_or_too_late_ones_are_told():
    assert Demand().complaint(result(n_answered=990)) == "99.00% answered, p99 1.0 ms"
    assert Demand().complaint(result(latency_s=0.2)) == "100.00% answered, p99 200.0 ms"
    assert Demand().complaint(result(n_answered=0)) == "0.00% answered, p99 nan ms"


def test_logins_that_were_rejected_for_want_of_time_are_not_carried():
    assert Demand().complaint(result(n_rejected=1)) == ""
    assert Demand().complaint(result(n_rejected=900)) == "90.00% with a wrong outcome"
    assert Demand().complaint(result(n_rejected=1000, lateness_s=0.2)) == "100.00% with a wrong outcome"


def test_the_generator_blames_itself_where_it_is_to_blame():
    assert "generator" in Demand().complaint(result(n_answered=900, n_unsent=100))
    assert "generator" in Demand().complaint(result(latency_s=0.3, lateness_s=0.2))


def test_a_rate_that_fails_once_is_tried_again(monkeypatch):
    """Fails at 200 the first time only, and always above 400."""
    asked = []

    def run(plan: LoadPlan) -> LoadResult:
        rate = plan.phases[-1].from_rate
        asked.append(rate)
        return result(n_answered=0 if rate > 400 or asked == [100, 200] else None)

    monkeypatch.setattr("bench.radius_load.limit.run_load", run)
    limit = find_limit(PLAN, first_rate=100.0, precision=0.5)
    assert asked == [100, 200, 200, 400, 800, 800, 600, 600]
    assert limit.rate == 400
    assert [step.rate for step in limit.steps] == asked


def test_the_number_of_steps_is_bounded(monkeypatch):
    monkeypatch.setattr("bench.radius_load.limit.run_load", lambda plan: result())
    assert len(find_limit(PLAN, max_steps=7).steps) == 7


def test_the_logins_of_the_warm_up_do_not_count(monkeypatch):
    def run(plan: LoadPlan) -> LoadResult:
        whole = result(n_logins=1000, n_answered=1000)
        whole.record.planned_at[:100] -= WARM_UP_S
        whole.record.code[:100] = 0
        return whole

    monkeypatch.setattr("bench.radius_load.limit.run_load", run)
    step = find_limit(PLAN, max_steps=1).steps[0]
    assert (step.complaint, step.result.planned) == ("", 900)
