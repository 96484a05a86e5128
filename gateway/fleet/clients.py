"""Settings into a worker's client of its fleet: with `fleet.access` the only place where they meet."""

import os
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.config.settings import FleetSettings
from gateway.engine.pending import PendingLogin
from gateway.fleet.access import host_name, open_sealer, open_way
from gateway.fleet.client import FleetClient
from gateway.fleet.effects import Outcome
from gateway.fleet.patience import Patience
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
    ask_duo_time: Callable[[], None],
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
        counters.shares,
        ask_duo_time,
    )
    client.start()
    return client
