"""Words between the supervisor and a worker, one a message of a SEQPACKET socket; its end is the other one's end."""

import contextlib
import os
import signal
import socket
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from gateway.ipc.channels import hear, receive, send

STACK_SIGNAL = signal.SIGUSR2  # a worker writes the stacks of all threads to the log


class FromWorker(Enum):
    """What a worker says."""

    PREPARED = "prepared"
    """It would serve, if its predecessors had handed over."""
    SERVING = "serving"
    """It serves, and knows all that its predecessors did."""
    HANDED_OVER = "handed over"
    """It reads no more, and its journal is complete."""


class Successor(msgspec.Struct, array_like=True):
    """Who takes over from a worker, and which of its users: the `n`-th descriptor of the message leads there."""

    buckets: list[int]


class HandOver(msgspec.Struct, tag=True):
    """Read no more; tell these successors what becomes of the logins under way, and leave."""

    successors: list[Successor]


class Serve(msgspec.Struct, tag=True):
    """The generation before has been told to hand over: serve after those from whom you take over."""


class LookAtBoard(msgspec.Struct, tag=True):
    """Fail mode has changed for an application."""


class ReopenLogs(msgspec.Struct, tag=True):
    """The log files were moved away."""


class Leave(msgspec.Struct, tag=True):
    """Read no more, finish what waits for no person, and end: the next gateway finds the journal."""


ToWorker = HandOver | Serve | LookAtBoard | ReopenLogs | Leave


class Spares:
    """Descriptors that a worker holds back, so that those which come with a word find room at its limit."""

    def __init__(self, n_descriptors: int) -> None:
        self._n_descriptors = n_descriptors
        self._held: list[int] = []
        self.hold()

    def hold(self) -> None:
        """Hold so many, or as many as the kernel grants."""
        with contextlib.suppress(OSError):
            while len(self._held) < self._n_descriptors:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))

    def give_up(self) -> None:
        """Make room."""
        while self._held:
            os.close(self._held.pop())


class Received(NamedTuple):
    """A word for the worker, and the descriptors that came with it: all of them, or none if there was no room."""

    word: ToWorker
    descriptors: list[int]


def tell_worker(channel: socket.socket, word: ToWorker, descriptors: Sequence[int] = ()) -> bool:
    """Send a word without waiting; False if the worker does not take it."""
    return send(channel, msgspec.msgpack.encode(word), descriptors)


def hear_supervisor(channel: socket.socket, spares: Spares) -> Received | None:
    """Return the next word; None if the supervisor is gone."""
    spares.give_up()
    try:
        message = receive(channel)
    finally:
        spares.hold()
    if message is None:
        return None
    return Received(msgspec.msgpack.decode(message.octets, type=ToWorker), message.descriptors)


def is_supervisor_gone(channel: socket.socket) -> bool:
    """Whether no word will come any more; one that waits is not taken."""
    try:
        return not channel.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def tell_supervisor(channel: socket.socket, word: FromWorker) -> None:
    """Send a word; a supervisor that is gone is noticed elsewhere."""
    with contextlib.suppress(OSError):
        channel.send(word.value.encode())


def hear_worker(channel: socket.socket) -> FromWorker | None:
    """Return what a worker says; None if it is gone.

    Raises:
        ValueError: it says nonsense.
    """
    return hear(channel, FromWorker)
