"""Words between supervisor and console."""

import os
import socket

import pytest

from gateway.ipc.console_channel import (
    MAX_LEDGERS,
    FromConsole,
    ReceivedFacts,
    ReopenLog,
    hear_console,
    hear_supervisor,
    tell_facts,
    tell_reopen_log,
    tell_supervisor,
)
from tests.descriptors import n_descriptors, no_descriptor_left


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_facts_of_any_size_arrive_with_their_ledgers(ends):
    ours, theirs = ends
    ledger = os.memfd_create("ledger")
    status = os.urandom(3_000_000)
    tell_facts(ours, status, [ledger, ledger])
    received = hear_supervisor(theirs)
    assert isinstance(received, ReceivedFacts)
    assert received.status == status
    assert len(received.ledgers) == 2
    for descriptor in (*received.ledgers, ledger):
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


def test_more_ledgers_than_a_message_takes_are_left_out(ends):
    ours, theirs = ends
    ledger = os.memfd_create("ledger")
    tell_facts(ours, b"{}", [ledger] * 500)
    received = hear_supervisor(theirs)
    assert isinstance(received, ReceivedFacts)
    assert len(received.ledgers) == MAX_LEDGERS
    for descriptor in (*received.ledgers, ledger):
        os.close(descriptor)


@pytest.mark.parametrize("n_places", [0, 2])
def test_facts_that_find_no_room_are_an_error_and_nothing_is_left_over(ends, n_places):
    """Ledgers that are missing would count as gone."""
    ours, theirs = ends
    ledger = os.memfd_create("ledger")
    tell_facts(ours, b"{}", [ledger] * 3)
    places = [os.dup(ledger) for _ in range(n_places)]
    n_open = n_descriptors()
    with no_descriptor_left():
        for place in places:
            os.close(place)
        with pytest.raises(OSError, match="Too many open files"):
            hear_supervisor(theirs)
    assert n_descriptors() == n_open - n_places
    os.close(ledger)


def test_the_log_is_to_be_reopened(ends):
    ours, theirs = ends
    tell_reopen_log(ours)
    assert hear_supervisor(theirs) == ReopenLog()


def test_an_end_is_heard(ends):
    ours, theirs = ends
    ours.close()
    assert hear_supervisor(theirs) is None
    tell_supervisor(theirs, FromConsole.ASKING)


@pytest.mark.parametrize("word", FromConsole)
def test_words_of_the_console(ends, word):
    ours, theirs = ends
    tell_supervisor(theirs, word)
    assert hear_console(ours) is word


def test_nonsense_of_the_console(ends):
    ours, theirs = ends
    theirs.send(b"\xff\x00")
    with pytest.raises(ValueError):
        hear_console(ours)


def test_nobody_waits_for_one_who_does_not_read(ends):
    ours, theirs = ends
    for _ in range(10_000):
        tell_supervisor(theirs, FromConsole.ASKING)
        tell_reopen_log(ours)
