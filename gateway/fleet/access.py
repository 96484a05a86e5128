"""Settings into the way to the store of a fleet, and into what seals for it: what a supervisor needs of them, too."""

import os
import socket
import time

from gateway.config.settings import FleetSettings
from gateway.fleet.opening import Opener, StoreAccess
from gateway.fleetapi.address import parse_addresses
from gateway.fleetapi.sealing import Sealer
from gateway.https.resolver import Resolver
from gateway.https.tls import TrustStore


def open_sealer(settings: FleetSettings) -> Sealer:
    """Return who seals for this host."""
    return Sealer([key.octets for key in settings.keys], os.urandom)


def open_way(settings: FleetSettings) -> Opener:
    """Return who knows the way to the store.

    Raises:
        ValueError: the trusted roots cannot be loaded.
    """
    return Opener(store_access(settings), Resolver(time.monotonic), time.monotonic)


def store_access(settings: FleetSettings) -> StoreAccess:
    """Return where the store is, and how to get in.

    Raises:
        ValueError: the trusted roots cannot be loaded.
    """
    addresses = parse_addresses(settings.engine)
    trust = TrustStore(settings.ca_certs_file) if any(each.is_tls for each in addresses) else None
    password = settings.password.octets.decode("utf-8", "surrogateescape") if settings.password is not None else ""
    return StoreAccess(addresses, password, trust)


def host_name(settings: FleetSettings) -> str:
    """Return what this host is called among the others."""
    return settings.name or socket.gethostname()
