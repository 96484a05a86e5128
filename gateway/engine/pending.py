"""Logins under way: who waits for each, so that the same login in a new packet joins it, and how many a user has."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from gateway.duoapi.calls import FACTOR_WORDS
from gateway.engine.login import Login
from gateway.engine.login_states import STATE_WORDS
from gateway.engine.nas import Section
from gateway.engine.person import account_of, person_key
from gateway.engine.places import Holder, Places
from gateway.engine.records import LoginRecord, PrimaryRecord, passed_on_record
from gateway.engine.transaction import Transaction
from gateway.engine.waiter import Awaited

if TYPE_CHECKING:
    from gateway.engine.asking import Asking
    from gateway.engine.peer import Peer, TransactionKey

MAX_WAITING_PACKETS: Final = 16  # two controllers, three tries, and patience; a replayed packet must not cost memory
MAX_LET_GO: Final = 64

NOTED: Final = ("", "")
"""Of a login that asks for its claim: the journal has what gives the claim back, and that it began."""


@mypyc_attr(free_list_len=1)
class PendingLogin(Awaited):
    """A login and the packets that wait for its verdict.

    Attributes:
        number: its name among all logins that this worker has had.
        bucket: which of the sockets that share an address the user's packets come to.
        key: what makes another packet the same login, see `digests.login_key`; of another worker's login its digest,
            which is all that is known of it here.
        digest: the keyed digest of that, once the login has been kept.
        section: the server section whose rules apply.
        holder: the client whose place it has.
        person_key: what is the same for all logins of a person at a section.
        transactions: who waits for the verdict, in order of arrival, `MAX_WAITING_PACKETS` at most; without those that
            were superseded. None may be left: the login goes on, for it may be asked again, and must not be pushed
            again then.
        let_go: what packets were known by that wait no more because there were too many.
        last_peer, last_identifier: of the newest packet, for the log.
        duo_s: how long Duo, a first factor or a person took over their answers so far.
        waits_since: since when it waits for one, or for word that Duo is away: what is given up then was Duo's time.
        kept_as: what the journal says of it, or `NOTED`; None for nothing.
        elsewhere: the pid of another worker that waits for Duo's answer, and its number for the login; None: this one.
        asking: the question that is under way.
        fleet_key: what the login is called among hosts; empty before it is claimed.
        is_trial: it asks Duo, although fail mode decides about the others of its application.
    """

    __slots__ = (
        "asking",
        "bucket",
        "digest",
        "duo_s",
        "elsewhere",
        "fleet_key",
        "holder",
        "is_trial",
        "kept_as",
        "key",
        "last_identifier",
        "last_peer",
        "let_go",
        "login",
        "number",
        "person_key",
        "section",
        "started_at",
        "transactions",
        "waits_since",
    )

    def __init__(
        self,
        number: int,
        login: Login,
        section: Section,
        key: bytes,
        bucket: int,
        now: float,
        person: str = "",
    ) -> None:
        """Take what is known; `person`, the key, is made from the user name where it is not."""
        self.number = number
        self.bucket = bucket
        self.login = login
        self.section = section
        self.transactions: list[Transaction] = []
        self.let_go: deque[tuple[TransactionKey, bytes]] | None = None
        self.last_peer: Peer | None = None
        self.last_identifier = 0
        self.key = key
        self.digest = b""
        self.person_key = person or person_key(section.name, account_of(login.user_name))
        self.started_at = self.waits_since = now
        self.duo_s = 0.0
        self.kept_as: tuple[str, str] | None = None
        self.elsewhere: tuple[int, int] | None = None
        self.asking: Asking | None = None
        self.fleet_key = b""
        self.is_trial = False
        self.holder: Holder | None = None

    def waited(self, now: float) -> None:
        """Note that its waiting ends without an answer: all of it was Duo's time."""
        self.duo_s += now - self.waits_since

    def join(self, transaction: Transaction) -> Transaction | None:
        """Let another packet wait; return the one that waits no more for it, the oldest, if there are too many.

        The newest is the one that its sender is most likely to listen for: some ask from a new port each time.
        """
        transaction.pending = self
        self.transactions.append(transaction)
        self.last_peer = transaction.peer
        self.last_identifier = transaction.packet.identifier
        if len(self.transactions) <= MAX_WAITING_PACKETS:
            return None
        oldest = self.transactions.pop(0)
        oldest.pending = None
        if self.let_go is None:
            self.let_go = deque(maxlen=MAX_LET_GO)
        self.let_go.append((oldest.key, oldest.digest))
        return oldest

    def leave(self, transaction: Transaction) -> None:
        """Let a superseded packet wait no more."""
        self.transactions.remove(transaction)

    def record(self) -> LoginRecord:
        """Return what another worker must know to take it over; of one that is noted alone, to give its claim back.

        That one is asked for again by its packets: until then nobody is to know it by what was typed.
        """
        login, primary = self.login, self.login.primary
        is_noted = self.kept_as == NOTED
        return LoginRecord(
            self.number,
            self.bucket,
            self.section.generation,
            self.section.name,
            login.user_name,
            self.fleet_key if is_noted else self.digest,
            STATE_WORDS[login.progress],
            FACTOR_WORDS[login.factor] if login.factor is not None else "",
            login.txid,
            login.asked_at,
            login.pushed_at,
            self.started_at,
            [] if is_noted else [transaction.record() for transaction in self.transactions],
            self.elsewhere,
            self.fleet_key,
            (login.held.owner, login.held.epoch) if login.held is not None else None,
            None if primary is None or is_noted else PrimaryRecord(primary.refusal, passed_on_record(primary.accepted)),
        )

    def __repr__(self) -> str:
        return f"<PendingLogin {self.login!r} packets={len(self.transactions)}>"


class PendingLogins:
    """All logins under way in one worker.

    Attributes:
        places: of which each has one.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self._n_numbers = 0
        self._by_key: dict[bytes, PendingLogin] = {}
        self._by_person: dict[str, int] = {}
        self._all: set[PendingLogin] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[PendingLogin]:
        return iter(tuple(self._all))

    def same(self, key: bytes) -> PendingLogin | None:
        """Return the pending login that a new packet with this key repeats."""
        return self._by_key.get(key)

    def of_person(self, key: str) -> int:
        """Return how many logins are pending of the person with this key."""
        return self._by_person.get(key, 0)

    def next_number(self) -> int:
        """Return a number for another login."""
        self._n_numbers += 1
        return self._n_numbers

    def add(self, pending: PendingLogin, holder: Holder) -> None:
        """Take a login up; it has one of the holder's places."""
        self._all.add(pending)
        self._by_key[pending.key] = pending
        self._by_person[pending.person_key] = self._by_person.get(pending.person_key, 0) + 1
        self.places.take(holder)
        pending.holder = holder
        pending.section.counters.began()

    def remove(self, pending: PendingLogin) -> None:
        """Forget a decided login."""
        self._all.discard(pending)
        if self._by_key.get(pending.key) is pending:
            del self._by_key[pending.key]
        n_left = self._by_person[pending.person_key] - 1
        if n_left:
            self._by_person[pending.person_key] = n_left
        else:
            del self._by_person[pending.person_key]
        if pending.holder is not None:
            self.places.leave(pending.holder)
