"""Which hosts there are: those that beat. Who stands still, or is cut off itself, hears nobody and believes no silence.

Instants are monotonic seconds.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from gateway.fleetapi.messages import PROTOCOL_VERSION, Beat, Presence, decode_presence, encode_message
from gateway.fleetapi.names import Sealing, bound_to

BEAT_INTERVAL_S: Final = 0.5
LEASE_S: Final = 2.0
"""A host that has not beaten for so long is gone."""
_REMEMBERED_S: Final = 60.0  # by then nothing of a host that is gone is left in the store
_BEAT: Final = "beat"
_MAX_HOSTS: Final = 1024  # whoever writes to the store can make them up


class Host(NamedTuple):
    """What the last beat of a host said, when it came, and when the first one did."""

    instance: str
    name: str
    version: int
    is_leaving: bool
    beat_at: float
    known_since: float


class Hosts:
    """Who beats, as one worker hears it; its own host is among them."""

    def __init__(self, instance: str) -> None:
        """Begin without a connection: nobody is gone as long as nobody can be heard."""
        self._instance = instance
        self._hosts: dict[str, Host] = {}
        self._heard_since = float("inf")

    def connected(self, now: float) -> None:
        """Hear from now on: silence counts once a lease has passed. So, too, after this process stood still."""
        self._heard_since = now

    def lost(self) -> None:
        """Hear nothing any more, until `connected`."""
        self._heard_since = float("inf")

    def heard(self, beat: Beat, sealing: Sealing, now: float) -> bool:
        """Take note that a host lives, if it has said so itself; return whether it has, under a key that we know."""
        text = sealing.open(beat.sealed, bound_to(_BEAT, beat.instance.encode()))
        presence = None if text is None else decode_presence(text)
        if presence is None:
            return False
        former = self._hosts.pop(beat.instance, None)  # the latest stands last
        since = now if former is None else former.known_since
        self._hosts[beat.instance] = Host(beat.instance, presence.name, beat.version, presence.leaving, now, since)
        self._forget(now)
        return True

    def is_gone(self, instance: str, now: float) -> bool:
        """Whether a host has been silent for a lease; its own never is, for a host's workers do not beat."""
        if instance == self._instance:
            return False
        host = self._hosts.get(instance)
        heard_at = self._heard_since if host is None else max(host.beat_at, self._heard_since)
        return now - heard_at >= LEASE_S

    def alive(self, now: float) -> list[Host]:
        """Return the hosts that beat, this one among them, by name."""
        return sorted([host for host in self._hosts.values() if now - host.beat_at < LEASE_S], key=_by_name)

    def same_names(self, now: float) -> list[str]:
        """Return the names that two hosts have: the earlier one has beaten since the later one began."""
        beating = [host for host in self.alive(now) if not host.is_leaving]
        pairs = [(one, other) for one, other in pairwise(beating) if one.name == other.name]
        both = [one.name for one, other in pairs if one.beat_at > other.known_since and other.beat_at > one.known_since]
        return list(dict.fromkeys(both))

    def remembered(self, now: float) -> list[Host]:
        """Return the hosts that beat, and those that have lately, by name."""
        return sorted([host for host in self._hosts.values() if now - host.beat_at <= _REMEMBERED_S], key=_by_name)

    def _forget(self, now: float) -> None:
        oldest = next(iter(self._hosts.values()))
        if now - oldest.beat_at > _REMEMBERED_S or len(self._hosts) > _MAX_HOSTS:
            del self._hosts[oldest.instance]

    def __repr__(self) -> str:
        return f"<Hosts {len(self._hosts)} heard since {self._heard_since:g}>"


def encode_beat(instance: str, name: str, is_leaving: bool, sealing: Sealing) -> bytes:
    """Return what a host says each `BEAT_INTERVAL_S` on the channel `names.ALL_HOSTS`."""
    sealed = sealing.seal(encode_message(Presence(name, is_leaving)), bound_to(_BEAT, instance.encode()))
    return encode_message(Beat(instance, PROTOCOL_VERSION, sealed))


def _by_name(host: Host) -> tuple[str, str]:
    return host.name, host.instance
