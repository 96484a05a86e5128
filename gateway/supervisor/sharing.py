"""Whether this host shares its logins with others. Pure.

The supervisor and each worker have a way of their own to the store, and to people they are one host.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from gateway.statistics.layout import DEAF, SHARED
from gateway.words.english import counted

_WHY: Final[Mapping[str, str]] = {
    DEAF: "they hear no other host: has the store reached its maxclients, may its user publish and subscribe?",
    "not_connected": "they have no connection to the store: has it reached its maxclients?",
    "late": "the store's answers are late",
    "full": "the store is full",
    "read_only": "the store does not take writes now",
    "not_allowed": "the store does not permit what radgate does",
    "refused": "the store refuses what it is asked",
    "cluster": "the store is one node of a cluster",
}


class Sharing(NamedTuple):
    """Whether logins are shared.

    Attributes:
        why_not: for an administrator, one line; "" while they are.
        n_alone, n_workers: workers that do not share theirs, although this host could, and all that serve.
    """

    why_not: str
    n_alone: int = 0
    n_workers: int = 0

    @property
    def detail(self) -> str:
        """Why not, and who does not if others do."""
        who = f"{self.n_alone} of {counted(self.n_workers, 'worker')}: " if self.n_alone else ""
        return who + self.why_not


def sharing_of(own_trouble: str, workers: Iterable[Mapping[str, Any]]) -> Sharing:
    """Return whether logins are shared.

    Args:
        own_trouble: why the supervisor cannot use the store; "" if it can.
        workers: as `status.json` has them.
    """
    if own_trouble:
        return Sharing(own_trouble)
    standings = [worker.get("sharing", "") for worker in workers if worker["state"] == "ready"]
    alone = [standing for standing in standings if standing not in ("", SHARED)]
    return Sharing("; ".join(_WHY[each] for each in dict.fromkeys(alone)), len(alone), len(standings))
