"""Words between the supervisor and the console, one a message of a SEQPACKET socket; its end is the other one's end.

What the gateway is doing travels in a memfd, for it may be larger than a message; with it come the ledgers of all
generations of workers that are there.
"""

import contextlib
import errno
import os
import socket
from enum import Enum
from typing import NamedTuple

import msgspec

from gateway.ipc.channels import hear, receive, send
from gateway.ipc.memory import memfd

MAX_LEDGERS = 64  # generations at once; reloads may overlap, but not so many
UNSERVED_AFTER_S = 3.0  # of a slot: an ordinary restart is over by then; after that its users wait without an answer


def unserved_state(state: str) -> str:
    """Return what to call the state of a slot that nobody serves: a worker that is ready, and does nothing, hangs."""
    return "hangs" if state == "ready" else state


class FromConsole(Enum):
    """What the console says."""

    SERVING = "serving"
    ASKING = "asking"
    """It wants to know what the gateway is doing."""


class TakeFacts(msgspec.Struct, tag="Facts"):
    """What the gateway is doing, and the ledgers that are there: the descriptors of the message, in this order."""


class ReopenLog(msgspec.Struct, tag=True):
    """The log files were moved away."""


_Word = TakeFacts | ReopenLog
_encode = msgspec.msgpack.encode


class ReceivedFacts(NamedTuple):
    """`status.json` as octets, and descriptors of ledgers, the receiver's to close."""

    status: bytes
    ledgers: list[int]


def tell_facts(channel: socket.socket, status: bytes, ledgers: list[int]) -> None:
    """Answer without waiting; a console that does not take it asks again. Of too many ledgers the first go along.

    Raises:
        OSError: no descriptor is left.
    """
    descriptor = memfd("radgate-status", status)
    os.lseek(descriptor, 0, os.SEEK_SET)  # the receiver shares the place
    try:
        send(channel, _encode(TakeFacts()), [descriptor, *ledgers[:MAX_LEDGERS]])
    finally:
        os.close(descriptor)


def tell_reopen_log(channel: socket.socket) -> None:
    """Let the console go on in the file that has the log's name now."""
    send(channel, _encode(ReopenLog()))


def hear_supervisor(channel: socket.socket) -> ReceivedFacts | ReopenLog | None:
    """Return the next word; None if the supervisor is gone.

    Raises:
        OSError: it has answered, and there is no room for all descriptors of the answer.
    """
    message = receive(channel)
    if message is None:
        return None
    word = msgspec.msgpack.decode(message.octets, type=_Word)
    if isinstance(word, ReopenLog):
        return word
    if not message.descriptors:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    status_fd, *ledgers = message.descriptors
    with os.fdopen(status_fd, "rb") as file:
        status = file.read()
    return ReceivedFacts(status, ledgers)


def tell_supervisor(channel: socket.socket, word: FromConsole) -> None:
    """Send a word without waiting; a supervisor that is gone is noticed elsewhere."""
    with contextlib.suppress(OSError):
        channel.send(word.value.encode(), socket.MSG_DONTWAIT)


def hear_console(channel: socket.socket) -> FromConsole | None:
    """Return what the console says; None if it is gone.

    Raises:
        ValueError: it says nonsense.
    """
    return hear(channel, FromConsole)
