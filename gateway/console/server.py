"""The console's HTTP server: aiohttp behind a door of ours, over TLS if there is a certificate."""

import asyncio
import socket
from functools import partial
from typing import Any, cast

from aiohttp import web

from gateway.certificates import serving_context
from gateway.console.door import Door
from gateway.console.pages import HEADERS

MAX_LINE = 4_096  # octets of a request's first line, and of each of its headers


class _Visit(web.RequestHandler):
    """A connection. What is no request never comes to the pages, and is answered here."""

    __slots__ = ()

    def handle_error(self, *what: Any, **more: Any) -> web.StreamResponse:
        """Return the library's answer with our headers: its own name the library and its version."""
        answer = super().handle_error(*what, **more)
        answer.headers.update(HEADERS)
        return answer


async def serve(application: web.Application, listening: socket.socket, certificate: bytes) -> None:
    """Serve until cancelled, on a socket that listens; `certificate` is a chain and its key as PEM, empty for none.

    Raises:
        BadCertificates: they cannot be used.
    """
    context = serving_context(certificate) if certificate else None
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    visit = partial(
        _Visit,
        cast("web.Server", runner.server),
        loop=asyncio.get_running_loop(),
        access_log=cast("Any", None),  # which the library's type does not say
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
    )
    await Door(visit, context).open(listening)
