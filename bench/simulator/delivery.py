"""How an answer travels, or fails to: whole, broken, in pieces, cut off, or another answer in its place."""

import asyncio
import os
import socket
import struct
from collections.abc import Mapping
from typing import NoReturn

from aiohttp import web

from bench.simulator.cloud import CallRefused
from bench.simulator.faults import Fault, FaultKind
from bench.simulator.wire import Reply, refused

_INSTEAD_OF_AN_ANSWER = {
    FaultKind.STATUS_500: refused(CallRefused(50000)),
    FaultKind.RATE_LIMIT: refused(CallRefused(42901)),
    FaultKind.CAPTIVE_PORTAL: Reply(
        200,
        b"<!doctype html><title>Welcome</title><h1>Welcome to the guest network</h1><p>Please log in to go on.</p>",
        "captive portal",
        "text/html",
    ),
}
_IN_PIECES = {FaultKind.TRICKLE, FaultKind.CHUNKED, FaultKind.RESET, FaultKind.CLOSE_IDLE}
_N_PIECES = 3
_LINGER_RESET = struct.pack("ii", 1, 0)  # close() sends RST

Faults = Mapping[FaultKind, Fault]


def instead(faults: Faults) -> Reply | None:
    """The answer that a fault gives in Duo's place, or None."""
    for kind, reply in _INSTEAD_OF_AN_ANSWER.items():
        if kind not in faults:
            continue
        retry_after_s = faults[kind].retry_after_s
        if kind is FaultKind.RATE_LIMIT and retry_after_s is not None:
            return reply._replace(headers={"Retry-After": str(retry_after_s)})
        return reply
    return None


class Delivery:
    """Sends answers; remembers the connections that are to be cut once they have been idle for a while."""

    def __init__(self) -> None:
        self._idle: dict[asyncio.Transport, asyncio.TimerHandle] = {}

    async def send(self, request: web.BaseRequest, reply: Reply, faults: Faults) -> web.StreamResponse:
        """The response, sent already where a fault wants it in pieces."""
        body = reply.body[: len(reply.body) // 2] if FaultKind.BROKEN_JSON in faults else reply.body
        if not _IN_PIECES.isdisjoint(faults):
            return await self._send_in_pieces(request, reply, body, faults)
        response = web.Response(
            status=reply.http_status, headers=reply.headers, body=body, content_type=reply.content_type
        )
        if FaultKind.CLOSE_AFTER in faults:
            response.force_close()
        return response

    def still_in_use(self, request: web.BaseRequest) -> None:
        """A request has come: its connection is not idle."""
        if self._idle and request.transport is not None:
            alarm = self._idle.pop(request.transport, None)
            if alarm is not None:
                alarm.cancel()

    def stop(self) -> None:
        """Cut nothing any more."""
        for alarm in self._idle.values():
            alarm.cancel()
        self._idle.clear()

    async def _send_in_pieces(
        self, request: web.BaseRequest, reply: Reply, body: bytes, faults: Faults
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.http_status, headers=reply.headers)
        response.content_type = reply.content_type
        if FaultKind.CLOSE_AFTER in faults:
            response.force_close()
        if FaultKind.CHUNKED in faults:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(body)
        await response.prepare(request)
        size = len(body) // _N_PIECES + 1  # the pieces may well part a UTF-8 character
        pause_s = faults[FaultKind.TRICKLE].delay_s / _N_PIECES if FaultKind.TRICKLE in faults else 0.0
        for start in range(0, len(body), size):
            await asyncio.sleep(pause_s)
            await response.write(body[start : start + size])
            if FaultKind.RESET in faults:
                _reset(request)
        await response.write_eof()
        if FaultKind.CLOSE_IDLE in faults:
            self._cut_when_idle(request, faults[FaultKind.CLOSE_IDLE].delay_s)
        return response

    def _cut_when_idle(self, request: web.BaseRequest, delay_s: float) -> None:
        transport = request.transport
        if transport is None:
            return

        def cut_now() -> None:
            self._idle.pop(transport, None)
            transport.abort()

        self._idle[transport] = asyncio.get_running_loop().call_later(delay_s, cut_now)


def cut(request: web.BaseRequest) -> NoReturn:
    """End the connection, and the handler, without a further octet."""
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


def _reset(request: web.BaseRequest) -> NoReturn:
    """End the connection with a TCP reset."""
    if request.transport is not None:
        descriptor = request.transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as alias:  # uvloop's transports lend no real socket
            alias.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    cut(request)
