"""The console's HTTP server: aiohttp behind a door of ours, over TLS if there is a certificate."""

import os
import socket
import ssl
from typing import cast

from aiohttp import web

from gateway.console.door import Door
from gateway.worker.orders import memfd

MAX_LINE = 4_096  # octets of a request's first line, and of each of its headers


async def serve(application: web.Application, listening: socket.socket, certificate: bytes) -> None:
    """Serve until cancelled, on a socket that listens; `certificate` is a chain and its key as PEM, empty for none.

    Raises:
        OSError: the certificate cannot be used.
    """
    context = _ssl_context(certificate) if certificate else None
    runner = web.AppRunner(
        application, access_log=None, handle_signals=False, max_line_size=MAX_LINE, max_field_size=MAX_LINE
    )
    await runner.setup()
    await Door(cast("web.Server", runner.server), context).open(listening)


def _ssl_context(certificate: bytes) -> ssl.SSLContext:
    """Return a server's context; the library reads certificates from files alone, so this one gets a file in memory."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor = memfd("radgate-certificate", certificate)
    try:
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
