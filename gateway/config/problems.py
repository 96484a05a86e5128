"""What is wrong with a configuration file, told so that an operator can put it right: all of it, each with its line."""

from collections.abc import Iterable
from enum import Enum
from typing import Self

import msgspec


class Severity(Enum):
    """An error keeps the gateway from starting, a warning does not; a note says what was not looked at."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Line(int):
    """The number of a line, from 1 on, that knows its file: so all that tells of a line tells the file too.

    Only lines of included files are of this class; a plain number is a line of the main file. 0 is the file as a whole.
    """

    def __new__(cls, number: int, file: str) -> Self:
        """Take the number, and the file's absolute path."""
        line = super().__new__(cls, number)
        line.file = file
        return line

    file: str

    def __eq__(self, other: object) -> bool:
        """Lines of two files are two lines."""
        return isinstance(other, Line) and (int(self), self.file) == (int(other), other.file)

    def __hash__(self) -> int:
        return hash((int(self), self.file))

    def __format__(self, _: str) -> str:
        """Return `12 of /etc/radgate/authproxy.d/tokyo.cfg`."""
        return f"{int(self)} of {self.file}"

    __str__ = __repr__ = lambda self: format(self)


def line_in(number: int, file: str) -> int:
    """Return a line of a file; of the main one if `file` is empty."""
    return Line(number, file) if file else number


def told(there: int, here: int) -> str:
    """Return a line as a problem in another line tells of it: `12 of the main file` from an included one."""
    return f"{there} of the main file" if isinstance(here, Line) and not isinstance(there, Line) else f"{there}"


class Problem(msgspec.Struct, frozen=True):
    """One thing to put right: what is wrong and what to write instead, never with a secret in it.

    `line` counts from 1; 0 is the file as a whole. `section` and `key` are empty where there is none.
    """

    section: str
    key: str
    text: str
    line: int = 0
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether the file cannot be used as it is."""
        return self.severity is Severity.ERROR

    @property
    def is_warning(self) -> bool:
        """Whether somebody should look at it; a note is neither this nor an error."""
        return self.severity is Severity.WARNING

    @property
    def file(self) -> str:
        """The included file that it is in; empty for the main one."""
        return self.line.file if isinstance(self.line, Line) else ""

    def render(self, path: str) -> str:
        """Return `FILE:LINE [section] key: text`, without the parts that are not known; `path` is the main file."""
        place = self.file or path
        place = f"{place}:{int(self.line)}" if self.line else place
        section = f" [{self.section}]" if self.section else ""
        key = f" {self.key}" if self.key else ""
        severity = "" if self.is_error else f" {self.severity.value}:"
        return f"{place}{section}{key}:{severity} {self.text}"


class ConfigError(Exception):
    """The file cannot be used. `problems` are all of them, warnings too, in the order of their lines."""

    def __init__(self, problems: Iterable[Problem], path: str = "") -> None:
        """Keep the problems; `path` is the file that they are in."""
        self.problems = list(problems)
        self.path = path
        super().__init__("\n".join(problem.render(path) for problem in self.problems))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems by file and line, the main file's first, and without repetitions: a default in [main] is read
    once for each section.
    """
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, int(problem.line)))
