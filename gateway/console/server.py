"""The console's HTTP server: aiohttp behind a door of ours, over TLS if there is a certificate."""

import socket
from typing import cast

from aiohttp import web

from gateway.certificates import serving_context
from gateway.console.door import Door

MAX_LINE = 4_096  # octets of a request's first line, and of each of its headers


async def serve(application: web.Application, listening: socket.socket, certificate: bytes) -> None:
    """Serve until cancelled, on a socket that listens; `certificate` is a chain and its key as PEM, empty for none.

    Raises:
        BadCertificates: they cannot be used.
    """
    context = serving_context(certificate) if certificate else None
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, max_line_size=MAX_LINE, max_field_size=MAX_LINE
    )
    await runner.setup()
    await Door(cast("web.Server", runner.server), context).open(listening)
