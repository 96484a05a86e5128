"""Logins under way: who waits for each, so that the same login in a new packet joins it, and how many a user has."""

from collections import Counter

from gateway.engine.credentials import Credentials
from gateway.engine.login import Login
from gateway.engine.nas import Section
from gateway.engine.transaction import Transaction

LoginKey = tuple[str, str, bytes, str | None]
UserKey = tuple[str, str]
MAX_WAITING_PACKETS = 16  # two controllers, three tries, and patience; a replayed packet must not cost memory


class PendingLogin:
    """A login and the packets that wait for its verdict.

    Attributes:
        section: the server section whose rules apply.
        transactions: in order of arrival, `MAX_WAITING_PACKETS` at most; without those that were superseded. None may
            be left: the login goes on, for it may be asked again, and must not be pushed again then.
        last_peer, last_identifier: of the newest packet, for the log.
        handle: for the network side alone: what cancels the question that Duo is being asked.
    """

    __slots__ = (
        "handle",
        "key",
        "last_identifier",
        "last_peer",
        "login",
        "section",
        "started_at",
        "transactions",
        "user_key",
    )

    def __init__(self, login: Login, transaction: Transaction, key: LoginKey, now: float) -> None:
        self.login = login
        self.section: Section = transaction.nas.section
        self.transactions: list[Transaction] = []
        self.join(transaction)
        self.key = key
        self.user_key: UserKey = (self.section.name, login.user_name.lower())
        self.started_at = now
        self.handle: object = None

    @property
    def has_room(self) -> bool:
        """Whether another packet may wait for this login."""
        return len(self.transactions) < MAX_WAITING_PACKETS

    def join(self, transaction: Transaction) -> None:
        """Let another packet wait."""
        transaction.pending = self
        self.transactions.append(transaction)
        self.last_peer = transaction.peer
        self.last_identifier = transaction.packet.identifier

    def leave(self, transaction: Transaction) -> None:
        """Let a superseded packet go."""
        self.transactions.remove(transaction)

    def __repr__(self) -> str:
        return f"<PendingLogin {self.login!r} packets={len(self.transactions)}>"


class PendingLogins:
    """All logins under way in one worker."""

    def __init__(self) -> None:
        self._by_key: dict[LoginKey, PendingLogin] = {}
        self._by_user: Counter[UserKey] = Counter()
        self._all: set[PendingLogin] = set()

    def __len__(self) -> int:
        return len(self._all)

    def same(self, key: LoginKey) -> PendingLogin | None:
        """Return the pending login that a new packet with this key repeats."""
        return self._by_key.get(key)

    def of_user(self, section: Section, user_name: str) -> int:
        """Return how many logins of this user are pending at this section."""
        return self._by_user[section.name, user_name.lower()]

    def add(self, pending: PendingLogin) -> None:
        """Take a login up."""
        self._all.add(pending)
        self._by_key[pending.key] = pending
        self._by_user[pending.user_key] += 1

    def remove(self, pending: PendingLogin) -> None:
        """Let a decided login go."""
        self._all.discard(pending)
        if self._by_key.get(pending.key) is pending:
            del self._by_key[pending.key]
        self._by_user[pending.user_key] -= 1
        if self._by_user[pending.user_key] <= 0:
            del self._by_user[pending.user_key]


def login_key(section: Section, credentials: Credentials) -> LoginKey:
    """Return what makes two packets the same login: section, user, typed octets, and the user's address where known.

    It is never shown, and gone with the login.
    """
    return section.name, credentials.user_name, credentials.typed, credentials.ipaddr
