"""The settings by which this worker serves, and former ones by which logins were begun that still wait."""

import logging
from collections.abc import Iterable

import msgspec

from gateway.config.listening import listening_addresses
from gateway.config.settings import Settings, decode_settings
from gateway.engine.challenges.memory import ChallengeMemory, UnixClock
from gateway.engine.nas import NasTable, Section
from gateway.ipc.memory import read_memfd
from gateway.ipc.orders import GenerationOrders
from gateway.statistics.counters import WorkerRow
from gateway.worker.wiring import build_section, build_table

log = logging.getLogger("gateway.worker")


class GenerationParts:
    """The settings of a generation, and the parts of the engine that are made of them.

    Attributes:
        key: of digests; the same in all workers, and for all generations.
        listening: the texts of the listening addresses, by number.
        tables: the clients of each listening address.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        key: bytes,
        row: WorkerRow | None = None,
        memory: ChallengeMemory | None = None,
        *,
        asks_fleet: bool = True,
    ) -> None:
        """Take settings, the key of digests, the row in which sections are counted, which may lack some, and the memory
        of challenges.

        Without `asks_fleet` no login asks other hosts, whatever the settings say.
        """
        self.number = number
        self.settings = settings
        self.key = key
        addresses = listening_addresses(settings)
        self.listening = [str(address) for address in addresses]
        counters = row.sections if row is not None else {}
        memory = memory or ChallengeMemory(UnixClock())
        has_fleet = asks_fleet and settings.fleet is not None
        self.sections: dict[str, Section] = {
            server.section: build_section(
                server, settings, memory, key, number, counters.get(server.section), has_fleet=has_fleet
            )
            for server in settings.servers
        }
        uses = row.secret_uses if row is not None else {}
        self.tables: list[NasTable] = [build_table(settings, address, self.sections, uses) for address in addresses]

    def table(self, listening: str) -> NasTable | None:
        """Return the clients of a listening address, by its text."""
        return self.tables[self.listening.index(listening)] if listening in self.listening else None


class Generations:
    """By number; former ones are made when the first of their logins turns up."""

    def __init__(
        self,
        own: GenerationParts,
        former: Iterable[GenerationOrders],
        row: WorkerRow | None = None,
        memory: ChallengeMemory | None = None,
    ) -> None:
        """Take the generation to serve by, where to find former ones, and the row and the memory of all."""
        self.own = own
        self._memory = memory
        self._known: dict[int, GenerationParts | None] = {own.number: own}
        self._row = row
        self._descriptors = {each.number: each.settings_fd for each in former}

    def find(self, number: int) -> GenerationParts | None:
        """Return a generation, or None if its settings are not there or cannot be read by this version."""
        if number not in self._known:
            self._known[number] = self._read(number)
        return self._known[number]

    def _read(self, number: int) -> GenerationParts | None:
        descriptor = self._descriptors.get(number)
        if descriptor is None:
            return None
        try:
            settings = decode_settings(read_memfd(descriptor))
            return GenerationParts(
                number,
                settings,
                self.own.key,
                self._row,
                self._memory,
                asks_fleet=self.own.settings.fleet is not None,
            )
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            log.error("Settings of generation %d cannot be read: %s", number, type(error).__name__)
            return None
