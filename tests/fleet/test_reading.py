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


@pytest.mark.parametrize(
    ("pushed_at", "duo_time", "age_s", "is_believed"),
    [
        (NOW - 89.0, NOW, 1e6, True),
        (NOW - 90.0, NOW, 1.0, False),
        (NOW + 4.0, NOW, 1.0, True),
        (NOW + 6.0, NOW, 1.0, True),
        (NOW + 1e6, NOW, 89.0, True),
        (NOW + 6.0, NOW, 90.0, False),
        (NOW - 1.0, None, 89.0, True),
        (NOW - 1.0, None, 90.0, False),
        (None, NOW, 89.0, True),
        (None, NOW, 90.0, False),
        (None, None, -6.0, False),
    ],
)
def test_the_age_of_a_push_is_by_duos_clock_if_that_is_known(
    pushed_at: float | None, duo_time: float | None, age_s: float, is_believed: bool
):
    sealing = Sealing()
    reader = RecordReader(sealing, lambda: duo_time)
    assert (reader.read(LOGIN, found(sealing, pushed(pushed_at), age_s=age_s)) is not None) is is_believed


@pytest.mark.parametrize(
    ("pushed_at", "duo_time", "age_s"),
    [(NOW - 7.0, NOW, 7.0), (NOW + 4.0, NOW, 0.0), (NOW + 6.0, NOW, 3.0), (NOW, None, 3.0), (None, NOW, 3.0)],
)
def test_how_long_ago_a_push_was_is_told_by_the_store_where_duos_clock_here_is_behind(
    pushed_at: float | None, duo_time: float | None, age_s: float
):
    reader = RecordReader(Sealing(), lambda: duo_time)
    assert reader.age_s(records.PushedRecord(1, 1, "gw-a", "tx", "push", pushed_at), 3.0) == age_s


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
    assert reader.read_push(LOGIN, 1, record.sealed, 1.0) is not None
