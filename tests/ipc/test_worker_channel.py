"""Words between supervisor and worker."""

import os
import socket

import pytest

from gateway.ipc.worker_channel import (
    FromWorker,
    HandOver,
    LookAtBoard,
    ReopenLogs,
    Spares,
    Successor,
    hear_supervisor,
    hear_worker,
    tell_supervisor,
    tell_worker,
)
from tests.descriptors import n_descriptors, no_descriptor_left

NO_SPARES = Spares(0)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_what_the_supervisor_says_arrives_with_its_descriptors(pair):
    supervisor, worker = pair
    reading, writing = os.pipe()
    assert tell_worker(supervisor, HandOver([Successor([0, 2])]), [writing])
    assert tell_worker(supervisor, LookAtBoard())
    assert tell_worker(supervisor, ReopenLogs())
    received = hear_supervisor(worker, NO_SPARES)
    assert received is not None
    assert received.word == HandOver([Successor([0, 2])])
    (descriptor,) = received.descriptors
    os.write(descriptor, b"x")
    assert os.read(reading, 1) == b"x"
    assert not os.get_inheritable(descriptor)
    for each in (reading, writing, descriptor):
        os.close(each)
    assert [hear_supervisor(worker, NO_SPARES) for _ in range(2)] == [(LookAtBoard(), []), (ReopenLogs(), [])]


def test_at_the_limit_all_descriptors_arrive_if_so_many_were_held_back(pair):
    supervisor, worker = pair
    spares = Spares(3)
    with no_descriptor_left():
        assert tell_worker(supervisor, LookAtBoard())
        assert tell_worker(supervisor, HandOver([Successor([number]) for number in range(3)]), [0, 1, 2])
        assert hear_supervisor(worker, spares) == (LookAtBoard(), [])
        received = hear_supervisor(worker, spares)
    assert received is not None
    assert len(received.descriptors) == 3
    spares.give_up()
    for descriptor in received.descriptors:
        os.close(descriptor)


def test_what_found_no_room_is_told_without_any_descriptor_and_none_is_left_over(pair):
    """Which of them are missing nobody could tell."""
    supervisor, worker = pair
    spares = Spares(2)
    n_open = n_descriptors()
    with no_descriptor_left():
        assert tell_worker(supervisor, HandOver([Successor([number]) for number in range(3)]), [0, 1, 2])
        assert hear_supervisor(worker, spares) == (HandOver([Successor([number]) for number in range(3)]), [])
    assert n_descriptors() == n_open  # the spares are held again
    spares.give_up()


@pytest.mark.parametrize("word", list(FromWorker))
def test_what_a_worker_says_arrives(pair, word):
    supervisor, worker = pair
    tell_supervisor(worker, word)
    assert hear_worker(supervisor) is word


def test_the_end_of_the_one_is_heard_by_the_other(pair):
    supervisor, worker = pair
    worker.close()
    assert hear_worker(supervisor) is None
    assert not tell_worker(supervisor, LookAtBoard())


def test_the_supervisor_never_waits_for_a_worker_that_does_not_listen(pair):
    supervisor, _ = pair
    while tell_worker(supervisor, LookAtBoard()):
        pass
