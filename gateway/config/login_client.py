"""How `radgate login` asks the running gateway: as a RADIUS client of its own, on this machine alone.

The gateway knows it without a line in the file: each section has a loopback source address for it and a secret made
from the section's own. So a login can be tried before any directory is set up. The supervisor, which has the secrets
wherever they are kept, has it done by a process of its own (`supervisor.login`).
"""

import hashlib
import hmac
import socket
from typing import NamedTuple

from gateway.config.listening import ListeningAddress, listening_addresses
from gateway.config.problems import ConfigError, Problem
from gateway.config.settings import ServerSettings, Settings


class LoginClient(NamedTuple):
    """Where `radgate login` asks from and to, and the secret it shares with the gateway."""

    family: int
    source: str
    destination: str
    port: int
    shared_secret: bytes


def login_client(settings: Settings, server: ServerSettings) -> LoginClient:
    """Return how to ask this section.

    Raises:
        ConfigError: it serves IPv6 alone, on a port where another section has the one loopback address that there is.
    """
    address = next(address for address in listening_addresses(settings) if server in address.servers)
    source = login_client_source(settings, server, address)
    owner, secret = _owner(address, source) or (server, login_client_secret(server))
    if owner != server:
        text = f"[{owner.section}] has ::1 on this port; try this section from one of its own clients"
        raise ConfigError([Problem(server.section, "", text)], settings.path)
    return LoginClient(address.family, source, _destination(address), address.port, secret)


def _owner(address: ListeningAddress, source: str) -> tuple[ServerSettings, bytes] | None:
    """Return the section that ::1 belongs to, and its secret there: as a client of its own, or the first section."""
    if address.family != socket.AF_INET6:
        return None
    for server in address.servers:
        for client in server.clients:
            if f"{source}/128" in client.networks:
                return server, client.shared_secret.octets
    return address.servers[0], login_client_secret(address.servers[0])


def login_client_source(settings: Settings, server: ServerSettings, address: ListeningAddress) -> str:
    """Return a source address that no directory has: ::1 for IPv6, else one for each section.

    They are 127.82.65.1 and upwards, 250 to a third octet.
    """
    if address.family == socket.AF_INET6:
        return "::1"
    number = settings.servers.index(server)
    return f"127.82.{65 + number // 250}.{1 + number % 250}"


def is_login_client(address: str) -> bool:
    """Whether an address is one of those from which `radgate login` asks by IPv4."""
    return address.startswith("127.82.")


def login_client_secret(server: ServerSettings) -> bytes:
    """Return the secret, one-way from the section's first shared secret."""
    key = server.clients[0].shared_secret.octets
    return hmac.new(key, f"radgate login {server.section}".encode(), hashlib.sha256).hexdigest().encode()


def _destination(address: ListeningAddress) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104
