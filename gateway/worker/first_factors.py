"""Who is asked for first factors: a client for each section of the file that checks passwords."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.config.settings import AdClient, RadiusClient, Settings
from gateway.statistics.counters import FirstFactorCounters

if TYPE_CHECKING:
    from gateway.firstfactor.client import FirstFactorClient


def open_first_factors(
    settings: Settings, n_workers: int, counters: Mapping[str, FirstFactorCounters]
) -> "dict[str, FirstFactorClient[Any]]":
    """Return the clients by their sections; `n_workers` share what each may ask, `counters` are by section, too.

    Raises:
        ValueError: certificates that the settings' reader has taken are none any more.
    """
    opened: dict[str, FirstFactorClient[Any]] = {}
    for client in settings.clients:
        if isinstance(client, RadiusClient):
            from gateway.firstfactor.home.clients import open_home_client  # which others start sooner without

            opened[client.section] = open_home_client(client, n_workers, counters.get(client.section))
        elif isinstance(client, AdClient):
            from gateway.firstfactor.directory.clients import open_directory_client  # likewise

            opened[client.section] = open_directory_client(client, n_workers, counters.get(client.section))
    return opened
