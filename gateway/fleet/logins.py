"""The claimed logins of one worker, the names under which they are found, and when each is to be looked after."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.engine.timers import Timers
from gateway.fleet.claim_states import ENDED, OURS, ClaimedLogin
from gateway.fleetapi.names import NONCE_SIZE

Action: TypeAlias = Callable[[ClaimedLogin, float], None]


class Logins:
    """By the engine's number, by our owner name, by the nonce of our join."""

    __slots__ = ("_by_nonce", "_by_number", "_by_owner", "_draw", "_timers")

    def __init__(self, draw: Callable[[int], bytes], timers: Timers) -> None:
        """Take what draws so many unpredictable octets, for nonces."""
        self._draw = draw
        self._timers = timers
        self._by_number: dict[int, ClaimedLogin] = {}
        self._by_owner: dict[str, ClaimedLogin] = {}
        self._by_nonce: dict[bytes, ClaimedLogin] = {}

    def add(self, login: ClaimedLogin) -> None:
        """Take up a login.

        Raises:
            ValueError: there is one with this number.
        """
        if login.number in self._by_number:
            raise ValueError(f"login {login.number} is here already")
        self._by_number[login.number] = login

    def name(self, login: ClaimedLogin) -> None:
        """Let it be found by its owner name: others may join it from now on."""
        self._by_owner[login.owner] = login

    def unname(self, login: ClaimedLogin) -> None:
        """Let it not be found by its owner name any more, and forget who joined."""
        self._by_owner.pop(login.owner, None)
        login.joiners = None

    def joins(self, login: ClaimedLogin) -> None:
        """Let it be found by the nonce of a new join, and by no earlier one."""
        self.joins_no_more(login)
        login.nonce = self._draw(NONCE_SIZE)
        self._by_nonce[login.nonce] = login

    def joins_no_more(self, login: ClaimedLogin) -> None:
        """Let it not be found by a nonce any more."""
        if login.nonce:
            self._by_nonce.pop(login.nonce, None)
            login.nonce = b""

    def end(self, login: ClaimedLogin) -> None:
        """Forget it; an answer of the store may still come to it."""
        login.move(ENDED)
        del self._by_number[login.number]
        self._by_owner.pop(login.owner, None)
        self.joins_no_more(login)

    def find(self, number: int) -> ClaimedLogin | None:
        """Return the login with the engine's number."""
        return self._by_number.get(number)

    def owned(self, owner: str) -> ClaimedLogin | None:
        """Return the login that has this owner name and may be joined."""
        return self._by_owner.get(owner)

    def joined(self, nonce: bytes) -> ClaimedLogin | None:
        """Return the login whose join has this nonce."""
        return self._by_nonce.get(nonce)

    def all(self) -> list[ClaimedLogin]:
        """Return all, in the order in which they came."""
        return list(self._by_number.values())

    def wake(self, login: ClaimedLogin, instant: float, action: Action) -> None:
        """Call `action(login, now)` once an instant has come, unless it is to be woken at another one by then."""
        login.tick_at = instant
        self._timers.at(instant, self._wake, (login, instant, action))

    def _wake(self, waking: tuple[ClaimedLogin, float, Action], now: float) -> None:
        login, instant, action = waking
        if login.tick_at == instant:
            action(login, now)

    @property
    def n_ours(self) -> int:
        """How many of them this host asks Duo for."""
        return sum(login.state in OURS for login in self._by_number.values())

    def __len__(self) -> int:
        return len(self._by_number)
