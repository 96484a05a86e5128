"""Words between the supervisor and the console, one a message of a SEQPACKET socket; its end is the other one's end.

What the gateway is doing travels in a memfd, for it may be larger than a message; with it come the ledgers of all
generations of workers that are there.
"""

import contextlib
import os
import socket
from array import array
from enum import Enum
from typing import NamedTuple

import msgspec

from gateway.ipc.memory import memfd

_MAX_WORD = 4_096
_MAX_DESCRIPTORS = 253  # the kernel's bound for one message
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
        _tell(channel, TakeFacts(), [descriptor, *ledgers[:MAX_LEDGERS]])
    finally:
        os.close(descriptor)


def tell_reopen_log(channel: socket.socket) -> None:
    """Let the console go on in the file that has the log's name now."""
    _tell(channel, ReopenLog(), [])


def _tell(channel: socket.socket, word: _Word, descriptors: list[int]) -> None:
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))] if descriptors else []
    with contextlib.suppress(OSError):
        channel.sendmsg([msgspec.msgpack.encode(word)], rights, socket.MSG_DONTWAIT)


def hear_supervisor(channel: socket.socket) -> ReceivedFacts | ReopenLog | None:
    """Return the next word; None if the supervisor is gone."""
    try:
        octets, descriptors, _, _ = socket.recv_fds(channel, _MAX_WORD, _MAX_DESCRIPTORS)
    except ConnectionError:
        return None
    if not octets:
        return None
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # recv_fds ignores its flags
    word = msgspec.msgpack.decode(octets, type=_Word)
    if isinstance(word, ReopenLog):
        return word
    status_fd, *ledgers = descriptors
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
    try:
        octets = channel.recv(_MAX_WORD)
    except ConnectionError:
        return None
    return FromConsole(octets.decode()) if octets else None
