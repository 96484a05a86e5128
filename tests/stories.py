"""Stories for properties: what may happen, in any order, each with numbers that say to whom, and how.

The octets of a story are drawn at once. Drawn number by number they take hypothesis five times as long as all that
happens in it.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

Act = TypeVar("Act")


def stories(
    acts: Sequence[Act], *limits: int, at_least: int = 0, at_most: int
) -> st.SearchStrategy[list[tuple[Act, *tuple[Any, ...]]]]:
    """Return lists of `at_least` to `at_most` acts, each with its numbers: from 0, below their limits of up to 256."""
    width = 1 + len(limits)

    def read(octets: bytes) -> list[tuple[Act, *tuple[Any, ...]]]:
        places = range(0, len(octets) - width + 1, width)
        return [(acts[octets[at] % len(acts)], *_numbers(octets[at + 1 : at + width], limits)) for at in places]

    return st.binary(min_size=width * at_least, max_size=width * at_most).map(read)


def _numbers(octets: bytes, limits: Sequence[int]) -> list[int]:
    return [octet % limit for octet, limit in zip(octets, limits, strict=True)]
