"""Looking somebody up: which searches, one after the other, and who was found.

A person is looked for with all that the section demands, and that is one search for almost everybody who may log in.
Only who is not found so is looked for by name alone: that tells who is unknown from who may not. Where the directory
does not note groups with the person (no `memberOf`, as OpenLDAP without its overlay), the group itself is asked.

Whom Duo is asked about, by the name that was typed, must be who was found: the entry tells its own name, and who is
found without one is nobody.
"""

from enum import StrEnum
from typing import Final, NamedTuple, final

from gateway.firstfactor.directory.account import PRINCIPAL_NAME, SAM_ACCOUNT_NAME, Account, is_alike
from gateway.firstfactor.directory.texts import without
from gateway.ldap.filters import all_of, any_of, equality, member_of_nested
from gateway.ldap.names import domain_of
from gateway.ldap.requests import Scope
from gateway.ldap.responses import Entry

SIZE_LIMIT: Final = 2  # entries: a second one says that the name is ambiguous
NO_ATTRIBUTES: Final = b"1.1"  # RFC 4511 section 4.5.1.8

_OBJECT_CLASS: Final = b"objectClass"
_MEMBER_OF: Final = b"memberOf"
_ANYTHING: Final = b"\x87\x0bobjectClass"  # (objectClass=*), RFC 4511 section 4.5.1.7
_NAME: Final = "%s"  # stands for what an entry says
_OTHER: Final = "found as %s, whom Duo would not know by what was typed"
_UNREADABLE: Final = "found, but the service account cannot read %s, by which Duo would know who it is"
_ELSEWHERE: Final = "found only in the domain %s"
_TELLS_DOMAIN: Final = PRINCIPAL_NAME.lower()
_PERSONS: Final = any_of(
    all_of(equality(_OBJECT_CLASS, b"user"), equality(b"objectCategory", b"person")),
    equality(_OBJECT_CLASS, b"inetOrgPerson"),
    equality(_OBJECT_CLASS, b"organizationalPerson"),
)


class Wanted(NamedTuple):
    """One search."""

    base: bytes
    scope: Scope
    encoded_filter: bytes
    attributes: tuple[bytes, ...]


KEEP_ALIVE: Final = Wanted(b"", Scope.BASE, _ANYTHING, (NO_ATTRIBUTES,))
"""Of the root DSE, which everybody may read: is somebody there?"""


class Step(StrEnum):
    """What is being looked for."""

    __hash__ = str.__hash__  # in C; an enumeration's own is Python's

    PERSON = "person"  # with all that the section demands
    ANYBODY = "anybody"  # by name alone
    FILTER = "filter"  # does this one match the filter?
    MEMBER = "member"  # does the group name this one?


class Missing(StrEnum):
    """Why nobody was found who may log in; the value is the word of the log."""

    UNKNOWN = "user_not_found"
    AMBIGUOUS = "user_ambiguous"
    FORBIDDEN = "not_in_group"


class Found(NamedTuple):
    """Who was found: the DN for a simple bind, the name and its domain for NTLM."""

    dn: bytes
    user: str
    domain: str = ""


class SearchRules(NamedTuple):
    """What a section demands.

    Attributes:
        base: below which is searched.
        demanded: the operator's own filter, encoded; empty for none.
        group: the DN of the group; empty for none.
        is_nested: whether members of groups in the group count.
        wants_account: whether the account's name is wanted, for NTLM.
    """

    base: bytes
    demanded: bytes = b""
    group: bytes = b""
    is_nested: bool = False
    wants_account: bool = False


@final
class Lookup:
    """How far somebody has been looked up."""

    __slots__ = ("_account", "_found", "_its_own", "_n_tried", "_rules", "_step", "_why")

    def __init__(self, account: Account, rules: SearchRules) -> None:
        self._account = account
        self._rules = rules
        self._step = Step.PERSON
        self._n_tried = 0
        self._found: Found | None = None
        self._why = self._its_own = ""

    @property
    def step(self) -> Step:
        """What is being looked for."""
        return self._step

    def why(self, password: bytes | None) -> str:
        """Return what the administrator should know of somebody missing, but for a password that the directory was
        sent; empty for nothing.
        """
        return self._why.replace(_NAME, without(self._its_own, password))

    def wanted(self) -> Wanted:
        """Return the search that comes next."""
        rules = self._rules
        if self._step is Step.PERSON:
            return Wanted(rules.base, Scope.SUBTREE, self._person_filter(), self._attributes())
        if self._step is Step.ANYBODY:
            named = equality(*self._account.names[self._n_tried])
            return Wanted(rules.base, Scope.SUBTREE, all_of(_PERSONS, named), self._attributes())
        dn = self._found.dn if self._found is not None else b""
        if self._step is Step.FILTER:
            return Wanted(dn, Scope.BASE, rules.demanded, (NO_ATTRIBUTES,))
        is_member = any_of(equality(b"member", dn), equality(b"uniqueMember", dn))
        return Wanted(rules.group, Scope.BASE, is_member, (NO_ATTRIBUTES,))

    def answered(self, entries: list[Entry], *, has_more: bool) -> Found | Missing | None:
        """Take what a search has found; None: `wanted` says what comes next.

        Args:
            entries: the first ones.
            has_more: whether there are more than these.
        """
        n_found = 2 if has_more else len(entries)
        if self._step is Step.PERSON:
            return self._person(entries, n_found)
        if self._step is Step.ANYBODY:
            return self._anybody(entries, n_found)
        if not entries:  # a limit alone says nothing of this one
            return Missing.FORBIDDEN
        if self._step is Step.FILTER:
            self._step = Step.MEMBER
            return None
        return self._found

    def _person(self, entries: list[Entry], n_found: int) -> Found | Missing | None:
        if n_found == 1:
            return self._who(entries[0])
        if n_found > 1:
            return Missing.AMBIGUOUS
        if self._rules.demanded or self._rules.group:
            self._step = Step.ANYBODY
            return None
        return self._nobody()

    def _anybody(self, entries: list[Entry], n_found: int) -> Missing | None:
        if n_found == 0:
            return self._nobody()
        if n_found > 1 or not self._rules.group:
            return Missing.FORBIDDEN
        found = self._who(entries[0])
        if isinstance(found, Missing):
            return found
        self._found = found
        self._step = Step.FILTER if self._rules.demanded else Step.MEMBER
        return None

    def _nobody(self) -> Missing | None:
        """Look for the next thing that the name may mean, which it does only where nobody has it as it was typed."""
        self._n_tried += 1
        self._step = Step.PERSON
        return None if self._n_tried < len(self._account.names) else Missing.UNKNOWN

    def _who(self, entry: Entry) -> Found | Missing:
        """Return who an entry is, if it says that the name which was typed is its own."""
        names = [(own, typed) for attribute, typed in self._account.names for own in _names_of(entry, attribute)]
        if not any(is_alike(own, typed) for own, typed in names):
            self._missed(names[0][0] if names else b"")
            return Missing.UNKNOWN
        values = _values(entry, SAM_ACCOUNT_NAME)
        user = values[0].decode(errors="replace") if values else self._account.user
        domain = self._domain_of(entry)
        return Missing.UNKNOWN if domain is None else Found(entry.dn, user, domain)

    def _missed(self, own: bytes) -> None:
        """Note why an entry is not who was typed; `own` is the name that it tells, empty for none."""
        self._why = _OTHER if own else _UNREADABLE
        self._its_own = own.decode(errors="replace") if own else self._account.names[0][0].decode()

    def _domain_of(self, entry: Entry) -> str | None:
        """Return whose domain an account is of, for NTLM; None if another one was typed: there its namesake may be."""
        account = self._account
        domain, separator, _ = b"".join(_values(entry, PRINCIPAL_NAME)).partition(b"\\")
        if not separator:
            return account.domain
        its_own = domain.decode(errors="replace")
        names = (domain, domain_of(entry.dn.decode(errors="replace")).encode())
        if account.typed_domain and not any(is_alike(account.typed_domain, name) for name in names):
            self._why, self._its_own = _ELSEWHERE, its_own
            return None
        return its_own

    def _attributes(self) -> tuple[bytes, ...]:
        names = tuple([attribute for attribute, _ in self._account.names])
        if self._rules.wants_account:
            return (*names, SAM_ACCOUNT_NAME, PRINCIPAL_NAME)
        return (*names, PRINCIPAL_NAME) if self._account.typed_domain else names

    def _person_filter(self) -> bytes:
        rules = self._rules
        attribute, value = self._account.names[self._n_tried]
        parts = [_PERSONS, equality(attribute, value)]
        if rules.demanded:
            parts.append(rules.demanded)
        if rules.group:
            is_nested = rules.is_nested
            parts.append(member_of_nested(_MEMBER_OF, rules.group) if is_nested else equality(_MEMBER_OF, rules.group))
        return all_of(*parts)


def _names_of(entry: Entry, attribute: bytes) -> list[bytes]:
    """Return the names of an entry in an attribute, under whatever name the directory has that: `uid` for `userid`."""
    if own := _values(entry, attribute):
        return own
    return [value for name, values in entry.attributes.items() if name != _TELLS_DOMAIN for value in values]


def _values(entry: Entry, attribute: bytes) -> list[bytes]:
    return entry.attributes.get(attribute.lower(), [])
