"""The fleet that the present settings name, if they name one: this host is a member of it, and of no other."""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from hashlib import blake2b

import msgspec

from gateway.config.settings import FleetSettings, ServerSettings, Settings, WhenIsolated
from gateway.fleet.access import open_sealer
from gateway.supervisor.membership import Membership
from gateway.supervisor.other_hosts import OtherHosts
from gateway.supervisor.status import Status

log = logging.getLogger("gateway.fleet")

JOIN_EVERY_S = 1.0  # as long as the store's trusted roots cannot be loaded


class FleetWatch:
    """A member of one fleet after the other, from `follow` to `stop`.

    Args:
        instance: of this gateway.
        status: returns what `status.json` holds.
        on_news: told when something of another host is known that was not.
    """

    def __init__(self, instance: str, status: Callable[[], Status], on_news: Callable[[], None]) -> None:
        self._instance = instance
        self._status = status
        self._on_news = on_news
        self._settings: Settings | None = None
        self._membership: Membership | None = None
        self._others = OtherHosts(instance)
        self._next_try: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def follow(self, settings: Settings) -> None:
        """Be a host of the fleet that these settings name, if they name one, and of no other any more.

        Who goes on as a host, by whatever way, is not leaving, and knows what it knew of the others.
        """
        former = self._settings.fleet if self._settings is not None else None
        self._settings = settings
        if settings.fleet is not None and settings.fleet == former and self._membership is not None:
            self._membership.sections = _digests(settings, settings.fleet)
            return
        self._close(is_leaving=settings.fleet is None)
        if settings.fleet is None:
            self._others = OtherHosts(self._instance)
        else:
            if former is not None:
                self._others.keys_changed(former.keys, settings.fleet.keys)
            self._join(settings, settings.fleet)
        self._on_news()

    def _join(self, settings: Settings, fleet: FleetSettings, *, is_told: bool = False) -> None:
        """Be a host of this fleet as soon as that can be: others take one that they do not hear for gone."""
        try:
            self._membership = Membership(self._instance, fleet, self._others, self._status, self._on_news)
        except ValueError as error:  # of trusted roots, for which no worker can start either
            if not is_told:
                log.error("The fleet cannot be joined: %s; trying again", error)
            self._on_news()  # as time passes, others are relied on no more
            again = partial(self._join, settings, fleet, is_told=True)
            self._next_try = asyncio.get_running_loop().call_later(JOIN_EVERY_S, again)
            return
        self._membership.sections = _digests(settings, fleet)
        self._membership.start()

    def _try_no_more(self) -> None:
        if self._next_try is not None:
            self._next_try.cancel()

    def say_leaving(self) -> None:
        """Let the others know that this host takes no more logins."""
        self._try_no_more()
        if self._membership is not None:
            self._membership.say_leaving()

    async def stop(self, *, goes_on: bool = False) -> None:
        """Leave, unless this host goes on as another process."""
        self._close(is_leaving=not goes_on)
        await asyncio.gather(*self._closing)

    def _close(self, *, is_leaving: bool) -> None:
        self._try_no_more()
        if self._membership is not None:
            task = asyncio.get_running_loop().create_task(self._membership.close(is_leaving=is_leaving))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._membership = None

    def is_reached_elsewhere(self, application: str) -> bool:
        """Whether another host reaches this Duo application, or did a moment ago."""
        return self._others.is_reached(application, time.monotonic())

    @property
    def is_silent_when_isolated(self) -> bool:
        """Whether this host is to be silent if it does not reach what another one does."""
        fleet = self._settings.fleet if self._settings is not None else None
        return fleet is not None and fleet.when_isolated is WhenIsolated.SILENT

    def status(self) -> Status | None:
        """Return what `status.json` holds of the fleet; None where there is none."""
        return self._membership.status() if self._membership is not None else None


def _digests(settings: Settings, fleet: FleetSettings) -> list[dict[str, str]]:
    """Return what tells whether two hosts have the same sections; under each fleet key, for they hold secrets."""
    keys = [open_sealer(msgspec.structs.replace(fleet, keys=(key,))).digest_key for key in fleet.keys]
    return [{server.section: _digest(server, key) for server in settings.servers} for key in keys]


def _digest(server: ServerSettings, key: bytes) -> str:
    alike = msgspec.structs.replace(server, name="", interface=None, port=0)
    return blake2b(msgspec.msgpack.encode(alike, order="sorted"), key=key, digest_size=8, person=b"section").hexdigest()
