"""Who beats, who is gone, and when silence says nothing."""

import pytest

from gateway.fleet.hosts import Hosts, encode_beat
from gateway.fleetapi.messages import Beat, decode_message
from tests.fleet.world import Sealing

OURS, OTHER, THIRD = "00000000000000a0", "00000000000000a1", "00000000000000a2"


@pytest.fixture
def sealing() -> Sealing:
    return Sealing()


def beat(hosts: Hosts, sealing: Sealing, instance: str, now: float, name: str = "gw", is_leaving: bool = False) -> None:
    message = decode_message(encode_beat(instance, name, is_leaving, sealing))
    assert isinstance(message, Beat)
    hosts.heard(message, sealing, now)


def test_a_host_is_gone_two_seconds_after_its_last_beat(sealing: Sealing):
    hosts = Hosts(OURS)
    hosts.connected(0.0)
    beat(hosts, sealing, OTHER, 10.0)
    assert not hosts.is_gone(OTHER, 11.9)
    assert hosts.is_gone(OTHER, 12.0)
    beat(hosts, sealing, OTHER, 12.1)
    assert not hosts.is_gone(OTHER, 12.2)


def test_one_that_was_never_heard_is_gone_a_lease_after_we_began_to_hear():
    hosts = Hosts(OURS)
    assert not hosts.is_gone(OTHER, 100.0)
    hosts.connected(100.0)
    assert not hosts.is_gone(OTHER, 101.9)
    assert hosts.is_gone(OTHER, 102.0)


def test_who_could_not_hear_believes_no_silence(sealing: Sealing):
    hosts = Hosts(OURS)
    hosts.connected(0.0)
    beat(hosts, sealing, OTHER, 1.0)
    hosts.lost()
    assert not hosts.is_gone(OTHER, 50.0)
    hosts.connected(50.0)
    assert not hosts.is_gone(OTHER, 51.0)
    assert hosts.is_gone(OTHER, 52.0)


def test_our_own_host_is_never_gone():
    hosts = Hosts(OURS)
    hosts.connected(0.0)
    assert not hosts.is_gone(OURS, 100.0)


def test_who_is_alive_by_name(sealing: Sealing):
    hosts = Hosts(OURS)
    hosts.connected(0.0)
    beat(hosts, sealing, OURS, 9.0, "gw-b")
    beat(hosts, sealing, OTHER, 9.5, "gw-a", is_leaving=True)
    beat(hosts, sealing, THIRD, 7.0, "gw-c")
    assert [(host.name, host.is_leaving, host.version) for host in hosts.alive(10.0)] == [
        ("gw-a", True, 1),
        ("gw-b", False, 1),
    ]


def test_two_hosts_with_one_name_are_told_from_one_that_began_anew(sealing: Sealing):
    hosts = Hosts(OURS)
    beat(hosts, sealing, OTHER, 10.0)
    beat(hosts, sealing, THIRD, 10.5)
    assert hosts.same_names(10.5) == []
    beat(hosts, sealing, OTHER, 10.6)
    assert hosts.same_names(10.6) == ["gw"]
    beat(hosts, sealing, OTHER, 11.0, is_leaving=True)
    assert hosts.same_names(11.0) == []


def test_a_beat_that_does_not_open_is_none(sealing: Sealing):
    hosts = Hosts(OURS)
    hosts.connected(0.0)
    message = decode_message(encode_beat(OTHER, "gw", False, sealing))
    assert isinstance(message, Beat)
    hosts.heard(Beat(THIRD, 1, message.sealed), sealing, 10.0)
    hosts.heard(Beat(OTHER, 1, b"forged"), sealing, 10.0)
    assert not hosts.alive(10.0)
    assert hosts.is_gone(OTHER, 10.0)


def test_hosts_that_are_long_gone_are_forgotten(sealing: Sealing):
    hosts = Hosts(OURS)
    for number in range(3000):
        beat(hosts, sealing, f"{number:016x}", 1.0)
    assert len(hosts.alive(1.0)) == 1024
    for number in range(3000):
        beat(hosts, sealing, OTHER, 70.0 + number)
    assert repr(hosts).startswith("<Hosts 1 ")
