"""How `radgate login` asks the running gateway: as a RADIUS client of its own, on this machine alone.

The gateway knows it without a line in the file: each section has a loopback source address for it and a secret made
from the section's own, which whoever may read the file can make as well. So a login can be tried before any directory
is set up.
"""

import hashlib
import hmac
import socket
from typing import NamedTuple

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.settings import ServerSettings, Settings


class OperatorClient(NamedTuple):
    """Where `radgate login` asks from and to, and the secret it shares with the gateway."""

    family: int
    source: str
    destination: str
    port: int
    shared_secret: bytes


def operator_client(settings: Settings, server: ServerSettings) -> OperatorClient:
    """Return how to ask this section."""
    address = next(address for address in listening_addresses(settings) if server in address.servers)
    return OperatorClient(
        address.family,
        operator_source(settings, server, address),
        _destination(address),
        address.port,
        operator_secret(server),
    )


def operator_source(settings: Settings, server: ServerSettings, address: ListeningAddress) -> str:
    """Return a source address that no directory has: 127.82.65.N for the N-th section, and ::1 for IPv6."""
    if address.family == socket.AF_INET6:
        return "::1"
    number = settings.servers.index(server)
    return f"127.82.{65 + number // 250}.{1 + number % 250}"


def operator_secret(server: ServerSettings) -> bytes:
    """Return the secret, one-way from the section's first shared secret."""
    key = server.clients[0].shared_secret.octets
    return hmac.new(key, f"radgate login {server.section}".encode(), hashlib.sha256).hexdigest().encode()


def _destination(address: ListeningAddress) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104
