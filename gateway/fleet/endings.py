"""The logins of this worker that have ended, remembered for joins that come late."""

from collections import deque
from typing import Final

from gateway.fleet.claim_states import ClaimedLogin

REMEMBERED_S: Final = 30.0  # as long as the record of a decided login lives
MOST: Final = 32_768


class Endings:
    """By the owner's name that they had; the oldest go first."""

    __slots__ = ("_by_owner", "_queue")

    def __init__(self) -> None:
        self._by_owner: dict[str, ClaimedLogin] = {}
        self._queue: deque[tuple[float, str]] = deque()

    def remember(self, login: ClaimedLogin, now: float) -> None:
        """Keep it for `REMEMBERED_S`, unless too many come after it."""
        queue = self._queue
        while queue and (queue[0][0] <= now or len(queue) >= MOST):
            self._by_owner.pop(queue.popleft()[1], None)
        self._by_owner[login.owner] = login
        queue.append((now + REMEMBERED_S, login.owner))

    def find(self, owner: str) -> ClaimedLogin | None:
        """Return the login that had this owner, if it is remembered."""
        return self._by_owner.get(owner)

    def __len__(self) -> int:
        return len(self._by_owner)
