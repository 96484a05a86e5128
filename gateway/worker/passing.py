"""Datagrams that the kernel brought to one worker and that belong to another: passed on by a socket of each bucket.

The supervisor holds both ends of a datagram socket for each bucket. Whoever serves the bucket reads it; every worker
may write. What does not fit is dropped: the RADIUS client asks again.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.engine.effects import PassOn
from gateway.engine.peer import Peer
from gateway.engine.records import UNREADABLE

_MAX_MESSAGE = 8_192  # octets: a datagram and where it came from
_MESSAGES_A_TURN = 64


class PassedOn(msgspec.Struct, array_like=True):
    """A datagram, and where it came from; `generation` is of the settings that number the listener."""

    generation: int
    address: tuple[Any, ...]
    listener: int
    path: list[tuple[int, int, bytes]]
    datagram: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(PassedOn).decode


class Passing:
    """What a worker passes on.

    Args:
        generation: of its settings.
        outlets: where to write to, by bucket.
    """

    def __init__(self, generation: int, outlets: Mapping[int, socket.socket]) -> None:
        self._generation = generation
        self._outlets = outlets

    def pass_on(self, effect: PassOn) -> None:
        """Give a datagram to the worker that it belongs to, if that takes it at once."""
        peer = effect.peer
        message = PassedOn(self._generation, peer.address, peer.listener, peer.path, effect.datagram)
        try:
            self._outlets[effect.bucket].send(_encode(message), socket.MSG_DONTWAIT)
        except OSError:
            pass


class Inlet:
    """What is passed on to a worker, for one of its buckets."""

    def __init__(
        self, descriptor: int, bucket: int, generation: int, on_datagram: Callable[[bytes, Peer], None]
    ) -> None:
        """Take the end to read from; `on_datagram` hears of datagrams as if they had come from the network."""
        self._socket = socket.socket(fileno=descriptor)
        self._bucket = bucket
        self._generation = generation
        self._on_datagram = on_datagram

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read."""
        loop.add_reader(self._socket.fileno(), self._drain)

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read no more."""
        loop.remove_reader(self._socket.fileno())

    def _drain(self) -> None:
        for _ in range(_MESSAGES_A_TURN):
            try:
                message = _decode(self._socket.recv(_MAX_MESSAGE, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return
            except UNREADABLE:  # of a version that says something else
                continue
            if message.generation == self._generation:  # else its listener may be another one here
                self._on_datagram(message.datagram, Peer(message.address, message.listener, message.path, self._bucket))
