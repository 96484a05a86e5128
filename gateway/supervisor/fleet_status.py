"""The hosts of a fleet as `status.json` shows them: how each is, and in what it differs from this one. Pure.

Nobody's name is among it: the last logins of a host are shown on that host alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from gateway.fleet.hosts import LEASE_S
from gateway.fleetapi.host_records import HostRecord
from gateway.supervisor.status import Status

_MAX_STRANGERS: Final = 16


class HostState(StrEnum):
    """How a host is, as this one sees it."""

    READY = "ready"
    NOT_SERVING = "not_serving"
    """It beats, and has no worker that serves."""
    LEAVING = "leaving"
    """It stops: it finishes what is pending, and takes no more logins."""
    ARRIVING = "arriving"
    """It beats, and has not said more yet."""
    SILENT = "silent"
    """It does not beat any more, and has not said that it leaves."""
    UNKNOWN = "unknown"
    """It is not heard, and that says nothing: this host cannot hear anybody, or has begun only now."""


class HostFacts(NamedTuple):
    """A host.

    Attributes:
        name: from its last beat.
        record: what it told last of itself; None if nothing is known.
        is_leaving: from its last beat.
        silent_s: how long ago that was.
        is_gone: its silence has been heard for a lease, which nobody can say who has heard nothing at all.
    """

    instance: str
    name: str
    record: HostRecord | None
    is_leaving: bool = False
    silent_s: float = 0.0
    is_gone: bool = False


class Strangers:
    """Hosts that beat under a fleet key that this one does not have."""

    def __init__(self) -> None:
        self._heard_at: dict[str, float] = {}

    def heard(self, instance: str, now: float) -> None:
        """One has beaten; of many, which somebody may have made up, some are enough."""
        if instance in self._heard_at or len(self._heard_at) < _MAX_STRANGERS:
            self._heard_at[instance] = now

    def count(self, now: float) -> int:
        """Return how many beat now."""
        self._heard_at = {instance: at for instance, at in self._heard_at.items() if now - at < LEASE_S}
        return len(self._heard_at)


def worth_showing(others: Iterable[HostFacts], own_name: str) -> list[HostFacts]:
    """Return those of other hosts that beat, and those that ended without a word and have not begun anew.

    Of those with one name the last that has beaten counts, even once it has left; who leaves is not shown beside one
    that has begun anew.
    """
    others = list(others)
    anew = {host.name for host in others if host.silent_s < LEASE_S and not host.is_leaving}
    others = [host for host in others if not (host.is_leaving and host.name in anew)]
    latest = {host.name: host.instance for host in sorted(others, key=lambda host: -host.silent_s)}
    return [host for host in others if host.silent_s < LEASE_S or _is_missed(host, own_name, latest)]


def _is_missed(host: HostFacts, own_name: str, latest: Mapping[str, str]) -> bool:
    return not host.is_leaving and host.name != own_name and latest[host.name] == host.instance


def host_status(host: HostFacts, own: HostFacts, ours: Sequence[Mapping[str, str]]) -> Status:
    """Return what is shown of a host, which may be our own; `ours` are our sections as `differing` takes them."""
    shown: Status = msgspec.to_builtins(host.record or HostRecord(name=host.name, version=""))
    theirs = shown.pop("sections")
    return {
        **shown,
        "instance": host.instance,
        "self": host.instance == own.instance,
        "name": host.name,
        "state": _state(host),
        "silent_s": round(host.silent_s, 1),
        "differs": differing(ours, theirs) if _is_comparable(host, own) else [],
        "other_first_key": has_other_first_key(ours, theirs),
    }


def _is_comparable(host: HostFacts, own: HostFacts) -> bool:
    """Whether digests of two hosts tell something: those of another version may be of other keys with the same file."""
    return host.record is not None and own.record is not None and host.record.version == own.record.version


def differing(ours: Sequence[Mapping[str, str]], theirs: Mapping[str, str]) -> list[str]:
    """Return the sections that two hosts do not have alike, or that only one of them has.

    Args:
        ours: digests of each section, by its name: under each of our fleet keys, the one that seals first.
        theirs: the same under the key that they seal with. Their record has opened, so it is one of ours.
    """
    names = {section for each in (*ours, theirs) for section in each}
    return sorted(name for name in names if theirs.get(name) not in [each.get(name) for each in ours])


def has_other_first_key(ours: Sequence[Mapping[str, str]], theirs: Mapping[str, str]) -> bool:
    """Whether the key that they seal with is not the one that we seal with, as far as a common section tells."""
    return any(digest == each.get(name) for each in ours[1:] for name, digest in theirs.items())


def _state(host: HostFacts) -> HostState:
    if host.silent_s >= LEASE_S:
        return HostState.SILENT if host.is_gone else HostState.UNKNOWN
    if host.is_leaving:
        return HostState.LEAVING
    if host.record is None:
        return HostState.ARRIVING
    return HostState.READY if host.record.n_ready else HostState.NOT_SERVING
