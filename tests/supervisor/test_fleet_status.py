"""What is shown of each host of a fleet."""

import msgspec
import pytest

from gateway.fleet.hosts import LEASE_S
from gateway.supervisor.fleet_status import HostState, Strangers, differing, has_other_first_key, worth_showing
from tests.supervisor.fleet_scene import DUO, OTHER, OWN, RECORD, SECTIONS, SILENT, shown


def test_a_host_is_shown_with_what_it_told_and_without_its_digests():
    host = shown()
    assert host["state"] == "ready"
    assert (host["name"], host["version"], host["n_ready"], host["pending"]) == ("gw-b", "1.2.3", 2, 3)
    assert host["applications"][0]["key"] == DUO
    assert "sections" not in host
    assert host["differs"] == []


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, HostState.READY),
        ({"is_leaving": True}, HostState.LEAVING),
        ({"record": None}, HostState.ARRIVING),
        ({"silent_s": LEASE_S, "is_gone": True}, HostState.SILENT),
        ({"silent_s": LEASE_S}, HostState.UNKNOWN),
        ({"silent_s": LEASE_S - 0.1}, HostState.READY),
        ({"record": msgspec.structs.replace(RECORD, n_ready=0)}, HostState.NOT_SERVING),
    ],
)
def test_how_a_host_is(changed, state):
    assert shown(OTHER._replace(**changed))["state"] == state


def test_its_own_host_is_known_as_such():
    assert shown(OWN)["self"]
    assert not shown()["self"]


def test_of_a_host_that_has_told_nothing_yet_no_difference_is_told():
    assert shown(OTHER._replace(record=None))["differs"] == []


def test_of_a_host_of_another_version_no_difference_is_told():
    """It may know other keys: its digests are others for the same file."""
    told = {"sections": dict.fromkeys(SECTIONS, "cc")}
    assert shown(OTHER._replace(record=msgspec.structs.replace(RECORD, **told)))["differs"] == sorted(SECTIONS)
    assert shown(OTHER._replace(record=msgspec.structs.replace(RECORD, version="1.2.4", **told)))["differs"] == []


def test_sections_that_differ_are_named_on_either_side():
    theirs = {**SECTIONS, "radius_server_duo_only": "cc", "radius_server_duo_only3": "dd"}
    assert differing([SECTIONS], theirs) == ["radius_server_duo_only", "radius_server_duo_only3"]
    assert differing([SECTIONS], {}) == sorted(SECTIONS)
    assert differing([SECTIONS], SECTIONS) == []


def test_another_first_key_is_told_apart_from_other_settings():
    under_second = dict.fromkeys(SECTIONS, "ee")
    assert differing([SECTIONS, under_second], under_second) == []
    assert has_other_first_key([SECTIONS, under_second], under_second)
    assert not has_other_first_key([SECTIONS, under_second], SECTIONS)
    changed = {**under_second, "radius_server_duo_only": "ff"}
    assert differing([SECTIONS, under_second], changed) == ["radius_server_duo_only"]


def test_a_host_that_left_or_began_anew_is_not_missed():
    assert worth_showing([SILENT], "gw-a") == [SILENT]
    assert worth_showing([SILENT._replace(is_leaving=True)], "gw-a") == []
    again = OTHER._replace(instance="c" * 16)
    assert worth_showing([SILENT, again], "gw-a") == [again]
    assert worth_showing([SILENT], "gw-b") == []


def test_a_host_that_ended_began_anew_and_left_is_not_missed_for_its_earlier_end():
    left = OTHER._replace(instance="0" * 16, is_leaving=True, silent_s=4.0)
    assert worth_showing([SILENT, left], "gw-a") == []
    ended_again = left._replace(is_leaving=False)
    assert worth_showing([SILENT, ended_again], "gw-a") == [ended_again]


def test_a_leaving_host_that_still_beats_is_shown():
    leaving = OTHER._replace(is_leaving=True)
    assert worth_showing([leaving], "gw-a") == [leaving]


def test_a_host_that_leaves_is_not_shown_beside_the_one_that_it_has_become():
    """As one that is restarted: both beat within the same two seconds."""
    leaving = SILENT._replace(is_leaving=True, silent_s=0.3)
    again = SILENT._replace(instance="c" * 16, silent_s=0.1)
    assert worth_showing([leaving, again], "gw-a") == [again]


def test_strangers_are_counted_while_they_beat_and_bounded():
    strangers = Strangers()
    for number in range(100):
        strangers.heard(str(number), 10.0)
    strangers.heard("3", 10.5)
    assert strangers.count(10.5) == 16
    assert strangers.count(10.0 + LEASE_S) == 1
    assert strangers.count(20.0) == 0
