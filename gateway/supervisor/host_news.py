"""What the log says of the other hosts of a fleet: once when something begins, and once when it has ended."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.supervisor.fleet_status import HostState
from gateway.supervisor.status import Status

log = logging.getLogger("gateway.fleet")

_STATES: Final = {
    HostState.LEAVING: (logging.INFO, "leaves: it takes no more logins"),
    HostState.SILENT: (logging.WARNING, "is silent: it does not beat any more, and has not said that it leaves"),
}
_TELLING: Final = (HostState.READY, HostState.NOT_SERVING, HostState.LEAVING)

_Matters = Mapping[str, str]
"""What is not as it should be, and what is said once it is again."""


class HostNews:
    """What has been said, so that nothing is said twice."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._told: dict[str, _Matters] = {}

    def tell(self, fleet: Status) -> None:
        """Say what is new in the status of a fleet."""
        (own,) = (host for host in fleet["hosts"] if host["self"])
        others = [host for host in fleet["hosts"] if not host["self"]]
        self._tell_states(others)
        if fleet["up"] or fleet["workers_alone"]:  # who hears nobody knows of no end
            self._tell("", dict(_among_all(fleet)))
        for host in others:
            if host["state"] in _TELLING and host["version"] == own["version"]:  # of another nobody knows what differs
                self._tell(host["name"], dict(_of_host(host)))

    def _tell_states(self, others: list[Status]) -> None:
        for host in others:
            state = host["state"]
            if state in _STATES and self._states.get(host["instance"]) != state:
                level, text = _STATES[state]
                log.log(level, "Host %s %s", host["name"], text)
        self._states = {host["instance"]: host["state"] for host in others}

    def _tell(self, name: str, matters: _Matters) -> None:
        """Say what has begun and what has ended of a host, or of all of them."""
        former = self._told.get(name, {})
        for begun in matters.keys() - former.keys():
            log.warning("%s", begun)
        for ended in former.keys() - matters.keys():
            log.info("%s", former[ended])
        self._told[name] = matters


def _among_all(fleet: Status) -> Iterator[tuple[str, str]]:
    if fleet["strangers"]:
        whose = "if it is of this fleet, compare fleet_key_file; if not, give each fleet a store of its own"
        yield (
            f"A host with another fleet key writes to the store, and nothing is shared with it: {whose}",
            "No host with another fleet key writes to the store any more",
        )
    for name in fleet["same_names"]:
        yield (
            f"Two hosts beat under the name {name}; give each its own name= in [fleet]",
            f"Only one host beats under the name {name} now",
        )


def _of_host(host: Status) -> Iterator[tuple[str, str]]:
    name = host["name"]
    for section in host["differs"]:
        yield (
            f"Host {name} has other settings for [{section}], or lacks it: logins there may end differently",
            f"Host {name} has the same settings for [{section}] again",
        )
    if host["other_first_key"]:
        first_key = f"Host {name} has another first line in fleet_key_file"
        yield (
            f"{first_key}: a login that is asked at both is pushed twice; finish step 2 of a change of the key",
            f"Host {name} has the same first line in fleet_key_file again",
        )
