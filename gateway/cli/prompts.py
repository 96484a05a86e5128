"""What `radgate login` has the person type: never shown, and never an argument, which other users could read."""

import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.config.values import BadValueError
from gateway.config.writing import explain_error

STANDARD_INPUT = "-"


def octets(text: str) -> bytes:
    """Return UTF-8, as RADIUS has it; what this locale could not read goes out as it was typed."""
    return text.encode("utf-8", "surrogateescape")


def ask(question: str, default: str = "") -> bytes:
    """Ask without an echo; where nobody sits at a terminal, take the next line of standard input.

    Raises:
        EOFError: nothing more can be read.
    """
    if not sys.stdin.isatty():
        return _first_line(sys.stdin.buffer.readline)
    return octets(getpass.getpass(question) or default)


def read_password(path: str) -> bytes:
    """Return the first line of a file, or of standard input.

    Raises:
        EOFError: it is empty.
        BadValueError: it cannot be read.
    """
    if path == STANDARD_INPUT:
        return _first_line(sys.stdin.buffer.readline)
    try:
        with Path(path).open("rb") as file:
            return _first_line(file.readline)
    except OSError as error:
        raise BadValueError(f"cannot read {explain_error(error)}") from error


def _first_line(readline: Callable[[], bytes]) -> bytes:
    line = readline()
    if not line:
        raise EOFError
    return line.rstrip(b"\r\n")
