"""How the logins of this worker ended, remembered for joins that come late."""

from collections import deque
from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.values import Value

REMEMBERED_S: Final = 30.0  # as long as the record of a decided login lives
MOST: Final = 32_768


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class Ending(Value):
    """How a login ended, one of the words of `fleetapi.messages`; `verdict` is empty but for `VERDICT`."""

    __slots__ = ("how", "login", "verdict")

    def __init__(self, login: bytes, how: str, verdict: bytes) -> None:
        self.login = login
        self.how = how
        self.verdict = verdict

    def __repr__(self) -> str:
        return f"Ending({self.how!r})"


class Endings:
    """Endings by the owner's name that the login had; the oldest go first."""

    __slots__ = ("_by_owner", "_queue")

    def __init__(self) -> None:
        self._by_owner: dict[str, Ending] = {}
        self._queue: deque[tuple[float, str]] = deque()

    def remember(self, owner: str, ending: Ending, now: float) -> None:
        """Keep it for `REMEMBERED_S`, unless too many come after it."""
        queue = self._queue
        while queue and (queue[0][0] <= now or len(queue) >= MOST):
            self._by_owner.pop(queue.popleft()[1], None)
        self._by_owner[owner] = ending
        queue.append((now + REMEMBERED_S, owner))

    def find(self, owner: str) -> Ending | None:
        """Return how the login that had this owner ended, if that is remembered."""
        return self._by_owner.get(owner)

    def __len__(self) -> int:
        return len(self._by_owner)
