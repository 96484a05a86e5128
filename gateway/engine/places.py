"""The places for logins under way: who holds how many, and who may have the next one.

While fewer than three quarters are taken, everybody may. Of the last quarter a section gets no more once it holds its
fair share of all places, and a client no more once it holds its fair share of its section's: the whole divided among
those that have asked within the last minute, and one more that may begin to, if the configuration has one. One person
holds one place in a hundred of them at most. So nobody's flood keeps the others out, and what is alone in the
configuration has everything.
"""

from collections.abc import Mapping
from typing import Final

ASKING_S: Final = 60.0  # so long after its last login a section or a client counts among those that ask
_SCARCE: Final = 0.75  # of all places
_COUNT_INTERVAL_S: Final = 1.0  # between two counts of those that ask: there may be many thousands
_FEWEST_OF_A_PERSON: Final = 3
_MANY_CLIENTS: Final = 65_536


class SectionHolder:
    """What a section holds.

    Attributes:
        clients: by source address.
        n_held: places.
        n_asking: among how many clients its share is divided.
        n_clients: how many there may be.
    """

    __slots__ = ("clients", "n_asking", "n_clients", "n_held", "name")

    def __init__(self, name: str, n_clients: int) -> None:
        self.name = name
        self.n_clients = n_clients
        self.clients: dict[str, Holder] = {}
        self.n_held = 0
        self.n_asking = 1


class Holder:
    """What a client of a section holds; `asked_at` is the instant of its last login."""

    __slots__ = ("asked_at", "n_held", "name", "section")

    def __init__(self, name: str, section: SectionHolder) -> None:
        self.name = name
        self.section = section
        self.n_held = 0
        self.asked_at = 0.0


class Places:
    """So many places (`n_places`) for logins under way."""

    def __init__(self, n_places: int, n_clients: Mapping[str, int] | None = None) -> None:
        """Take how many clients each section of the configuration may have."""
        self.n_places = n_places
        self._n_clients = n_clients or {}
        self._n_held = 0
        self._sections: dict[str, SectionHolder] = {}
        self._n_asking = 1
        self._counted_at = float("-inf")

    def asking(self, section: str, client: str, now: float) -> Holder:
        """Return who asks for a place: a client, by its source address."""
        of_section = self._sections.get(section)
        holder = of_section.clients.get(client) if of_section is not None else None
        if holder is None:
            holder = self._new(section, client, now)
        holder.asked_at = now
        return holder

    def may_have(self, holder: Holder, n_of_person: int, now: float) -> bool:
        """Whether this client may have one more place, for a person who holds `n_of_person` already."""
        n_places = self.n_places
        if self._n_held < n_places * _SCARCE:
            return True
        self._count(now)
        section = holder.section
        return (
            self._n_held < n_places
            and section.n_held * self._n_asking < n_places
            and holder.n_held * section.n_asking * self._n_asking < n_places
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
        section = max(self._sections.values(), key=lambda each: each.n_held, default=None)
        if section is None:
            return ""
        client = max(section.clients.values(), key=lambda each: each.n_held)
        return (
            f"{self._n_held} of {self.n_places} places are taken, {section.n_held} by [{section.name}]; "
            f"{client.name} holds {client.n_held}"
        )

    def _change(self, holder: Holder, by: int) -> None:
        self._n_held += by
        holder.n_held += by
        holder.section.n_held += by

    def _new(self, section: str, client: str, now: float) -> Holder:
        of_section = self._sections.get(section)
        if of_section is None:
            of_section = self._sections[section] = SectionHolder(section, self._n_clients.get(section, 1))
        if len(of_section.clients) >= _MANY_CLIENTS:
            self._count(now)
        holder = of_section.clients[client] = Holder(client, of_section)
        return holder

    def _count(self, now: float) -> None:
        """Count who asks, and forget the clients that hold nothing and have not asked of late."""
        if now - self._counted_at < _COUNT_INTERVAL_S:
            return
        self._counted_at = now
        n_asking = 0
        for section in self._sections.values():
            asking = {name: each for name, each in section.clients.items() if now - each.asked_at < ASKING_S}
            holding = {name: each for name, each in section.clients.items() if each.n_held}
            section.n_asking = _sharers(len(asking), section.n_clients)
            section.clients = holding | asking
            n_asking += bool(asking)
        self._n_asking = _sharers(n_asking, len(self._n_clients))

    def __repr__(self) -> str:
        return f"<Places held={self._n_held} of={self.n_places}>"


def _sharers(n_asking: int, n_possible: int) -> int:
    """Return among how many to divide: those that ask, and one more if there is one."""
    return max(1, n_asking, min(n_asking + 1, n_possible))
