"""From a worker that was told to leave to its successor: what becomes of the logins that it finishes.

One message of a SEQPACKET socket for each thing that its journal hears; the end of the socket is the worker's end.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from gateway.engine.challenges.records import ChallengeRecord
from gateway.engine.records import UNREADABLE, LoginRecord, ReplyRecord, VerdictRecord

_MAX_MESSAGE = 131_072  # octets: sixteen packets with all their Proxy-State
_MESSAGES_A_TURN = 64


class HandedOver(msgspec.Struct, tag=True):
    """The journal is complete: take over."""


class LoginKept(msgspec.Struct, tag=True):
    """A login has come further."""

    record: LoginRecord


class LoginForgotten(msgspec.Struct, tag=True):
    """A login has its verdict, or, with None, starts again when it is asked for again."""

    number: int
    verdict: VerdictRecord | None


class ReplyKept(msgspec.Struct, tag="AnswerKept"):  # what workers of older versions say
    """A packet has its reply."""

    record: ReplyRecord


class ChallengeNoted(msgspec.Struct, tag=True):
    """A token was used, or something is kept for it."""

    record: ChallengeRecord


Message: TypeAlias = HandedOver | LoginKept | LoginForgotten | ReplyKept | ChallengeNoted
_decoder = msgspec.msgpack.Decoder(Message)
_encoder = msgspec.msgpack.Encoder()


class LinkWriter:
    """The leaving worker's end: never waits, keeps what the socket does not take yet."""

    def __init__(self, link: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        link.setblocking(False)
        self._link = link
        self._loop = loop
        self._queue: deque[bytes] = deque()
        self._empty = asyncio.Event()
        self._empty.set()
        self._is_dead = False

    def send(self, message: Message) -> None:
        """Send a message behind those before it."""
        if self._is_dead:
            return
        self._queue.append(_encoder.encode(message))
        self._empty.clear()
        if len(self._queue) == 1:
            self._flush()

    async def flushed(self) -> None:
        """Return once the socket has taken everything, or never will."""
        await self._empty.wait()

    def close(self) -> None:
        """Send no more."""
        self._is_dead = True
        self._queue.clear()
        self._empty.set()
        self._loop.remove_writer(self._link.fileno())
        self._link.close()

    def _flush(self) -> None:
        try:
            while self._queue:
                self._link.send(self._queue[0])
                self._queue.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._link.fileno(), self._flush)
        except OSError:  # the successor is gone; the supervisor gives the journal to the next one
            self.close()
        else:
            self._loop.remove_writer(self._link.fileno())
            self._empty.set()


class LinkReader:
    """The successor's end."""

    def __init__(
        self,
        link: socket.socket,
        loop: asyncio.AbstractEventLoop,
        on_message: Callable[[Message], None],
        on_end: Callable[[], None],
        on_unread: Callable[[], None],
    ) -> None:
        """Read until the link's end; `on_unread` is told of a message that this version does not know."""
        link.setblocking(False)
        self._link = link
        self._loop = loop
        self._on_message = on_message
        self._on_end = on_end
        self._on_unread = on_unread
        loop.add_reader(link.fileno(), self._read)

    def _read(self) -> None:
        for _ in range(_MESSAGES_A_TURN):
            try:
                octets = self._link.recv(_MAX_MESSAGE)
            except BlockingIOError:
                return
            except ConnectionError:
                octets = b""
            if not octets:
                self._end()
                return
            try:
                message = _decoder.decode(octets)
            except UNREADABLE:  # of a version that says more
                self._on_unread()
                continue
            self._on_message(message)

    def _end(self) -> None:
        self._loop.remove_reader(self._link.fileno())
        self._link.close()
        self._on_end()
