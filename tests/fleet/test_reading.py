"""Which records are believed."""

import pytest

from gateway.fleet.reading import RecordReader
from gateway.fleet.script_answers import Found
from gateway.fleetapi import records
from gateway.fleetapi.names import bound_to
from tests.fleet.world import Sealing

LOGIN = b"alice's login 16"
NOW = 1_700_000_000.0


def found(sealing: Sealing, content: bytes, state: str = "pushed", epoch: int = 1, age_s: float = 1.0) -> Found:
    return Found(
        "0123456789abcdef:0123456789abcdef", epoch, state, sealing.seal(content, bound_to(state, LOGIN)), age_s
    )


def pushed(pushed_at: float | None, epoch: int = 1) -> bytes:
    return records.pushed(epoch, "gw-a", "tx", "push", pushed_at)


YOUNG, OLD, UNKNOWN = "young", "old", "unknown"


@pytest.mark.parametrize(
    ("pushed_at", "duo_time", "age_s", "is_what"),
    [
        (NOW - 89.0, NOW, 89.0, YOUNG),
        (NOW - 90.0, NOW, 90.0, OLD),
        (NOW + 4.0, NOW, 0.0, YOUNG),
        (NOW + 6.0, NOW, None, UNKNOWN),
        (NOW + 1e6, NOW, None, UNKNOWN),
        (NOW - 1.0, None, None, UNKNOWN),
        (None, NOW, None, UNKNOWN),
        (None, None, None, UNKNOWN),
    ],
)
def test_how_old_a_push_is_duos_clock_says_alone(
    pushed_at: float | None, duo_time: float | None, age_s: float | None, is_what: str
):
    """Whatever the store says: who writes there chooses that. It says whom to join, and for how long."""
    sealing = Sealing()
    reader = RecordReader(sealing, lambda: duo_time)
    record = records.PushedRecord(1, 1, "gw-a", "tx", "push", pushed_at)
    assert reader.age_s(record) == age_s
    for told_s in (-6.0, 1.0, 89.0, 90.0, 1e6):
        in_store = found(sealing, pushed(pushed_at), age_s=told_s)
        read = reader.read(LOGIN, in_store)
        assert read == (record if is_what == YOUNG or (is_what == UNKNOWN and 0.0 <= told_s < 90.0) else None)
        may_wait = is_what == UNKNOWN and pushed_at is not None
        assert reader.waits_for_time(LOGIN, in_store) is (read is not None and may_wait)
        believed = reader.read_push(LOGIN, 1, in_store.sealed)
        assert believed == ((record, age_s) if is_what == YOUNG else None)


def test_an_instant_is_told_by_duos_clock():
    assert RecordReader(Sealing(), lambda: NOW).unix_time(100.0, 107.0) == NOW - 7.0
    assert RecordReader(Sealing(), lambda: None).unix_time(100.0, 107.0) is None


def test_a_record_may_be_of_an_earlier_epoch_of_its_login_but_not_of_a_later_one():
    sealing = Sealing()
    reader = RecordReader(sealing, lambda: NOW)
    assert reader.read(LOGIN, found(sealing, pushed(NOW, epoch=2), epoch=3)) is not None
    assert reader.read(LOGIN, found(sealing, pushed(NOW, epoch=3), epoch=2)) is None


def test_a_record_of_another_login_or_another_state_is_none():
    sealing = Sealing()
    reader = RecordReader(sealing, lambda: NOW)
    record = found(sealing, pushed(NOW))
    assert reader.read(b"bob's login   16", record) is None
    assert reader.read(LOGIN, Found(record.owner, 1, "asking", record.sealed, 1.0)) is None
    assert reader.read(LOGIN, found(sealing, records.asking(1, "gw-a"), state="pushed")) is None
    assert reader.read_push(LOGIN, 1, record.sealed) is not None
