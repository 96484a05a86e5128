"""Who logs in next: users all alike or by Zipf's law, never one whose login is under way.

Drawing and giving back cost the same for many users as for few.
"""

import random
from bisect import bisect
from itertools import accumulate

_DRAWS = 16  # by Zipf's law, before anybody free is taken: the first users may all be busy


class Users:
    """The users of one process, and which of them are free."""

    def __init__(self, numbers: range, chance: random.Random, zipf: float | None = None) -> None:
        """Let all of these be free; the lowest numbers log in most often where `zipf`, an exponent, is given."""
        self._free = list(numbers)
        self._places = dict(zip(self._free, range(len(self._free)), strict=True))  # user -> index in _free
        self._chance = chance
        self._numbers = numbers
        self._weights = list(accumulate(rank**-zipf for rank in range(1, len(numbers) + 1))) if zipf else []

    def draw(self) -> int | None:
        """Return a user who is free, busy from now on; None when nobody is."""
        free = self._free
        if not free:
            return None
        user = self._by_rank() if self._weights else None
        if user is None:
            user = free[int(self._chance.random() * len(free))]
        place = self._places.pop(user)
        last = free.pop()
        if last != user:
            free[place] = last
            self._places[last] = place
        return user

    def give_back(self, user: int) -> None:
        """Let this user be drawn again."""
        self._places[user] = len(self._free)
        self._free.append(user)

    def _by_rank(self) -> int | None:
        for _ in range(_DRAWS):
            user = self._numbers[bisect(self._weights, self._chance.random() * self._weights[-1])]
            if user in self._places:
                return user
        return None
