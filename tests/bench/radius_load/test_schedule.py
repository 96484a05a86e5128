import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.radius_load.plan import Phase
from bench.radius_load.schedule import EARLY_S, SPIN_S, pause_s, planned_instants


def test_a_constant_rate_plans_at_equal_distances():
    assert planned_instants([Phase(1, 4, 4)]) == pytest.approx([0, 0.25, 0.5, 0.75])


def test_a_ramp_plans_by_the_area_under_it():
    """From 0 to 8 a second in one second: login k leaves at t with 4 t² = k."""
    assert planned_instants([Phase(1, 0, 8)]) == pytest.approx(np.sqrt(np.arange(4) / 4))


def test_a_falling_ramp_ends_sparse():
    assert np.diff(np.diff(planned_instants([Phase(10, 20, 0)]))).min() > 0


def test_the_next_phase_goes_on_where_the_one_before_stopped():
    """1.5 logins in the first phase: the half one is carried over."""
    assert planned_instants([Phase(1.5, 1, 1), Phase(1, 10, 10)]) == pytest.approx(
        [0, 1, *np.arange(1.55, 2.5, 0.1)], abs=1e-9
    )


def test_a_pause_is_a_phase_without_logins():
    instants = planned_instants([Phase(1, 2, 2), Phase(5, 0, 0), Phase(1, 2, 2)])
    assert instants == pytest.approx([0, 0.5, 6, 6.5])


phases = st.builds(Phase, st.floats(0.1, 5), st.floats(0, 300), st.floats(0, 300))


@given(st.lists(phases, min_size=1, max_size=5))
def test_instants_ascend_within_the_phases_and_are_as_many_as_planned(phases):
    instants = planned_instants(phases)
    total = sum(phase.duration_s * (phase.from_rate + phase.to_rate) / 2 for phase in phases)
    assert abs(len(instants) - total) <= 1 + 1e-6
    assert np.all(np.diff(instants) >= -1e-9)
    assert np.all(instants >= 0)
    assert np.all(instants <= sum(phase.duration_s for phase in phases) + 1e-6)


def test_short_gaps_are_spent_awake():
    assert pause_s(1.0, active_at=1.0 - SPIN_S / 2, next_at=9.0) == 0.0
    assert pause_s(1.0, active_at=0.0, next_at=1.0 + EARLY_S / 2) == 0.0


def test_long_gaps_are_slept_through_in_short_naps_and_never_past_the_next_login():
    assert 0 < pause_s(1.0, active_at=0.9, next_at=60.0) < 0.010
    assert pause_s(1.0, active_at=0.9, next_at=1.006) == pytest.approx(0.006 - EARLY_S)
