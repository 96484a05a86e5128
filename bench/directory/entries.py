"""The directory as a tree: entries, and who is meant by a name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from bench.directory.people import GROUPS, PEOPLE, Person
from gateway.ldap.names import domain_of
from gateway.ldap.requests import Scope

BASE: Final = "DC=example,DC=test"

Attributes = Mapping[bytes, Sequence[bytes]]

_CAPABILITIES: Final[Attributes] = {
    b"supportedldapversion": [b"3"],
    b"supportedextension": [b"1.3.6.1.4.1.1466.20037"],
    b"supportedcapabilities": [b"1.2.840.113556.1.4.800"],  # as Active Directory does
}


class Entry(NamedTuple):
    """One of the tree; names of attributes are in lower case.

    Attributes:
        groups: whose member it is, by other groups too.
    """

    dn: str
    attributes: Attributes
    groups: frozenset[str] = frozenset()
    person: Person | None = None


class Directory:
    """Entries below one domain.

    Args:
        takes_anybody: whoever is asked about is there, and whatever password is right.
    """

    def __init__(self, people: Iterable[Person] = PEOPLE, base: str = BASE, *, takes_anybody: bool = False) -> None:
        people = tuple(people)
        self.base = base
        self.takes_anybody = takes_anybody
        self._domain = domain_of(base)
        self._short_domain = self._domain.partition(".")[0]
        self._root = Entry("", {b"objectclass": [b"top"], b"namingcontexts": [base.encode()], **_CAPABILITIES})
        containers = [Entry(base, {b"objectclass": [b"top", b"domain"]})]
        containers += [
            Entry(f"OU={name},{base}", {b"objectclass": [b"organizationalUnit"]}) for name in ("People", "Groups")
        ]
        self._entries = {normal(each.dn): each for each in containers}
        self._people: dict[str, Entry] = {}
        for person in people:
            self._add(person)
        for name in sorted(_with_parents([group for person in people for group in person.groups])):
            group = Entry(group_dn(name, base), {b"objectclass": [b"top", b"group"], b"cn": [name.encode()]})
            self._entries[normal(group.dn)] = group

    def _add(self, person: Person) -> Entry:
        entry = _entry_of(person, self.base, self._domain)
        self._entries[normal(entry.dn)] = self._people[person.name.lower()] = entry
        return entry

    def named(self, name: str) -> Entry | None:
        """Return whose account a name of a bind is: a distinguished name, or an account with its domain."""
        if entry := self._entries.get(normal(name)):
            return entry
        account, at, domain = name.rpartition("@")
        if at and domain.lower() == self._domain:
            return self.person(account)
        domain, backslash, account = name.partition("\\")
        if backslash and domain.lower() == self._short_domain:
            return self.person(account)
        if self.takes_anybody and normal(name).endswith(normal(f",OU=People,{self.base}")):
            return self.person(name.partition("=")[2].partition(",")[0])
        return None

    def person(self, account: str) -> Entry | None:
        """Return a user by the name of the account alone."""
        found = self._people.get(account.lower())
        return self._add(Person(account)) if found is None and account and self.takes_anybody else found

    def below(self, base: str, scope: int, accounts: Sequence[str] = ()) -> list[Entry] | None:
        """Return the entries that a search looks at; None if there is no such base.

        It looks at all, but where anybody is there: at those whom it asks about by name, if it does.
        """
        if not base:
            return [self._root] if scope == Scope.BASE else None
        wanted = normal(base)
        found = self._entries.get(wanted)
        if found is None:
            return None
        if scope == Scope.BASE:
            return [found]
        among = self._entries
        if self.takes_anybody and accounts:
            asked = [entry for name in accounts if (entry := self.person(name)) is not None]
            among = {normal(entry.dn): entry for entry in asked}
        if scope == Scope.ONE_LEVEL:
            return [each for dn, each in among.items() if dn.partition(",")[2] == wanted]
        return [each for dn, each in among.items() if dn == wanted or dn.endswith("," + wanted)]


def normal(dn: str) -> str:
    """Return a distinguished name as it is compared."""
    return ",".join([part.strip() for part in dn.lower().split(",")])


def group_dn(name: str, base: str = BASE) -> str:
    """Return the distinguished name of a group."""
    return f"CN={name},OU=Groups,{base}"


def _entry_of(person: Person, base: str, domain: str) -> Entry:
    dn, name = f"CN={person.name},OU=People,{base}", person.name.encode()
    attributes = {
        b"objectclass": [b"top", b"person", b"organizationalPerson", b"user", b"inetOrgPerson"],
        b"objectcategory": [b"person"],
        b"distinguishedname": [dn.encode()],
        b"cn": [name],
        b"uid": [name],
        b"samaccountname": [name],
        b"userprincipalname": [name + b"@" + domain.encode()],
        b"mail": [name + b"@" + domain.encode()],
        b"memberof": [group_dn(group, base).encode() for group in person.groups],
    }
    groups = frozenset([normal(group_dn(group, base)) for group in _with_parents(person.groups)])
    return Entry(dn, attributes, groups, person)


def _with_parents(groups: Iterable[str]) -> set[str]:
    found, new = set(groups), set(groups)
    while new := {parent for group in new for parent in GROUPS.get(group, ())} - found:
        found |= new
    return found
