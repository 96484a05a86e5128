"""What the commands need of a terminal, and of programs that read what they print."""

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.cli.streams import write_no_more

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(*, on_stderr: bool = False) -> "Console":
    """Return a console that takes every text as it is; coloured where the terminal can, and NO_COLOR is not set."""
    from rich.console import Console  # which would make every command start later

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:
            """Go on, whose reader has had enough or not: rich would end the command, with a status of its own."""
            write_no_more(sys.stderr if self.stderr else sys.stdout)

    return PlainConsole(stderr=on_stderr, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Return the text without what could drive a terminal: it may quote peers."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def as_json(value: Any) -> str:
    """Return the value in one line of ASCII, so that it can be read whatever the encoding of the output is."""
    text = msgspec.json.encode(value).decode()
    return re.sub(r"[^\x00-\x7f]+", lambda match: json.dumps(match[0])[1:-1], text)


def typed(text: str) -> str:
    """Return an argument or a path without the octets that are no text in this machine's encoding."""
    return text.encode(errors="surrogateescape").decode(errors="replace")
