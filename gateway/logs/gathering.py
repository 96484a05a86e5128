"""Lines that wait for the event loop to have a moment, and then leave together."""

from collections.abc import Callable


class Gathering:
    """The lines of one turn of the event loop."""

    __slots__ = ("_call_soon", "_flush", "_frame", "_lines")

    def __init__(
        self,
        flush: Callable[[], None],
        call_soon: Callable[[Callable[[], None]], object] | None = None,
        frame: Callable[[str, int], str] | None = None,
    ) -> None:
        """Gather lines.

        Args:
            flush: takes them.
            call_soon: the loop's; without one each line is flushed at once.
            frame: makes of a line and its level what the destination wants; without one lines are as they come.
        """
        self._flush = flush
        self._call_soon = call_soon
        self._frame = frame
        self._lines: list[str] = []

    def add(self, line: str, level: int) -> None:
        """Take a line of a level of the logging library."""
        lines = self._lines
        lines.append(self.framed(line, level))
        if self._call_soon is None:
            self._flush()
        elif len(lines) == 1:
            self._call_soon(self._flush)

    def framed(self, line: str, level: int) -> str:
        """Return a line as its destination wants it."""
        return line if self._frame is None else self._frame(line, level)

    def take(self, size: int) -> list[bytes]:
        """Return what was gathered, in portions of at most `size` octets, or of a single longer line; forget it."""
        lines, self._lines = self._lines, []
        if not lines:
            return []
        portion = encoded("\n".join(lines))
        return [portion] if len(portion) <= size else _portions(lines, size)


def encoded(lines: str) -> bytes:
    """Return the octets of lines, and the end of the last one."""
    return lines.encode("utf-8", "backslashreplace") + b"\n"


def _portions(lines: list[str], size: int) -> list[bytes]:
    portions: list[bytes] = []
    portion: list[bytes] = []
    n_octets = 0
    for line in lines:
        octets = encoded(line)
        if portion and n_octets + len(octets) > size:
            portions.append(b"".join(portion))
            portion, n_octets = [], 0
        portion.append(octets)
        n_octets += len(octets)
    portions.append(b"".join(portion))
    return portions
