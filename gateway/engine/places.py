"""The places for logins under way: who holds how many, and who may have the next one.

While fewer than three quarters are taken, everybody may. Of the last quarter a section gets no more once it holds its
fair share of all places, a client (one `radius_ip_N`) once it holds its fair share of its section's, and of a network
of clients no address once it holds its fair share of the network's: the whole divided among those that have asked
within the last minute, and one more that may begin to, if the configuration has one. One person holds one place in a
hundred of them at most. So nobody's flood keeps the others out, from however many addresses of its network it comes,
and what is alone in the configuration has everything.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

ASKING_S: Final = 60.0  # so long after its last login a section or a client counts among those that ask
_SCARCE: Final = 0.75  # of all places
_COUNT_INTERVAL_S: Final = 1.0  # between two counts of those that ask: there may be many thousands
_FEWEST_OF_A_PERSON: Final = 3
_MANY_ADDRESSES: Final = 65_536


class Group:
    """A section and what it holds, or one of its clients, which may be a network of addresses.

    Attributes:
        section: of a client.
        n_held: places.
        n_asking: among how many clients or addresses its share is divided.
        n_members: how many of them there may be.
    """

    __slots__ = ("n_asking", "n_held", "n_members", "name", "section")

    def __init__(self, name: str, n_members: int, section: "Group | None" = None) -> None:
        self.name = name
        self.n_members = n_members
        self.section = section or self
        self.n_held = 0
        self.n_asking = 1


class Holder:
    """What an address of a client holds; `asked_at` is the instant of its last login."""

    __slots__ = ("asked_at", "client", "n_held", "name", "section")

    def __init__(self, name: str, client: Group) -> None:
        self.name = name
        self.client = client
        self.section = client.section
        self.n_held = 0
        self.asked_at = 0.0


class Places:
    """So many places (`n_places`) for logins under way."""

    def __init__(self, n_places: int, n_addresses: Mapping[str, Mapping[str, int]] | None = None) -> None:
        """Take how many addresses each client of each section of the configuration may have."""
        self.n_places = n_places
        self._n_addresses = n_addresses or {}
        self._n_held = 0
        self._n_asking = 1
        self._sections: dict[str, Group] = {}
        self._clients: dict[tuple[str, str], Group] = {}
        self._holders: dict[tuple[str, str], Holder] = {}
        self._counted_at = float("-inf")

    def asking(self, section: str, client: str, address: str, now: float) -> Holder:
        """Return who asks for a place: an address of a client of a section."""
        holder = self._holders.get((section, address))
        if holder is None:
            holder = self._new(section, client, address, now)
        holder.asked_at = now
        return holder

    def may_have(self, holder: Holder, n_of_person: int, now: float) -> bool:
        """Whether this address may have one more place, for a person who holds `n_of_person` already."""
        n_places = self.n_places
        if self._n_held < n_places * _SCARCE:
            return True
        self._count(now)
        section, client = holder.section, holder.client
        n_sharers = self._n_asking * section.n_asking
        return (
            self._n_held < n_places
            and section.n_held * self._n_asking < n_places
            and client.n_held * n_sharers < n_places
            and holder.n_held * n_sharers * client.n_asking < n_places
            and n_of_person < max(_FEWEST_OF_A_PERSON, n_places // 100)
        )

    def take(self, holder: Holder) -> None:
        """Give a client a place."""
        self._change(holder, 1)

    def leave(self, holder: Holder) -> None:
        """Have a place back."""
        self._change(holder, -1)

    @property
    def greatest(self) -> str:
        """Who holds most of the places, in words for the log."""
        section = max(self._sections.values(), key=_n_held, default=None)
        if section is None:
            return ""
        client = max((each for each in self._clients.values() if each.section is section), key=_n_held)
        holder = max((each for each in self._holders.values() if each.client is client), key=_n_held)
        return (
            f"{self._n_held} of {self.n_places} places are taken, {section.n_held} by [{section.name}]; "
            f"{client.name} holds {client.n_held}, of which {holder.name} holds {holder.n_held}"
        )

    def _change(self, holder: Holder, by: int) -> None:
        self._n_held += by
        holder.n_held += by
        holder.client.n_held += by
        holder.section.n_held += by

    def _new(self, section: str, client: str, address: str, now: float) -> Holder:
        n_addresses = self._n_addresses.get(section, {})
        group = self._clients.get((section, client))
        if group is None:
            of_section = self._sections.setdefault(section, Group(section, len(n_addresses) or 1))
            group = self._clients[section, client] = Group(client, n_addresses.get(client, 1), of_section)
        if len(self._holders) >= _MANY_ADDRESSES:
            self._count(now)
        holder = self._holders[section, address] = Holder(address, group)
        return holder

    def _count(self, now: float) -> None:
        """Count who asks, and forget the addresses that hold nothing and have not asked of late."""
        if now - self._counted_at < _COUNT_INTERVAL_S:
            return
        self._counted_at = now
        asking = [each for each in self._holders.values() if now - each.asked_at < ASKING_S]
        self._holders = {
            key: each for key, each in self._holders.items() if each.n_held or now - each.asked_at < ASKING_S
        }
        addresses = Counter([each.client for each in asking])
        clients = Counter([each.section for each in addresses])
        for group in self._clients.values():
            group.n_asking = _sharers(addresses[group], group.n_members)
        for group in self._sections.values():
            group.n_asking = _sharers(clients[group], group.n_members)
        self._n_asking = _sharers(len(clients), len(self._n_addresses))

    def __repr__(self) -> str:
        return f"<Places held={self._n_held} of={self.n_places}>"


def _n_held(holder: Group | Holder) -> int:
    return holder.n_held


def _sharers(n_asking: int, n_possible: int) -> int:
    """Return among how many to divide: those that ask, and one more if there is one."""
    return max(1, n_asking, min(n_asking + 1, n_possible))
