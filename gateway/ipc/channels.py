"""What the supervisor's channels to its processes have in common: a word in each message of a SEQPACKET socket, and
descriptors that come with it.
"""

import os
import socket
from array import array
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

Word = TypeVar("Word", bound=Enum)

_MAX_WORD = 4_096
_MAX_DESCRIPTORS = 253  # the kernel's bound for one message


class Message(NamedTuple):
    """A word, and the descriptors that came with it, the receiver's to close: all, or none if there was no room."""

    octets: bytes
    descriptors: list[int]


def send(channel: socket.socket, octets: bytes, descriptors: Sequence[int] = ()) -> bool:
    """Send a word without waiting; False if the other end does not take it."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))] if descriptors else []
    try:
        channel.sendmsg([octets], rights, socket.MSG_DONTWAIT)  # send_fds ignores its flags
    except OSError:
        return False
    return True


def receive(channel: socket.socket) -> Message | None:
    """Return the next message; None if the other end is gone."""
    try:
        octets, descriptors, flags, _ = socket.recv_fds(channel, _MAX_WORD, _MAX_DESCRIPTORS)
    except ConnectionError:
        return None
    if flags & socket.MSG_CTRUNC:  # the process is at its limit: some were dropped on the way, nobody knows which
        for descriptor in descriptors:
            os.close(descriptor)
        descriptors = []
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # recv_fds ignores its flags
    return Message(octets, list(descriptors)) if octets else None


def hear(channel: socket.socket, words: type[Word]) -> Word | None:
    """Return what one says who knows only these words; None if the other end is gone.

    Raises:
        ValueError: it says nonsense.
    """
    try:
        octets = channel.recv(_MAX_WORD)
    except ConnectionError:
        return None
    return words(octets.decode()) if octets else None
