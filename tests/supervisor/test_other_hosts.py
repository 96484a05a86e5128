"""What is known of other hosts, and what stays known."""

import msgspec

from gateway.config.settings import FleetSettings, Secret
from gateway.fleet.access import open_sealer
from gateway.fleet.hosts import encode_beat
from gateway.fleetapi.host_records import HostRecord, bound_to_host, encode_host
from gateway.fleetapi.messages import Beat, decode_message
from gateway.supervisor.other_hosts import OtherHosts
from gateway.supervisor.reach import HOLD_S
from tests.supervisor.fleet_scene import DUO, OTHER, RECORD

OLD, NEW = Secret(bytes(32)), Secret(bytes(range(32)))
SEALER = open_sealer(FleetSettings(engine="redis://127.0.0.1", keys=(OLD,)))
B = OTHER.instance


class Scene:
    """A host that has heard of another one, and read what it has told."""

    def __init__(self) -> None:
        self.others = OtherHosts("a" * 16)
        self.beat()
        assert self.tell()

    def beat(self, now: float = 100.0, *, is_leaving: bool = False) -> None:
        beat = decode_message(encode_beat(B, "gw-b", is_leaving, SEALER))
        assert isinstance(beat, Beat)
        self.others.heard(beat, SEALER, now)

    def tell(self, now: float = 100.0, record: HostRecord = RECORD) -> bool:
        return self.others.told(B, SEALER.seal(encode_host(record), bound_to_host(B)), SEALER, now)

    def shown(self, now: float = 100.0) -> list[tuple[str, str]]:
        facts = self.others.facts("gw-a", now)
        return [(each.name, each.record.version if each.record else "") for each in facts]


def test_what_was_not_written_anew_is_no_word_of_now():
    scene = Scene()
    sealed = SEALER.seal(encode_host(RECORD), bound_to_host(B))
    assert scene.others.told(B, sealed, SEALER, 101.0)
    scene.beat(105.0)
    assert not scene.others.told(B, sealed, SEALER, 105.0)
    assert scene.others.is_reached(DUO, 101.0 + HOLD_S - 0.1)
    assert not scene.others.is_reached(DUO, 101.0 + HOLD_S)


def test_who_leaves_takes_back_what_it_said_and_what_was_read_too_late():
    scene = Scene()
    scene.beat(101.0, is_leaving=True)
    assert not scene.others.is_reached(DUO, 101.0)
    assert scene.tell(101.1)
    assert not scene.others.is_reached(DUO, 101.1)


def test_what_is_no_record_changes_nothing():
    scene = Scene()
    for answer in (None, b"", b"x" * 100, 7):
        assert not scene.others.told(B, answer, SEALER, 101.0)
    assert scene.shown() == [("gw-b", "1.2.3")]
    assert scene.others.is_reached(DUO, 101.0)


def test_who_has_been_gone_for_long_is_forgotten():
    scene = Scene()
    scene.others.forget(200.0)
    assert scene.others._told == {}


def test_a_fleet_key_more_changes_nothing():
    scene = Scene()
    scene.others.keys_changed([OLD], [NEW, OLD])
    assert scene.shown() == [("gw-b", "1.2.3")]


def test_a_fleet_key_less_leaves_the_hosts_and_what_they_said_of_duo():
    scene = Scene()
    scene.others.keys_changed([NEW, OLD], [NEW])
    assert scene.shown() == [("gw-b", "")]
    assert scene.others.is_reached(DUO, 101.0)


def test_hosts_of_another_fleet_are_no_hosts_and_what_they_said_of_duo_ends_by_itself():
    scene = Scene()
    scene.others.keys_changed([OLD], [NEW])
    assert scene.shown() == []
    assert scene.others.is_reached(DUO, 101.0)


def test_a_record_keeps_the_names_that_hosts_of_other_versions_read():
    (application,) = msgspec.msgpack.decode(encode_host(RECORD))["applications"]
    assert application.keys() == {"key", "state", "is_failmode_active"}
