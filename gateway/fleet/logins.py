"""The claimed logins of one worker, and the names under which they are found."""

from gateway.fleet.claim_states import ENDED, OURS, ClaimedLogin


class Logins:
    """By the engine's number, by our owner name, by the nonce of our join."""

    __slots__ = ("_by_nonce", "_by_number", "_by_owner")

    def __init__(self) -> None:
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

    def joins(self, login: ClaimedLogin, nonce: bytes) -> None:
        """Let it be found by the nonce of a new join, and by no earlier one."""
        self.joins_no_more(login)
        login.nonce = nonce
        self._by_nonce[nonce] = login

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

    @property
    def n_ours(self) -> int:
        """How many of them this host asks Duo for."""
        return sum(login.state in OURS for login in self._by_number.values())

    def __len__(self) -> int:
        return len(self._by_number)
