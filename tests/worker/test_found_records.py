"""Records of a gateway that is gone: its numbers become ours, and each login has one worker."""

import time
from collections import Counter

import msgspec
import pytest

from gateway.engine.person import account_of, bucket_of, person_of
from gateway.engine.records import is_of_next_secret, of_next_secret, settings_number
from gateway.ipc.numbering import Numbering
from gateway.ipc.orders import REMEMBER_S
from gateway.worker.found_records import FoundRecords, is_over
from tests.worker.succession_scene import answer_record, login_record, request

LISTENING = ["0.0.0.0:1812"]


def found(theirs: int, ours: int, buckets: frozenset[int] = frozenset({0})) -> FoundRecords:
    return FoundRecords(Numbering(LISTENING, theirs), generation=1, n_buckets=ours, buckets=buckets)


def test_generations_are_ours_and_nobody_else_waits():
    record = msgspec.structs.replace(login_record(), generation=7, elsewhere=(4711, 3))
    record.packets[0].generation = 6
    ours = found(4, 4).login(record)
    assert (ours.generation, [packet.generation for packet in ours.packets], ours.elsewhere) == (1, [1], None)
    assert (ours.bucket, ours.user_name, ours.txid) == (record.bucket, record.user_name, record.txid)


def test_a_packet_of_a_next_secret_stays_one():
    record = login_record()
    record.packets[0].generation = of_next_secret(6)
    (packet,) = found(4, 4).login(record).packets
    assert is_of_next_secret(packet.generation)
    assert settings_number(packet.generation) == 1


@pytest.mark.parametrize("n_buckets", [3, 4, 5, 8, 64])
@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_each_login_has_one_worker_whatever_the_numbers_are(n_buckets: int, n_workers: int):
    users = [f"user{number}" for number in range(50)] + ["EXAMPLE\\Bob", "bob@example.com", "ｃａｒｏｌ"]
    shares = [frozenset(range(slot, n_buckets, n_workers)) for slot in range(n_workers)]
    takers = Counter(
        user
        for share in shares
        for user in users
        if found(6, n_buckets, share).login(login_record(user=user, bucket=5)).bucket in share
    )
    assert takers == Counter(users)


def test_a_login_goes_to_the_bucket_that_its_users_packets_come_to():
    ours = found(6, 4).login(login_record(user="EXAMPLE\\Alice", bucket=5))
    assert ours.bucket == bucket_of(person_of(account_of("alice")), 4)


def test_replies_of_other_buckets_are_every_workers():
    record = answer_record(request(), b"\x02\x07" + bytes(18), bucket=5)
    assert [found(6, 4, frozenset(share)).reply(record).bucket for share in ({0, 2}, {1, 3})] == [0, 1]
    assert found(6, 6, frozenset({0, 1})).reply(record).bucket == 5


@pytest.mark.parametrize(("age_s", "is_it"), [(0, False), (REMEMBER_S - 1, False), (REMEMBER_S + 1, True), (-60, True)])
def test_nobody_waits_for_old_ones(age_s: float, is_it: bool):
    now = time.monotonic()
    assert is_over(login_record(started_at=now - age_s), now) is is_it
