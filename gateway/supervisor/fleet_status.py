"""The hosts of a fleet as `status.json` shows them: how each is, and in what it differs from this one. Pure.

Nobody's name is among it: the last logins of a host are shown on that host alone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from gateway.fleet.hosts import LEASE_S
from gateway.fleetapi.host_records import HostRecord

Status = dict[str, Any]
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
    """Nobody can be heard now, because this host cannot reach the store."""


class HostFacts(NamedTuple):
    """A host.

    Attributes:
        name: from its last beat.
        is_leaving: likewise.
        silent_s: how long ago that was.
        record: what it told last of itself; None if nothing is known.
    """

    instance: str
    name: str
    is_leaving: bool
    silent_s: float
    record: HostRecord | None


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
    """Return those of other hosts that are not simply gone: that have left, or have begun anew under the same name."""
    others = list(others)
    present = {own_name, *(host.name for host in others if host.silent_s < LEASE_S)}
    return [host for host in others if host.silent_s < LEASE_S or not (host.is_leaving or host.name in present)]


def host_status(host: HostFacts, sections: Mapping[str, str], *, is_self: bool, is_heard: bool) -> Status:
    """Return what is shown of a host.

    Args:
        host: what is known of it.
        sections: a digest of each server section of this host.
        is_self: it is this host.
        is_heard: beats can be heard now, so that silence means something.
    """
    record = host.record or HostRecord(name=host.name, version="")
    shown: Status = msgspec.to_builtins(record)
    theirs = shown.pop("sections")
    return {
        "instance": host.instance,
        "self": is_self,
        "state": _state(host, is_self=is_self, is_heard=is_heard),
        "silent_s": round(host.silent_s, 1),
        "differs": differing(sections, theirs) if host.record is not None else [],
        **shown,
    }


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return the sections that two hosts do not have alike, or that only one of them has."""
    return sorted(section for section in {*ours, *theirs} if ours.get(section) != theirs.get(section))


def _state(host: HostFacts, *, is_self: bool, is_heard: bool) -> HostState:
    if not is_self and not is_heard:
        return HostState.UNKNOWN
    if host.silent_s >= LEASE_S:
        return HostState.SILENT
    if host.is_leaving:
        return HostState.LEAVING
    if host.record is None:
        return HostState.ARRIVING
    return HostState.READY if host.record.n_ready else HostState.NOT_SERVING
