"""What is said of a breaker's events."""

import pytest

from gateway.failmode.accounts import account_of_event, hint_of
from gateway.failmode.evidence import Evidence
from gateway.failmode.states import BreakerEvent
from gateway.unavailable import Trouble
from gateway.words.explanations import LOGINS_FAIL, SET_THE_CLOCK, TROUBLES

NOTHING_SEEN = Evidence()


def account(event: BreakerEvent, seen: Evidence = NOTHING_SEEN, n_failed_probes: int = 0, skew_s: float = 0.0) -> str:
    return account_of_event(event, "connect: refused", seen, n_failed_probes, skew_s)


@pytest.mark.parametrize("event", BreakerEvent)
def test_every_event_has_an_account(event: BreakerEvent):
    assert account(event)
    assert "{" not in account(event)


def test_a_streak_says_what_it_is_made_of():
    assert account(BreakerEvent.STREAK_COMPLETE, Evidence(n_failing=9), 1) == (
        "Duo does not answer (users with a failed call: 9, failed probes: 1; the last trouble was connect: refused)"
    )


@pytest.mark.parametrize(("skew_s", "said"), [(61.0, "61 s behind Duo's"), (-61.0, "61 s ahead of Duo's")])
def test_a_clock_is_behind_or_ahead(skew_s: float, said: str):
    assert said in account(BreakerEvent.CLOCK_OFF, skew_s=skew_s)


def test_there_is_a_hint_where_there_is_something_to_do():
    assert hint_of(BreakerEvent.CLOCK_OFF, None) == SET_THE_CLOCK
    assert hint_of(BreakerEvent.LOGINS_FAIL, Trouble.TLS) == LOGINS_FAIL
    assert hint_of(BreakerEvent.STREAK_COMPLETE, Trouble.TLS) == TROUBLES[Trouble.TLS].remedy
    assert hint_of(BreakerEvent.STREAK_COMPLETE, None) == hint_of(BreakerEvent.ANSWERED, Trouble.TLS) == ""
