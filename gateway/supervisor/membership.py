"""This host in a fleet: it beats and says how it is, and hears the same of the others.

Two beats a second and one record go out; the beats of others say whose records to read. Logins are the workers' matter.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial

from gateway import __version__
from gateway.config.settings import FleetSettings
from gateway.fleet.access import host_name, open_sealer, open_way
from gateway.fleet.hosts import BEAT_INTERVAL_S, encode_beat
from gateway.fleet.mailbox import UNHEARD, Mailbox
from gateway.fleet.patience import Patience
from gateway.fleet.store import Store, StoreOwner
from gateway.fleetapi.host_records import (
    LIFE_S,
    HostApplication,
    HostRecord,
    bound_to_host,
    encode_host,
    host_key,
)
from gateway.fleetapi.messages import Beat, decode_message
from gateway.fleetapi.names import ALL_HOSTS
from gateway.fleetapi.resp import Answer
from gateway.supervisor.fleet_status import HostFacts, host_status
from gateway.supervisor.other_hosts import OtherHosts
from gateway.supervisor.sharing import Sharing, sharing_of
from gateway.supervisor.sharing_news import SharingNews
from gateway.supervisor.status import Status

_BEATS_A_RECORD = 2
_NOT_YET = ("not connected yet", UNHEARD)  # as a store and a mailbox have it, which is no trouble


class Membership(StoreOwner):
    """This host in one fleet, from `start` to `close`.

    Attributes:
        sections: what tells whether two hosts have one alike, by its name: under each fleet key.

    Args:
        instance: of this gateway.
        settings: of the fleet.
        others: the other hosts, as far as they are known already.
        status: returns what `status.json` holds of this host.
        on_news: told when something of another host is known that was not.
    """

    def __init__(
        self,
        instance: str,
        settings: FleetSettings,
        others: OtherHosts,
        status: Callable[[], Status],
        on_news: Callable[[], None],
    ) -> None:
        self._on_news = on_news
        self.sections: list[dict[str, str]] = [{}]
        self._instance = instance
        self._name = host_name(settings)
        self._host_status = status
        self._loop = asyncio.get_running_loop()
        self._sealer = open_sealer(settings)
        way = open_way(settings)
        self._patience = Patience(settings.patience_ms / 1000)
        self._others = others
        self._store = Store(way, self._patience, self, self._loop.call_soon, time.monotonic, random.random)
        self._mailbox = Mailbox(way, [ALL_HOSTS.encode()], self._heard, time.monotonic, random.random, self._looked)
        self._is_leaving = self._is_closed = False
        self._n_beats = 0
        self._timer: asyncio.TimerHandle | None = None
        self._sharing_news = SharingNews()

    def start(self) -> None:
        """Connect, and beat."""
        self._others.hosts.lost()
        self._store.start()
        self._mailbox.start()
        self._beat()

    async def close(self, *, is_leaving: bool) -> None:
        """Close the connections. Who is leaving says so, as far as that can still be said; who goes on is relied on."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if is_leaving:
            self.say_leaving()
            self._store.command([b"DEL", host_key(self._instance)])
        await self._store.close()
        await self._mailbox.close()

    def say_leaving(self) -> None:
        """Let the others know that this host takes no more logins."""
        self._is_leaving = True
        self._say()

    # What goes out.

    def _beat(self) -> None:
        self._timer = self._loop.call_later(BEAT_INTERVAL_S, self._beat)
        self._say()
        self._on_news()  # also where nothing is heard any more: that nobody can be relied on is news

    def _say(self) -> None:
        self._store.publish(ALL_HOSTS.encode(), encode_beat(self._instance, self._name, self._is_leaving, self._sealer))
        self._n_beats += 1
        if self._n_beats % _BEATS_A_RECORD == 0:
            host = self._host_status()
            self._tell_sharing(host)
            if self._store.is_connected:
                self._write(host)
                self._read(host)

    def _write(self, host: Status) -> None:
        sealed = self._sealer.seal(encode_host(self._own_record(host)), bound_to_host(self._instance))
        self._store.command([b"SET", host_key(self._instance), sealed, b"EX", b"%d" % LIFE_S])

    def _own_record(self, host: Status) -> HostRecord:
        workers, servers = host["workers"], host["servers"]
        reasons: dict[str, int] = {}
        for server in servers:
            for reason, count in server["reasons"].items():
                reasons[reason] = reasons.get(reason, 0) + count
        return HostRecord(
            name=self._name,
            version=__version__,
            is_leaving=self._is_leaving,
            uptime_s=host["uptime_s"],
            n_workers=len(workers),
            n_ready=sum(worker["state"] == "ready" for worker in workers),
            pending=sum(server["pending"] for server in servers),
            reasons=reasons,
            applications=[
                HostApplication(each["application"], each["state"], each["failmode_active"])
                for each in host["applications"]
            ],
            sections=self.sections[0],
        )

    def _read(self, host: Status) -> None:
        now = time.monotonic()
        self._others.forget(now)
        self._others.news.tell(self._status(host))
        for other in self._others.alive(now):
            self._store.command([b"GET", host_key(other.instance)], partial(self._took, other.instance))

    def _took(self, instance: str, answer: Answer) -> None:
        if self._others.told(instance, answer, self._sealer, time.monotonic()):
            self._on_news()

    # What comes in.

    def _heard(self, _channel: bytes, octets: bytes) -> None:
        message = decode_message(octets)
        if isinstance(message, Beat):
            self._others.heard(message, self._sealer, time.monotonic())

    def _looked(self) -> None:
        if self._is_closed:  # who comes after us hears them
            return
        if self._mailbox.is_hearing:
            self._others.hosts.connected(time.monotonic())
        else:
            self._others.hosts.lost()
        self._tell_sharing(self._host_status())

    def store_connected(self) -> None:
        """See whether logins are shared."""
        self._tell_sharing(self._host_status())

    def store_lost(self, _detail: str) -> None:
        """Say why they are not."""
        self._tell_sharing(self._host_status())

    def _tell_sharing(self, host: Status) -> None:
        sharing = self._sharing(host)
        if not self._is_closed and sharing.why_not not in _NOT_YET:
            self._sharing_news.tell(sharing, time.monotonic())

    def status(self) -> Status:
        """Return what `status.json` holds of the fleet."""
        return self._status(self._host_status())

    def _status(self, host: Status) -> Status:
        now, sharing = time.monotonic(), self._sharing(host)
        own = HostFacts(self._instance, self._name, self._own_record(host), self._is_leaving)
        others = self._others.facts(self._name, now)
        return {
            "name": self._name,
            "instance": self._instance,
            "up": not sharing.why_not,
            "detail": sharing.detail,
            "workers_alone": sharing.n_alone,
            "leaving": self._is_leaving,
            "strangers": self._others.n_strangers(now),
            "same_names": self._others.hosts.same_names(now),
            "hosts": [host_status(each, own, self.sections) for each in (own, *others)],
        }

    def _sharing(self, host: Status) -> Sharing:
        return sharing_of(self._patience.reason or self._mailbox.reason, host["workers"])
