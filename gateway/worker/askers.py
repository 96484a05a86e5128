"""Whom a worker's logins ask something: Duo applications, first factors and the fleet, each by its name."""

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.config.settings import FleetSettings, Settings
from gateway.duo.clients import open_duo_clients
from gateway.engine.challenges.memory import ChallengeMemory
from gateway.ipc.plan import application_key
from gateway.statistics.counters import FirstFactorCounters, FleetCounters
from gateway.worker.duo_time import DuoTime
from gateway.worker.evidence import EvidenceWriter
from gateway.worker.first_factors import open_first_factors
from gateway.worker.service import Asker, Service
from gateway.worker.wiring import FLEET

if TYPE_CHECKING:
    from gateway.duo.client import DuoClient
    from gateway.firstfactor.client import FirstFactorClient
    from gateway.fleet.client import FleetClient


class Askers:
    """Opens them, and has them know of each other what they need.

    Attributes:
        by_name: all, by the name that the engine's questions are for.
        duo: clients of Duo applications, by `application_key`.
        first_factors: by section.
        fleet: None for a host by itself.
    """

    def __init__(self, n_workers: int) -> None:
        """Take among how many workers the bounds of what is asked are shared."""
        self._n_workers = n_workers
        self.by_name: dict[str, Asker] = {}
        self.duo: dict[str, DuoClient] = {}
        self.first_factors: dict[str, FirstFactorClient[Any]] = {}
        self.fleet: FleetClient | None = None
        self._duo_time = DuoTime(self.duo, asyncio.get_running_loop().call_later)

    def open(
        self,
        settings: Settings,
        observers: Mapping[str, EvidenceWriter],
        counters: Mapping[str, FirstFactorCounters],
    ) -> None:
        """Open those that settings name, but for the fleet.

        Raises:
            OSError, ValueError: what they name cannot be used; the text says what, and why.
        """
        self._open_duo(settings, observers)
        self.first_factors = open_first_factors(settings, self._n_workers, counters)
        self.by_name.update(self.first_factors)

    def open_former(self, settings: Settings) -> None:
        """Open clients for applications that only former settings know, and logins still wait for."""
        servers = [each for each in settings.servers if application_key(each.application) not in self.duo]
        if servers:
            self._open_duo(msgspec.structs.replace(settings, servers=tuple(servers)))

    def join_fleet(
        self,
        settings: FleetSettings,
        instance: str,
        counters: FleetCounters,
        service: Service,
        memory: ChallengeMemory,
    ) -> None:
        """Share logins and challenges with other hosts, among which this gateway is called `instance`.

        Raises:
            OSError, ValueError: what the settings name cannot be used; the text says what, and why.
        """
        from gateway.fleet.clients import open_fleet_client  # which a host by itself starts sooner without

        self._duo_time.keep()
        duo_time, displaced = self._duo_time, service.displaced
        fleet = open_fleet_client(settings, instance, duo_time.unix_time, counters, displaced, duo_time.ask)
        self.fleet = self.by_name[FLEET] = fleet
        service.share_with(fleet)
        memory.share = fleet.keep_for_state

    def tell_duo_time(self, memory: ChallengeMemory) -> None:
        """Let who goes by Duo's time hear it, if it is known."""
        duo_time = self._duo_time.unix_time()
        if duo_time is not None:
            memory.told(duo_time, time.monotonic())
            if self.fleet is not None:
                self.fleet.duo_has_told()

    def drop_idle_connections(self, application: str) -> None:
        """Let those of a Duo application go."""
        self.duo[application].drop_idle_connections()

    def leave_pushes(self, application: str, are_left: bool) -> None:
        """Let other hosts have the pushes of an application, or, with False, no more."""
        if self.fleet is not None:
            self.fleet.leave_pushes(application, are_left=are_left)

    def close(self) -> None:
        """End what first factors keep open."""
        for client in self.first_factors.values():
            client.close()

    def _open_duo(self, settings: Settings, observers: Mapping[str, EvidenceWriter] | None = None) -> None:
        clients = open_duo_clients(settings, self._n_workers, observers)
        self.duo.update(clients)
        self.by_name.update(clients)
