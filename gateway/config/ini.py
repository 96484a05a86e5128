"""Octets of an `authproxy.cfg` -> sections of entries, each with its line.

The rules are those of Python's configparser, in whose form Duo's proxy has its file: `[section]`, `key=value` or
`key: value`, comments on lines of their own after `;` or `#`; all that follows the first `=` or `:` is value, an inline
comment too. Stricter in one point: a line indented deeper than the entry above it would continue that entry's value,
which is hardly ever meant, and is a problem here.
The text of a line never appears in a problem, since it may be a secret.
"""

import codecs
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.config.problems import Problem
from gateway.config.schema import SINGLE

MOST_PROBLEMS = 30  # nobody reads more, and a file of another kind has thousands

_HEADER = re.compile(r"\[([^\]]*)\]\s*(?:[;#].*)?")
_NAME = re.compile(r"(?=.{1,64}$)[\w.-]+(?: [\w.-]+)*")
_INLINE_COMMENT = re.compile(r"\s[;#]")
_DELIMITER = re.compile(r"[=:]")
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32's mark begins like one of them or with NUL


class Entry(NamedTuple):
    """A `key=value` line; section and key in lower case, the value without surrounding blanks."""

    section: str
    key: str
    value: str
    line: int


@dataclass(slots=True)
class Section:
    """A `[section]` line and what follows it, `entries` by key in the order of the file."""

    name: str
    line: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)


def parse_ini(octets: bytes) -> tuple[list[Section], list[Problem]]:
    """Return the sections in the order of the file, and what could not be read.

    A repeated section is a section of its own, and the first of repeated keys stays: both are problems anyway.
    """
    octets = octets.removeprefix(codecs.BOM_UTF8)
    if octets.startswith(_OTHER_ENCODINGS) or b"\0" in octets:
        return [], [Problem("", "", "the file is UTF-16 or not text; save it as UTF-8", 1)]
    parser = _Parser()
    for number, line in enumerate(octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), 1):
        parser.feed(line, number)
        if len(parser.problems) >= MOST_PROBLEMS:
            text = "so much before this line is wrong that the rest was not read; is this the right file?"
            parser.problems.append(Problem("", "", text, number))
            break
    return parser.sections, parser.problems


def has_inline_comment(value: str) -> bool:
    """Whether a part of the value looks as if it was meant as a comment."""
    return _INLINE_COMMENT.search(value) is not None


class _Parser:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self.problems: list[Problem] = []
        self._section: Section | None = None
        self._first_lines: dict[str, int] = {}
        self._entry: Entry | None = None
        self._indent = 0

    def feed(self, octets: bytes, number: int) -> None:
        try:
            line = octets.decode()
        except UnicodeDecodeError:
            self._report("the line is not UTF-8; save the file as UTF-8", number)
            line = octets.decode(errors="replace")  # its key is not missing
        text = line.strip()
        if text and text[0] not in ";#":
            self._feed_text(text, len(line) - len(line.lstrip()), number)

    def _feed_text(self, text: str, indent: int, number: int) -> None:
        if self._entry is not None and indent > self._indent:
            self._report(
                f"the line is indented and would continue the value of line {self._entry.line}; "
                "remove the blanks before it, or write that value on one line",
                number,
            )
            if _split_entry(text)[0]:
                self._add_entry(text, number)  # its key is not missing
            return
        self._indent = indent
        if text.startswith("["):
            self._open_section(text, number)
        else:
            self._add_entry(text, number)

    def _open_section(self, text: str, number: int) -> None:
        header = _HEADER.fullmatch(text)
        name = header[1].strip().lower() if header else ""
        self._section, self._entry = Section(name, number), None
        if not _NAME.fullmatch(name):
            self._section.name = ""
            self._report("this is no section line, which ends with ]; write [NAME]", number)
            return
        first = self._first_lines.setdefault(name, number)
        if first != number:
            other_name = "" if name in SINGLE else ", or give this one a number of its own"
            self._report(f"the section is there already, from line {first}; put the two together{other_name}", number)
        self.sections.append(self._section)

    def _add_entry(self, text: str, number: int) -> None:
        key, value = _split_entry(text)
        if not _NAME.fullmatch(key):
            self._report("this is neither [section] nor key=value; a comment starts with ; or #", number)
            return
        if self._section is None:
            text = (
                "this stands before the first section; write the section above it, [radius_server_duo_only] or [main]"
            )
            self._report(text, number, key)
            self._section = Section("")
        entry = self._entry = Entry(self._section.name, key, value, number)
        first = self._section.entries.setdefault(key, entry)
        if first is not entry:
            other_number = ", or give one another number" if key[-1].isdigit() else ""
            text = f"the key is there already, in line {first.line}; remove one of the two{other_number}"
            self._report(text, number, key)

    def _report(self, text: str, number: int, key: str = "") -> None:
        self.problems.append(Problem(self._section.name if self._section else "", key, text, number))


def _split_entry(text: str) -> tuple[str, str]:
    """Return key and value, or an empty key where the line has neither `=` nor `:`."""
    delimiter = _DELIMITER.search(text)
    if delimiter is None:
        return "", ""
    return text[: delimiter.start()].rstrip().lower(), text[delimiter.end() :].lstrip()
