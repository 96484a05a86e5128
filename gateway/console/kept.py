"""The logins that the console keeps, and who finds them again by user, directory, reason or time. Pure.

There is room for `N_KEPT` of all directories together (a directory is a server section). Once it is used up, the one
that has most gives its oldest: so a busy directory takes what others leave, and never what they need of their share,
`N_KEPT` divided by how many there are.
"""

import heapq
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gateway.engine.person import account_of, person_of
from gateway.engine.replies import LABELS
from gateway.ipc.ledger import FinishedLogin
from gateway.words.reasons import Outcome

N_KEPT = 10_000
DEFAULT_LIMIT = 50


class RecentLogin(NamedTuple):
    """A login and the worker that had it."""

    slot: int
    record: FinishedLogin


class KeptLogin(NamedTuple):
    """A login that is kept, with its number, from 1 on in the order in which they were found.

    `text` is what a word of a search is looked for in, in small letters.
    """

    number: int
    slot: int
    record: FinishedLogin
    text: str


class Query(NamedTuple):
    """Which logins are wanted; what is empty or None asks for nothing in particular.

    Attributes:
        words: each must be in the user's name, the client's address, the section, its directory's name or the reason.
        user: one person, in any spelling of the name, with or without a domain.
        since, until: Unix seconds.
        before: a number: those that were found earlier than that one.
    """

    words: tuple[str, ...] = ()
    user: str = ""
    section: str = ""
    reason: str = ""
    reply: str = ""
    since: float | None = None
    until: float | None = None
    before: int | None = None
    limit: int = DEFAULT_LIMIT


class Page(NamedTuple):
    """What was found, the newest first: at most as many as were wanted, and how many there are in all."""

    logins: list[KeptLogin]
    n_matching: int


class ClientCount(NamedTuple):
    """What one RADIUS client of a directory has asked, among the logins that are kept."""

    client: str
    logins: int
    rejects: int
    last_at: float


class KeptLogins:
    """See the module.

    Attributes:
        n_found: the number of the login that was found last.
    """

    def __init__(self, n_kept: int = N_KEPT) -> None:
        self.n_found = 0
        self._n_kept = n_kept
        self._all: dict[int, KeptLogin] = {}  # by number, and so in order
        self._of_section: dict[str, deque[int]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, logins: Iterable[RecentLogin]) -> None:
        """Keep these, oldest first."""
        for slot, record in logins:
            self.n_found += 1
            _share_texts(record)
            self._all[self.n_found] = KeptLogin(self.n_found, slot, record, _searched(record))
            self._of_section.setdefault(record.section, deque()).append(self.n_found)
        if len(self._all) > self._n_kept:
            self._give_up(len(self._all) - self._n_kept)

    def _give_up(self, n_logins: int) -> None:
        """Forget so many, each time the oldest of who has most."""
        sizes = [(-len(numbers), section) for section, numbers in self._of_section.items()]
        heapq.heapify(sizes)
        for _ in range(n_logins):
            size, section = sizes[0]
            del self._all[self._of_section[section].popleft()]
            heapq.heapreplace(sizes, (size + 1, section))
        self._of_section = {section: numbers for section, numbers in self._of_section.items() if numbers}

    def find(self, query: Query, names: Mapping[str, str]) -> Page:
        """Return the logins that are wanted; `names` are those of directories, by section."""
        found = self._newest(query)
        if query.reason:
            found = [each for each in found if each.record.reason == query.reason]
        if query.reply:
            found = [each for each in found if each.record.reply == query.reply]
        if query.since is not None:
            found = [each for each in found if each.record.at >= query.since]
        if query.until is not None:
            found = [each for each in found if each.record.at <= query.until]
        for word in (word.lower() for word in query.words):
            sections = frozenset(section for section, name in names.items() if word in name.lower())
            found = [each for each in found if word in each.text or each.record.section in sections]
        if query.user:
            found = _of_person(found, person_of(account_of(query.user)))
        page = found if query.before is None else [each for each in found if each.number < query.before]
        return Page(page[: query.limit], len(found))

    def clients_of(self, section: str) -> list[ClientCount]:
        """Return who has asked for logins of a directory, the busiest first."""
        counts: dict[str, ClientCount] = {}
        for number in self._of_section.get(section, ()):
            record = self._all[number].record
            _, logins, rejects, last_at = counts.get(record.client, ClientCount("", 0, 0, 0.0))
            is_rejected = record.reply == LABELS[Outcome.REJECT]
            counts[record.client] = ClientCount(
                record.client, logins + 1, rejects + is_rejected, max(last_at, record.at)
            )
        return sorted(counts.values(), key=lambda each: -each.logins)

    def _newest(self, query: Query) -> list[KeptLogin]:
        if not query.section:
            return list(reversed(self._all.values()))
        return [self._all[number] for number in reversed(self._of_section.get(query.section, ()))]


def _of_person(logins: list[KeptLogin], person: str) -> list[KeptLogin]:
    """Return those of one person; a name in plain letters has the person's in it as it stands."""
    is_plain = " " not in person
    likely = [each for each in logins if person in each.text or not (is_plain and each.text.isascii())]
    return [each for each in likely if person_of(account_of(each.record.user_name)) == person]


def _share_texts(record: FinishedLogin) -> None:
    """Keep once what many logins have in common."""
    record.client, record.section = sys.intern(record.client), sys.intern(record.section)
    record.reply, record.reason = sys.intern(record.reply), sys.intern(record.reason)
    record.factor, record.account = sys.intern(record.factor), sys.intern(record.account)
    record.hint = sys.intern(record.hint)


def _searched(record: FinishedLogin) -> str:
    return f"{record.user_name}\n{record.client}\n{record.section}\n{record.reason}".lower()
