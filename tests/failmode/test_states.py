"""What may follow what."""

import pytest

from gateway.failmode.breaker import Breaker
from gateway.failmode.states import TRANSITIONS, BreakerEvent, BreakerState
from tests.failmode.scene import DOWN, HEALTHY, KEYS_REFUSED, TRIAL


def test_what_cannot_happen_raises():
    with pytest.raises(ValueError, match="nobody_came cannot happen to an application that is healthy"):
        Breaker()._happened(BreakerEvent.NOBODY_CAME, 0.0)


def test_every_state_is_in_the_table_and_leads_back_to_healthy():
    assert set(TRANSITIONS) == set(BreakerState)
    reached = {HEALTHY}
    while True:
        more = {state for state, following in TRANSITIONS.items() if reached & set(following.values())}
        if more <= reached:
            break
        reached |= more
    assert reached == set(BreakerState)


def test_fail_mode_and_trial_by_state():
    assert [state for state in BreakerState if state.is_fail_mode_active] == [DOWN, TRIAL, KEYS_REFUSED]
    assert [state for state in BreakerState if state.admits_trial] == [TRIAL]
    assert [tuple(BreakerState)[state.number] for state in BreakerState] == list(BreakerState)
