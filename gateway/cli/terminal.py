"""What the commands need of a terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(*, on_stderr: bool = False) -> "Console":
    """Return a console that takes every text as it is; coloured where the terminal can, and NO_COLOR is not set."""
    from rich.console import Console  # which would make every command start later

    return Console(stderr=on_stderr, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return the text without what could drive a terminal: it may quote peers."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
