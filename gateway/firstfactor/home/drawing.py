"""Unpredictable octets, many drawn at once: each question needs a few, and to draw is a call of the kernel's."""

from collections.abc import Callable
from typing import Final

_AT_ONCE: Final = 4096


class Octets:
    """Octets that were drawn and are not given away yet; none is given away twice."""

    __slots__ = ("_at", "_draw", "_drawn")

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        """Take what returns so many unpredictable octets."""
        self._draw = draw
        self._drawn = b""
        self._at = 0

    def draw(self, size: int) -> bytes:
        """Return so many of them, 4096 at most."""
        at = self._at
        if at + size > len(self._drawn):
            self._drawn, at = self._draw(_AT_ONCE), 0
        self._at = at + size
        return self._drawn[at : at + size]

    def __repr__(self) -> str:
        """Hide them."""
        return "<Octets>"
