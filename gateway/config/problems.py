"""What is wrong with a configuration file, told so that an operator can put it right: all of it, each with its line."""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

import msgspec


class Severity(Enum):
    """An error keeps the gateway from starting, a warning does not; a note says what was not looked at, or should be
    meant.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Place(NamedTuple):
    """A line of a file, from 1 on; 0 is the file as a whole. `file` is an absolute path, empty for the main one."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """Return `12`, or `12 of /etc/radgate/authproxy.d/tokyo.cfg`."""
        return f"{self.line} of {self.file}" if self.file else f"{self.line}"

    def told_at(self, here: "Place") -> str:
        """Return the place as a problem in another one tells of it: `12 of the main file` in an included file."""
        return f"{self} of the main file" if here.file and not self.file else f"{self}"


MAIN_FILE: Final = Place()


class Problem(msgspec.Struct, frozen=True):
    """One thing to put right: what is wrong and what to write instead, never with a secret in it.

    `section` and `key` are empty where there is none.
    """

    section: str
    key: str
    text: str
    place: Place = MAIN_FILE
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether the file cannot be used as it is."""
        return self.severity is Severity.ERROR

    @property
    def is_warning(self) -> bool:
        """Whether somebody should look at it; a note is neither this nor an error."""
        return self.severity is Severity.WARNING

    def render(self, path: str) -> str:
        """Return `FILE:LINE [section] key: text`, without the parts that are not known; `path` is the main file."""
        file, line = self.place
        place = f"{file or path}:{line}" if line else file or path
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
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.place)
