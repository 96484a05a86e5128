"""LDAP on one connection: who has asked what, by its number; octets in, what they mean out.

An answer that nobody has asked for, or of another kind than what was asked, ends the connection: what the next one
means could not be told either. Searches that were given up may still be answered.
"""

from typing import Final, final

from mypy_extensions import mypyc_attr

from gateway.firstfactor.directory.search import SIZE_LIMIT, Wanted
from gateway.firstfactor.directory.texts import without
from gateway.ldap.ber import BerError
from gateway.ldap.ntlm.client import MECHANISM, Ntlm
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.signing import Signing, WrappedReader, frame
from gateway.ldap.reader import MessageReader
from gateway.ldap.requests import sasl_bind, search, simple_bind
from gateway.ldap.responses import BindDone, Disconnection, Entry, ExtendedDone, Message, Referral, Result, SearchDone
from gateway.ldap.results import SASL_BIND_IN_PROGRESS, SUCCESS
from gateway.values import Value

MAX_MESSAGE: Final = 65_536  # octets: a name and one attribute need few
MAX_ENTRIES: Final = SIZE_LIMIT + 1
MAX_PARTS: Final = 100  # entries and references of one search: a domain's root has three of these
MAX_UNWANTED: Final = 1_000  # parts in a row of searches that were given up
MAX_GIVEN_UP: Final = 100  # searches without an answer
MAX_MESSAGE_ID: Final = (1 << 31) - 1  # RFC 4511 section 4.1.1.1


class _SessionError(Exception):
    """The connection cannot be gone on with."""

    def __init__(
        self, detail: str, *, said: str = "", is_notice: bool = False, searching: "Searching | None" = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.said = said
        self.is_notice = is_notice
        self.searching = searching


@mypyc_attr(allow_interpreted_subclasses=True)
class Searching:
    """Who searches, one search at a time.

    Attributes:
        message_id: of the search that is out; 0 for none.
        entries: that have come for it.
        n_parts: entries and references that have.
    """

    __slots__ = ("entries", "message_id", "n_parts")

    def __init__(self) -> None:
        self.message_id = 0
        self.entries: list[Entry] = []
        self.n_parts = 0


@final
@mypyc_attr(acyclic=True)
class Searched(Value):
    """A search has ended; what it has found is with who searches."""

    __slots__ = ("result", "searching")

    def __init__(self, searching: Searching, result: Result) -> None:
        self.searching = searching
        self.result = result


@final
@mypyc_attr(acyclic=True)
class Bound(Value):
    """A bind has ended."""

    __slots__ = ("result",)

    def __init__(self, result: Result) -> None:
        self.result = result


@final
@mypyc_attr(acyclic=True)
class GoOn(Value):
    """A bind goes on with these octets, which hold the proof of the password."""

    __slots__ = ("octets",)

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def __repr__(self) -> str:
        """Hide the octets."""
        return f"GoOn({len(self.octets)} octets)"


@final
@mypyc_attr(acyclic=True)
class Ended(Value):
    """The connection cannot be gone on with; nothing follows.

    Attributes:
        detail: why, for the administrator.
        said: what the server says of it.
        is_notice: the server has said itself that it closes it.
        to_blame: whose search did not keep to its bounds; None if it was nobody's.
    """

    __slots__ = ("detail", "is_notice", "said", "to_blame")

    def __init__(
        self, detail: str, *, said: str = "", is_notice: bool = False, to_blame: Searching | None = None
    ) -> None:
        self.detail = detail
        self.said = said
        self.is_notice = is_notice
        self.to_blame = to_blame

    def told(self, password: bytes | None) -> str:
        """Return why, with what the server says, but for a password that it was sent."""
        said = without(self.said, password)
        return f"{self.detail}: {said}" if said else self.detail


Heard = Searched | Bound | GoOn | Ended


class Session:
    """One connection's talk. Each method that asks returns the octets to send.

    Attributes:
        n_heard: messages that have come, whole.
    """

    __slots__ = (
        "_bind_id", "_given_up", "_has_proven", "_last_id", "_n_unwanted", "_ntlm", "_reader", "_searches", "_signing",
        "_wrapped", "n_heard",
    )  # fmt: skip

    def __init__(self) -> None:
        self._reader = MessageReader(MAX_MESSAGE)
        self._wrapped = WrappedReader(2 * MAX_MESSAGE)
        self._signing: Signing | None = None
        self._ntlm: Ntlm | None = None
        self._has_proven = False
        self._last_id = 0
        self._bind_id = 0  # of the bind that is out; 0 for none
        self._searches: dict[int, Searching] = {}
        self._given_up: set[int] = set()
        self._n_unwanted = 0
        self.n_heard = 0

    def bind_simply(self, name: bytes, password: bytes) -> bytes:
        """Ask whether this is the password of that name; neither may be empty.

        Raises:
            ValueError: one is, and the bind would be anonymous.
        """
        if not name:
            raise ValueError("a simple bind needs a name")
        self._bind_id = self._next_id()
        return self._sealed(simple_bind(self._bind_id, name, password))

    def bind_by_ntlm(self, ntlm: Ntlm) -> bytes:
        """Begin a bind by NTLM; `GoOn` follows."""
        self._ntlm = ntlm
        self._has_proven = False
        self._bind_id = self._next_id()
        return self._sealed(sasl_bind(self._bind_id, MECHANISM, ntlm.first()))

    def search(self, searching: Searching, wanted: Wanted, time_limit_s: int) -> bytes:
        """Search for somebody who has no search out."""
        number = self._next_id()
        searching.message_id = number
        searching.entries = []
        searching.n_parts = 0
        self._searches[number] = searching
        return self._sealed(
            search(
                number,
                wanted.base,
                wanted.scope,
                wanted.encoded_filter,
                wanted.attributes,
                SIZE_LIMIT,
                time_limit_s,
            )
        )

    def give_up(self, searching: Searching) -> bool:
        """Want no answer to a search any more; return whether the connection is still worth to be used."""
        number, searching.message_id = searching.message_id, 0
        if self._searches.pop(number, None) is not None:
            self._given_up.add(number)
        return len(self._given_up) <= MAX_GIVEN_UP

    @property
    def searching(self) -> list[Searching]:
        """Who has a search out, the oldest first."""
        return list(self._searches.values())

    def received(self, octets: bytes) -> list[Heard]:
        """Take octets that came; return what they mean, in order. After `Ended` read nothing more."""
        heard: list[Heard] = []
        try:
            was_signing = self._signing is not None
            for message in self._messages(octets):
                self.n_heard += 1
                if self._signing is not None and not was_signing:
                    raise _SessionError("goes on without a signature")
                meant = self._meant(message)
                if meant is not None:
                    heard.append(meant)
        except BerError as no_ldap:  # names of their own: mypyc gives a name one type
            heard.append(Ended(f"does not speak LDAP: {no_ldap}"))
        except NtlmError as no_ntlm:
            heard.append(Ended(f"does not speak NTLM as it must: {no_ntlm}"))
        except _SessionError as amiss:
            heard.append(Ended(amiss.detail, said=amiss.said, is_notice=amiss.is_notice, to_blame=amiss.searching))
        return heard

    def _messages(self, octets: bytes) -> list[Message]:
        signing = self._signing
        if signing is None:
            return self._reader.feed(octets)
        messages: list[Message] = []
        for wrapped in self._wrapped.feed(octets):
            messages += self._reader.feed(signing.unwrap(wrapped))
        return messages

    def _meant(self, message: Message) -> Heard | None:
        if isinstance(message, Entry):
            searching = self._part_of(message.message_id)
            if searching is not None and len(searching.entries) < MAX_ENTRIES:
                searching.entries.append(message)
            return None
        if isinstance(message, SearchDone):
            return self._search_done(message)
        if isinstance(message, BindDone):
            return self._bind_done(message)
        if isinstance(message, Referral):
            self._part_of(message.message_id)
            return None
        if isinstance(message, Disconnection):
            raise _SessionError("closes the connection", said=message.result.text, is_notice=True)
        self._extended(message)
        return None

    def _extended(self, message: ExtendedDone) -> None:
        if message.message_id:
            raise _SessionError("answers what was not asked")
        self._unwanted()

    def _part_of(self, number: int) -> Searching | None:
        """Return whose search a part is of; None for one that was given up."""
        searching = self._searches.get(number)
        if searching is None:
            if number not in self._given_up:
                raise _SessionError("answers a search that was not asked for")
            self._unwanted()
            return None
        searching.n_parts += 1
        if searching.n_parts > MAX_PARTS:
            raise _SessionError("does not end a search", searching=searching)
        return searching

    def _unwanted(self) -> None:
        self._n_unwanted += 1
        if self._n_unwanted > MAX_UNWANTED:
            raise _SessionError("does not end what was given up")

    def _search_done(self, message: SearchDone) -> Heard | None:
        number = message.message_id
        searching = self._searches.pop(number, None)
        if searching is None:
            if number not in self._given_up:
                raise _SessionError("ends a search that was not asked for")
            self._given_up.remove(number)
            return None
        searching.message_id = 0
        self._n_unwanted = 0
        return Searched(searching, message.result)

    def _bind_done(self, message: BindDone) -> Heard:
        if not self._bind_id or message.message_id != self._bind_id:
            raise _SessionError("answers a bind that was not asked for")
        self._bind_id = 0
        code, ntlm = message.result.code, self._ntlm
        if code == SASL_BIND_IN_PROGRESS:
            return GoOn(self._go_on(ntlm, message.server_credentials))
        self._ntlm = None
        if code == SUCCESS and ntlm is not None:
            if not self._has_proven:  # nobody has proven anything yet, the server least of all
                raise _SessionError("reports success before it has asked for proof of the password")
            ntlm.finished(message.server_credentials)
            self._signing = ntlm.signing
            if self._signing is not None:  # what came before, whole or not, was not signed
                self._reader = MessageReader(MAX_MESSAGE)
        return Bound(message.result)

    def _go_on(self, ntlm: Ntlm | None, token: bytes | None) -> bytes:
        if ntlm is None or token is None or self._has_proven:
            raise _SessionError("goes on with a bind that has no more steps")
        proof = ntlm.answered(token)
        self._has_proven = True
        self._bind_id = self._next_id()
        return self._sealed(sasl_bind(self._bind_id, MECHANISM, proof))

    def _sealed(self, octets: bytes) -> bytes:
        return octets if self._signing is None else frame(self._signing.wrap(octets))

    def _next_id(self) -> int:
        """Return the number after the last one; after all of them those from 1 that are free."""
        number = self._last_id
        while True:
            number = number + 1 if number < MAX_MESSAGE_ID else 1
            if number not in self._searches and number not in self._given_up:
                self._last_id = number
                return number

    def __repr__(self) -> str:
        return f"<Session searches={len(self._searches)} given_up={len(self._given_up)}>"
