"""From samples and arrays to figures."""

import numpy as np
import pytest

from bench.observe import Process, Sample, Usage, by_role
from bench.radius_load.plan import LoadPlan, Mix, Phase
from bench.radius_load.result import LoadResult, Record
from bench.report import figures
from bench.report.record import Percentiles, Second
from gateway.radius.dictionary import Code

DUO, WORKER, SUCCESSOR = Process("Duo", 1), Process("worker 0", 2), Process("worker 0", 3)
PLAN = LoadPlan(
    targets=(("127.0.0.1", 1812),),
    shared_secret="x",
    phases=(Phase(2.0, 2.0, 2.0),),
    mix=Mix(passcode=0.5, push=0.5),
)


def a_result() -> LoadResult:
    """Return four logins in two seconds: two passcodes after 1 and 3 ms, a push after 400 ms, one never answered."""
    planned = np.array([0.0, 0.5, 1.0, 1.5])
    answered = planned + np.array([0.001, 0.4, 0.003, np.nan])
    kinds = np.array([0, 2, 0, 2], np.uint8)
    codes = np.array([Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_ACCEPT, 0], np.uint8)
    return LoadResult(PLAN, Record(planned, planned.copy(), answered, kinds, codes), began_at=100.0)


def sample(at, *, ended=None, pending=0, **usage):
    names = {"duo": DUO, "worker": WORKER, "successor": SUCCESSOR}
    status = (
        None
        if ended is None
        else {
            "servers": [{"accepts": ended, "rejects": 0, "pending": pending}],
            "applications": [{"connections": {"idle": 1, "busy": 2}}] * 2,
        }
    )
    return Sample(at, status, {names[name]: Usage(*used) for name, used in usage.items()})


def test_latencies_are_told_by_kind_and_for_all():
    found = figures.latencies_by_kind(a_result())
    assert list(found) == ["passcode", "push", "all"]
    assert found["passcode"]["p50"] == pytest.approx(2.0)
    assert found["all"]["max"] == pytest.approx(400.0)


def test_a_second_has_the_latencies_of_the_logins_planned_in_it():
    first, second = figures.seconds_of(a_result())
    assert (first.planned, first.accepted, first.rejected, second.lost) == (2, 1, 1, 1)
    assert (first.unexpected, second.unexpected) == (1, 0), "a push was rejected"
    assert first.latency["push"].p99_ms == pytest.approx(400.0)
    assert second.latency.keys() == {"passcode"}


def test_a_login_that_was_never_sent_belongs_to_the_second_of_its_plan():
    result = a_result()
    result.record.sent_at[3] = np.nan
    assert [(second.unsent, second.lost) for second in figures.seconds_of(result)] == [(0, 0), (1, 0)]


def test_a_curve_goes_no_further_than_so_few_logins_can_tell():
    curve = figures.curve_of(np.linspace(0.001, 0.1, 100))
    shares = [share for share, _ in curve]
    assert shares == sorted(shares)
    assert max(share for share in shares if share < 1) <= 0.99
    assert curve[-1] == (1.0, pytest.approx(100.0))
    assert figures.curve_of(np.array([])) == []


def used(cpu_s, rss_bytes):
    return (cpu_s, 2 * cpu_s, rss_bytes)


def test_a_successor_has_used_nothing_before_it_was_there():
    readings = by_role(sample(0, worker=used(9.0, 50)), sample(1, successor=used(0.25, 40)))
    assert readings["worker 0"] == (0.25, 0.5, 40)


def test_processes_in_one_role_are_added_up():
    samples = [
        sample(0, duo=used(1.0, 10), worker=used(5.0, 50)),
        sample(1, duo=used(1.5, 20), worker=used(5.4, 60)),
        sample(2, duo=used(2.0, 15), successor=used(0.2, 30)),
    ]
    duo, worker = figures.processes_of(samples)
    assert (duo.role, duo.cpu_s, duo.core_share, duo.rss_max_bytes) == ("Duo", 1.0, 0.5, 20)
    assert (worker.n_processes, worker.cpu_s, worker.waited_share) == (2, pytest.approx(0.6), pytest.approx(0.6))
    assert worker.rss_bytes == 30
    assert figures.us_per_login(samples, 1000, ("worker",)) == pytest.approx(600.0)
    assert figures.us_per_login(samples, 0, ("worker",)) is None


def test_a_look_tells_what_a_login_cost_where_there_were_enough():
    samples = [
        sample(100.0, ended=0, worker=used(1.0, 50)),
        sample(101.0, ended=1000, pending=7, worker=used(1.5, 50)),
        sample(102.0, ended=1010, worker=used(1.6, 50)),
        sample(103.0, worker=used(1.6, 50)),
    ]
    busy, quiet, unanswered = figures.looks_of(samples, began_at=100.0)
    assert (busy.at_s, busy.pending, busy.logins) == (1.0, 7, 1000)
    assert busy.worker_us_per_login == pytest.approx(500.0)
    assert busy.connections == {"idle": 2, "busy": 4}
    assert busy.cores == {"worker 0": 0.5}
    assert quiet.worker_us_per_login is None
    assert (unanswered.pending, unanswered.logins) == (None, None)


@pytest.mark.parametrize(
    ("share", "seconds"),
    [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (0.99, 2.0)],  # the last is beyond all bounds
)
def test_a_quantile_of_a_histogram_lies_evenly_within_its_bucket(share, seconds):
    assert figures.histogram_quantile([1.0, 2.0], [50, 90, 100], share) == pytest.approx(
        seconds if share != 0.75 else 1.625
    )


def status(gateway_counts, **counts):
    return {
        "servers": [{"reasons": counts}],
        "histograms": {"bounds_s": [0.001, 0.01], "servers": {"a": {"gateway": {"counts": gateway_counts}}}},
    }


def test_the_gateways_share_is_that_of_the_logins_of_this_run():
    before, after = status([100, 100, 100]), status([100, 200, 200])
    assert figures.share_of_gateway_ms(before, after)["p50"] == pytest.approx(5.5)
    assert figures.share_of_gateway_ms(before, before) == {}


def test_counts_are_those_of_this_run():
    before, after = (
        status([0, 0, 0], duo_allowed=5, duo_denied=1),
        status([0, 0, 0], duo_allowed=9, duo_denied=1, sent=9),
    )
    assert figures.counts_between(before, after, "reasons") == {"sent": 9, "duo_allowed": 4}


def a_second(planned, *, passcode_ms=1.0, lost=0, unsent=0, unexpected=0):
    latency = {"passcode": Percentiles(passcode_ms, passcode_ms)}
    return Second(0.0, planned, planned, 0, lost, unsent, unexpected, latency)


def test_a_ramp_is_carried_until_two_bad_seconds_in_a_row():
    good = [a_second(rate) for rate in range(100, 1000, 100)]
    assert figures.carried_rate(good) == 900
    hiccup = [*good[:4], a_second(500, lost=1), *good[5:]]
    assert figures.carried_rate(hiccup) == 900
    end = [*good[:4], a_second(500, passcode_ms=300.0), a_second(600, lost=1), *good[6:]]
    assert figures.carried_rate(end) == 400


@pytest.mark.parametrize("what", ["lost", "unsent", "unexpected"])
def test_a_rate_is_not_carried_by_losing_rejecting_or_never_sending_logins(what):
    assert figures.carried_rate([a_second(rate, **{what: 1}) for rate in range(100, 1000, 100)]) == 0


def test_what_does_not_rise_is_no_ramp():
    assert figures.carried_rate([a_second(100)] * 9) is None
    assert figures.carried_rate([]) is None
