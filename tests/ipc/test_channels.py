"""What the channels of the supervisor to its processes have in common."""

import os
import socket
from enum import Enum

import pytest

from gateway.ipc.channels import Message, hear, receive, send
from tests.descriptors import n_descriptors, no_descriptor_left


class Word(Enum):
    YES = "yes"


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_a_message_arrives_with_its_descriptors_which_no_child_inherits(ends):
    ours, theirs = ends
    assert send(ours, b"word", [0, 1])
    message = receive(theirs)
    assert message is not None
    assert (message.octets, len(message.descriptors)) == (b"word", 2)
    for descriptor in message.descriptors:
        assert not os.get_inheritable(descriptor)
        os.close(descriptor)


@pytest.mark.parametrize("n_places", [0, 1])
def test_descriptors_that_find_no_room_are_missing_all_of_them(ends, n_places):
    ours, theirs = ends
    places = [os.dup(0) for _ in range(n_places)]
    n_open = n_descriptors()
    with no_descriptor_left():
        for place in places:
            os.close(place)
        assert send(ours, b"word", [0, 1])
        assert receive(theirs) == Message(b"word", [])
    assert n_descriptors() == n_open - n_places


def test_the_end_of_the_one_is_the_others(ends):
    ours, theirs = ends
    ours.close()
    assert receive(theirs) is None
    assert hear(theirs, Word) is None
    assert not send(theirs, b"word")


def test_one_who_has_few_words_is_heard_and_no_nonsense_is(ends):
    ours, theirs = ends
    send(ours, b"yes")
    assert hear(theirs, Word) is Word.YES
    send(ours, b"\xff\x00")
    with pytest.raises(ValueError):
        hear(theirs, Word)


def test_nobody_waits_for_one_who_does_not_read(ends):
    ours, _ = ends
    while send(ours, b"word"):
        pass
