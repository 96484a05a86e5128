"""Who of a host shares its logins with others."""

import pytest

from gateway.fleet.patience import Away
from gateway.statistics.layout import FLEET_SHARING, SHARED
from gateway.supervisor.sharing import Sharing, sharing_of


def workers(*standings: str, state: str = "ready") -> list[dict[str, str]]:
    return [{"state": state, "sharing": standing} for standing in standings]


def test_all_share():
    assert sharing_of("", workers("shared", "shared")) == Sharing("", 0, 2)
    assert sharing_of("", []) == Sharing("")
    assert sharing_of("", [{"state": "ready"}]).detail == ""


@pytest.mark.parametrize("standing", FLEET_SHARING)
def test_a_worker_that_does_not_is_told_with_the_reason(standing):
    sharing = sharing_of("", workers("shared", standing))
    assert sharing.detail == ("" if standing == SHARED else f"1 of 2 workers: {sharing.why_not}")
    assert bool(sharing.why_not) is (standing != SHARED)


def test_each_reason_is_told_once():
    why = "1 of 1 worker: the store's answers are late"
    assert sharing_of("", workers("late")).detail == why
    both = sharing_of("", workers("late", "full", "late", "shared")).detail
    assert both == "3 of 4 workers: the store's answers are late; the store is full"


def test_who_does_not_serve_does_not_count_nor_does_who_has_not_said():
    assert sharing_of("", workers("late", state="starting")) == Sharing("")
    assert sharing_of("", workers("", "shared")).detail == ""


def test_what_concerns_the_whole_host_is_told_of_no_worker():
    assert sharing_of("connection refused", workers("late")).detail == "connection refused"


def test_each_way_in_which_the_store_can_be_away_can_be_shown():
    assert {each.value for each in Away} < set(FLEET_SHARING)
