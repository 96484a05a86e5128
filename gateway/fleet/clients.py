"""Settings into the parts of a fleet: the only place where they meet the configuration."""

import os
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.config.settings import FleetSettings
from gateway.engine.pending import PendingLogin
from gateway.fleet.client import FleetClient
from gateway.fleet.effects import Outcome
from gateway.fleet.opening import Opener, StoreAccess
from gateway.fleet.patience import Patience
from gateway.fleetapi.address import parse_addresses
from gateway.fleetapi.sealing import Sealer
from gateway.https.resolver import Resolver
from gateway.https.tls import TrustStore
from gateway.statistics.counters import FleetCounters

_SHOWN: Final[dict[Outcome, str]] = {
    Outcome.GRANTED: "granted",
    Outcome.JOINED: "joined",
    Outcome.RECALLED: "joined",
    Outcome.TAKEOVER: "takeover",
    Outcome.DISPLACED: "displaced",
    Outcome.LOST: "lost",
}
"""Outcomes as metrics have them; all others are of logins that are alone."""


def _count(counters: FleetCounters, outcome: Outcome) -> None:
    if outcome is not Outcome.CLAIMED_MEANWHILE:  # it has been counted as alone
        counters.claimed(_SHOWN.get(outcome, "alone"))


def open_fleet_client(
    settings: FleetSettings,
    instance: str,
    duo_time: Callable[[], float | None],
    counters: FleetCounters,
    on_displaced: Callable[[PendingLogin], None],
) -> FleetClient:
    """Return a worker's client, which begins to connect.

    Raises:
        ValueError: the trusted roots cannot be loaded.
    """
    patience = Patience(settings.patience_ms / 1000)
    sealer = open_sealer(settings)
    client = FleetClient(
        instance,
        host_name(settings),
        open_way(settings),
        patience,
        sealer,
        os.urandom,
        duo_time,
        partial(_count, counters),
        counters.waited,
        on_displaced,
    )
    client.start()
    return client


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
