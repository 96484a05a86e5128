"""What this host knows of the others of its fleet: who beats, what each has told of itself, whether it reaches Duo.

It outlasts reloads that change `[fleet]`: what another host has said is as true by another way to the store. Instants
are monotonic seconds.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from gateway.config.settings import Secret
from gateway.fleet.hosts import Host, Hosts
from gateway.fleetapi.host_records import HostRecord, bound_to_host, decode_host
from gateway.fleetapi.messages import Beat
from gateway.fleetapi.names import Sealing
from gateway.fleetapi.resp import Answer
from gateway.supervisor.fleet_status import HostFacts, Strangers, worth_showing
from gateway.supervisor.host_news import HostNews
from gateway.supervisor.reach import Reach

log = logging.getLogger("gateway.fleet")


class _Told(NamedTuple):
    """What a host has told last of itself, as it was in the store and opened."""

    sealed: bytes
    record: HostRecord


class OtherHosts:
    """The others of one fleet, as long as this host is in one.

    Attributes:
        hosts: all that beat, this one among them.
        news: what the log has said of them.

    Args:
        instance: of this gateway.
    """

    def __init__(self, instance: str) -> None:
        self.hosts = Hosts(instance)
        self.news = HostNews()
        self._instance = instance
        self._strangers = Strangers()
        self._told: dict[str, _Told] = {}
        self._reach = Reach()

    def keys_changed(self, former: Sequence[Secret], keys: Sequence[Secret]) -> None:
        """Forget what only a former fleet key has opened: who has no other one is of another fleet now.

        What was said of Duo stays said.
        """
        if not all(key in keys for key in former):  # digests in a record are under the key that has sealed it
            self._told.clear()
        if not any(key in keys for key in former):
            self.hosts = Hosts(self._instance)

    def alive(self, now: float) -> list[Host]:
        """Return those that beat."""
        return [host for host in self.hosts.alive(now) if host.instance != self._instance]

    def heard(self, beat: Beat, sealing: Sealing, now: float) -> None:
        """Take note that a host lives."""
        known = {host.instance for host in self.alive(now)}
        if not self.hosts.heard(beat, sealing, now):
            self._strangers.heard(beat.instance, now)
        for host in self.alive(now):
            if host.is_leaving:
                self._reach.taken_back(host.instance)
            if host.instance not in known:
                log.info("Host %s is there", host.name)

    def told(self, instance: str, sealed: Answer, sealing: Sealing, now: float) -> bool:
        """Take note of what the store has of a host; return whether that is news.

        What is the same to the octet was not written anew, and is no word of now: its host may write no more.
        """
        former = self._told.get(instance)
        if not isinstance(sealed, bytes) or (former is not None and former.sealed == sealed):
            return False
        record = decode_host(sealing.open(sealed, bound_to_host(instance)))
        if record is None:
            return False
        self._told[instance] = _Told(sealed, record)
        if any(host.instance == instance and not host.is_leaving for host in self.alive(now)):
            self._reach.said(instance, [each.key for each in record.applications if not each.is_fail_mode_active], now)
        return True

    def is_reached(self, application: str, now: float) -> bool:
        """Whether one of them reaches this Duo application, or did a moment ago."""
        return self._reach.is_reached(application, now)

    def forget(self, now: float) -> None:
        """Forget what was told by those that have been gone for long."""
        known = {host.instance for host in self.hosts.remembered(now)}
        self._told = {instance: told for instance, told in self._told.items() if instance in known}

    def n_strangers(self, now: float) -> int:
        """Return how many beat under a fleet key that is not ours."""
        return self._strangers.count(now)

    def facts(self, own_name: str, now: float) -> list[HostFacts]:
        """Return what is known of those that are worth showing."""
        others = [host for host in self.hosts.remembered(now) if host.instance != self._instance]
        return worth_showing([self._facts_of(host, now) for host in others], own_name)

    def _facts_of(self, host: Host, now: float) -> HostFacts:
        told, is_gone = self._told.get(host.instance), self.hosts.is_gone(host.instance, now)
        record = told.record if told is not None else None
        return HostFacts(host.instance, host.name, record, host.is_leaving, now - host.beat_at, is_gone)
