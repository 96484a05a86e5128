"""The number of workers that is recommended."""

import pytest

from bench.report.record import ProcessFigures, Step
from bench.tune import NOT_KNOWN, REMEDY, Tried, advice, curve, knee, rows, tried
from tests.bench.report.examples import a_run


@pytest.mark.parametrize(
    ("rates", "workers"),
    [
        ({1: 1000}, 1),
        ({1: 1000, 2: 1990, 3: 2950, 4: 3900}, 4),
        ({1: 1000, 2: 1900, 3: 1950, 4: 1930}, 2),
        ({1: 1000, 2: 1050}, 1),
        ({1: 1000, 2: 900, 3: 1500}, 3),  # a bad moment in between is no knee
        ({1: 0.0, 2: 0.0}, 1),
        ({2: 1900, 1: 1000}, 2),
    ],
)
def test_the_knee_is_the_least_number_that_none_beyond_outdoes_by_a_tenth(rates, workers):
    assert knee(rates) == workers


def test_a_run_of_the_scenario_tells_what_was_carried_and_who_was_the_limit():
    """Held at nine tenths of the limit, a worker that uses 0.81 of its core would use 0.9 of it at the limit."""
    run = a_run(
        workers=2,
        limit=1000.0,
        offered_rate=900.0,
        steps=[Step(1000, 2.0, ""), Step(2000, 900.0, "50.00% answered, p99 900.0 ms")],
        processes=[ProcessFigures(f"worker {slot}", 1, 8.1, 0.81, 0.0, 0, 0) for slot in range(2)],
    )
    assert tried(run) == Tried(2, 1000.0, pytest.approx(0.81), run.worker_us_per_login, "the workers")


def test_the_advice_says_what_to_set_and_what_it_is_worth():
    setting, *rest = advice(
        [Tried(1, 5000.0, 0.88, 150.0, "the workers"), Tried(2, 5100.0, 0.9, 160.0, "the workers")], n_cores=2
    )
    assert setting == "workers=1"
    assert rest[0] == "1 worker carried 5,000 logins/s; more were no use here."
    assert "from 2 workers on they compete" in rest[1]


@pytest.mark.parametrize("other", ["the simulated Duo", "the load generator", "the cores, which others needed too"])
def test_more_workers_that_were_not_at_the_limit_prove_nothing(other):
    setting, *rest = advice([Tried(1, 5000.0, 0.88, 150.0, "the workers"), Tried(2, 5100.0, 0.5, 160.0, other)], 4)
    assert setting == "workers=1, or more"
    assert rest == [
        "1 worker carried 5,000 logins/s; more were no use here, where something else was the limit.",
        f"With 2 workers the limit was that of {other}.",
    ]


def test_where_the_most_workers_carried_most_more_may_carry_more():
    setting, sentence = advice([Tried(workers, workers * 900.0, 0.9, 150.0, "the workers") for workers in (1, 2)], 4)
    assert setting == "workers=2, or more"
    assert sentence == "2 workers carried 1,800 logins/s; more were not tried."


def test_where_nothing_was_carried_nothing_is_advised():
    assert advice([Tried(1, 0.0, 0.1, None, "the simulated Duo")], 2) == [
        "workers: not known",
        "No rate that was tried was carried, with any number of workers.",
    ]


def test_the_curve_names_the_number():
    assert "workers=1" in curve([Tried(1, 5000.0, 0.9, 150.0, ""), Tried(2, 5100.0, 0.5, 160.0, "")], "workers=1")


WORKERS, DUO, LOAD, CORES = (
    "the workers",
    "the simulated Duo",
    "the load generator",
    "the cores, which others needed too",
)


def nothing_is_advised(all_tried, n_cores=8):
    setting, *why, remedy = advice(all_tried, n_cores)
    assert (setting, remedy) == (NOT_KNOWN, REMEDY)
    assert "workers=" not in curve(all_tried, setting)
    return why


@pytest.mark.parametrize("other", [DUO, LOAD])
def test_what_gave_more_workers_more_was_no_limit_for_fewer(other):
    all_tried = [Tried(1, 1688.0, 0.52, 300.0, other), Tried(2, 5750.0, 0.9, 150.0, WORKERS)]
    (sentence,) = nothing_is_advised(all_tried, n_cores=2)
    assert sentence == (
        f"1 worker carried 1,688 logins/s and used 0.52 of a core, as if {other} gave no more;"
        " but with 2 workers it gave 5,750."
    )
    assert [row[-1] for row in rows(all_tried)] == ["not known", WORKERS]


def test_workers_far_below_a_full_core_were_not_at_their_limit():
    (sentence,) = nothing_is_advised([Tried(1, 5000.0, 0.4, 80.0, DUO), Tried(2, 5100.0, 0.2, 80.0, DUO)])
    assert sentence.startswith("1 worker carried 5,000 logins/s with 0.40 of a core: the limit was that of the simul")


def test_a_worker_that_has_to_wait_for_a_core_of_its_own_is_not_alone_on_the_machine():
    assert len(nothing_is_advised([Tried(1, 3000.0, 0.6, 200.0, CORES), Tried(2, 9000.0, 0.9, 200.0, WORKERS)])) == 1


def test_more_workers_with_cores_of_their_own_do_not_carry_less():
    (sentence,) = nothing_is_advised(
        [Tried(1, 5000.0, 0.9, 1.0, WORKERS), Tried(2, 2000.0, 0.9, 1.0, WORKERS), Tried(3, 9000.0, 0.9, 1.0, WORKERS)]
    )
    assert sentence.startswith("2 workers carried 2,000 logins/s, less than 1 worker with 5,000")


def test_where_the_load_needs_the_same_cores_more_workers_may_carry_less():
    setting, *_ = advice([Tried(1, 5000.0, 0.9, 150.0, WORKERS), Tried(2, 3000.0, 0.6, 150.0, CORES)], 2)
    assert setting == "workers=1, or more"
