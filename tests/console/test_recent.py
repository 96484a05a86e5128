"""The last logins of all workers and generations, in one list."""

import os

import pytest

from gateway.console.kept import Query
from gateway.console.recent import FORGET_AFTER_S, RecentLogins
from gateway.ipc.ledger import Ledger
from tests.console.scene import record
from tests.descriptors import n_descriptors, no_descriptor_left


def users(logins: RecentLogins) -> list[str]:
    """The names, oldest first."""
    return [each.record.user_name for each in reversed(logins.kept.find(Query(limit=200), {}).logins)]


def descriptors(*ledgers: Ledger) -> list[int]:
    """The supervisor sends new descriptors each time."""
    return [os.dup(ledger.descriptor) for ledger in ledgers]


def test_workers_take_their_turn_by_time():
    ledger, logins = Ledger.create(2), RecentLogins()
    ledger.ring(1).write(record(2))
    ledger.ring(0).write(record(1))
    ledger.ring(0).write(record(3))
    logins.follow(descriptors(ledger), 1.0)
    assert users(logins) == ["user1", "user2", "user3"]
    assert [each.slot for each in logins.kept.find(Query(), {}).logins] == [0, 1, 0]
    ledger.close()


def test_nothing_is_taken_up_twice():
    ledger, logins = Ledger.create(1), RecentLogins()
    logins.follow(descriptors(ledger), 1.0)
    ledger.ring(0).write(record(1))
    logins.look()
    ledger.ring(0).write(record(2))
    logins.look()
    assert (logins.kept.n_found, users(logins)) == (2, ["user1", "user2"])
    ledger.close()


def test_a_generation_that_goes_is_read_for_a_while_and_forgotten():
    old, new, logins = Ledger.create(1), Ledger.create(1), RecentLogins()
    logins.follow(descriptors(old), 1.0)
    before = n_descriptors()
    old.ring(0).write(record(1))
    new.ring(0).write(record(2))
    logins.follow(descriptors(new), 2.0)
    assert users(logins) == ["user1", "user2"]
    logins.follow(descriptors(new), 1.1 + FORGET_AFTER_S)
    assert n_descriptors() == before
    old.ring(0).write(record(3))
    logins.look()
    assert users(logins) == ["user1", "user2"]
    old.close()
    new.close()


def test_a_ledger_that_was_missing_from_an_answer_is_read_on_from_where_that_was():
    ledger, logins = Ledger.create(1), RecentLogins()
    ledger.ring(0).write(record(1))
    logins.follow(descriptors(ledger), 1.0)
    logins.follow([], 2.0)
    ledger.ring(0).write(record(2))
    logins.follow(descriptors(ledger), 3.0)
    assert users(logins) == ["user1", "user2"]
    assert logins.kept.n_found == 2
    ledger.close()


def test_descriptors_are_not_kept():
    ledger, logins = Ledger.create(1), RecentLogins()
    before = n_descriptors()
    for _ in range(5):
        logins.follow(descriptors(ledger), 1.0)
    assert n_descriptors() == before + 1  # the mapping has one of its own
    ledger.close()


def test_a_ledger_of_another_version_is_told_once_and_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    other, ledger, logins = os.memfd_create("of-another-version"), Ledger.create(1), RecentLogins()
    os.ftruncate(other, 1000)
    ledger.ring(0).write(record(1))
    before = n_descriptors()
    for _ in range(3):
        logins.follow([os.dup(other), *descriptors(ledger)], 1.0)
    assert users(logins) == ["user1"]
    assert n_descriptors() == before + 1
    assert len(caplog.messages) == 1
    os.close(other)
    ledger.close()


def test_a_ledger_that_cannot_be_mapped_is_tried_again() -> None:
    ledger, logins = Ledger.create(1), RecentLogins()
    ledger.ring(0).write(record(1))
    sent = descriptors(ledger)
    with no_descriptor_left():
        logins.follow(sent, 1.0)
    assert users(logins) == []
    logins.follow(descriptors(ledger), 1.0)
    assert users(logins) == ["user1"]
    ledger.close()
