"""Octets of an `authproxy.cfg` -> sections of entries, each with its line.

The rules are those of Python's configparser, in whose form Duo's proxy has its file: `[section]`, `key=value` or
`key: value`, comments on lines of their own after `;` or `#`; all that follows the first `=` or `:` is value, an inline
comment too. Stricter in one point: a line indented deeper than the entry above it would continue that entry's value,
which is hardly ever meant but for filters of LDAP, and is a problem here.
A section that does not matter has no problems, whatever it holds, and comments may be of any encoding.
The text of a line never appears in a problem, since it may be a secret.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.config.problems import MAIN_FILE, Place, Problem, Severity
from gateway.config.schema import CONTINUED, SINGLE
from gateway.config.slips import not_ascii, seen, unseen, with_odd_character
from gateway.config.values import is_utf8

MOST_PROBLEMS = 30  # nobody reads more, and a file of another kind has thousands

_HEADER = re.compile(r"\[([^\]]*)\]")
_NUL_OF_UTF16 = re.compile(rb"[\t\n\r -~]\0|\0[\t\n\r -~]")
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LOOKED_AT = 1024  # octets, to tell UTF-16
_HEADER_AND_MORE = re.compile(r"\[([^\]]*)\](.*)")
_NAME = re.compile(r"(?=.{1,64}$)[\w.-]+(?: [\w.-]+)*")
_DELIMITER = re.compile(r"[=:]")
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32's mark begins like one of them or with NUL
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_BYTE_ORDER_MARK = "\ufeff"  # in the middle of a file, where somebody has put files together
_COMMENT_AFTER_SECTION = re.compile(r"^(\[[^\]]*\])\s*[;#].*")
_TABS = str.maketrans("", "", "\t")
_PLAIN_BLANKS = str.maketrans("", "", "\t\v\f\r")


class Entry(NamedTuple):
    """A `key=value` line; section and key in lower case, the value without surrounding blanks."""

    section: str
    key: str
    value: str
    place: Place
    is_guessed: bool = False
    """Whether another key stands there, which nobody knows; no problem may show the value."""


@dataclass(slots=True)
class IniSection:
    """A `[section]` line and what follows it, `entries` by key in the order of the file."""

    name: str
    place: Place = MAIN_FILE
    entries: dict[str, Entry] = field(default_factory=dict)
    is_repeated: bool = False
    """Whether there is another one of this name, with what this one lacks perhaps."""


def parse_ini(
    octets: bytes, matters: Callable[[str], bool] = lambda _: True, file: str = ""
) -> tuple[list[IniSection], list[Problem]]:
    """Return the sections in the order of the file, and what could not be read.

    A repeated section is a section of its own unless it is empty, and the first of repeated keys stays: both are
    problems anyway.

    Args:
        octets: as they are in the file.
        matters: says by a section's name whether its form matters; if not, nothing in it is a problem.
        file: the path of an included file.
    """
    octets = octets.removeprefix(codecs.BOM_UTF8)
    if odd := _no_text(octets, file):
        return [], [odd]
    parser = _Parser(matters)
    for number, line in enumerate(octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), 1):
        place = Place(file, number)
        parser.feed(line, place)
        if len(parser.problems) >= MOST_PROBLEMS:
            text = "so much before this line is wrong that the rest was not read; is this the right file?"
            parser.problems.append(Problem("", "", text, place))
            break
    return parser.finish()


def _no_text(octets: bytes, file: str) -> Problem | None:
    """Return what to say of a file that is no text; of NULs in a text, as a power cut leaves them, where they begin."""
    before, nul, _ = octets.partition(b"\0")
    if not nul and not octets.startswith(_OTHER_ENCODINGS):
        return None
    head = octets[:_LOOKED_AT]
    is_text = not head.startswith(_OTHER_ENCODINGS) and 8 * len(_NUL_OF_UTF16.findall(head)) < len(head)
    if not is_text or not is_utf8(octets):
        return Problem("", "", "the file is UTF-16 or not text; save it as UTF-8", Place(file, 1))
    line = len(_LINE_END.findall(before)) + 1
    return Problem("", "", "the line has a NUL in it; remove it, and look what else is damaged", Place(file, line))


class _Parser:
    """Takes one line after the other."""

    def __init__(self, matters: Callable[[str], bool]) -> None:
        self.problems: list[Problem] = []
        self._sections: list[IniSection] = []
        self._matters = matters
        self._section: IniSection | None = None
        self._is_ignored = False
        self._entry: Entry | None = None
        self._indent = 0
        self._margins = ""

    def feed(self, octets: bytes, at: Place) -> None:
        line = octets.decode(errors="surrogateescape")
        text = line.strip().lstrip(_BYTE_ORDER_MARK)
        if text.startswith("["):
            text = _COMMENT_AFTER_SECTION.sub(r"\1", text)
        if (seen(text) or ";")[0] in ";#" and not _UNDECODABLE.match(text):
            return
        if not octets.isascii() and _UNDECODABLE.search(text):
            self._report("the line is not UTF-8; save the file as UTF-8", at)
            text = _UNDECODABLE.sub("\ufffd", text)  # its key is not missing
        indent = len(line) - len(line.lstrip())
        self._margins = line[:indent] + line[len(line.rstrip()) :]
        self._feed_text(text, indent, at)

    def finish(self) -> tuple[list[IniSection], list[Problem]]:
        """Return what was found; of sections with one name those that are empty are left out."""
        kept: dict[str, IniSection] = {}
        left_out = []
        for section in self._sections:
            first = kept.setdefault(section.name, section)
            if first is section:
                continue
            is_needless = not section.entries or not first.entries
            if not section.entries:
                left_out.append(section)
            elif not first.entries:
                left_out.append(first)
                kept[section.name] = section
            else:
                first.is_repeated = section.is_repeated = True
            if self._matters(section.name):
                self.problems.append(_repetition(section, first, is_needless=is_needless))
        return [section for section in self._sections if not any(section is each for each in left_out)], self.problems

    def _feed_text(self, text: str, indent: int, at: Place) -> None:
        if self._entry is not None and indent > self._indent:
            self._continue_value(text, at, self._entry)
            return
        self._indent = indent
        shown = seen(text)
        if text[0] == "[" or (shown[0] == "[" and shown[-1] == "]"):
            self._open_section(text, at)
        else:
            self._add_entry(text, at)

    def _continue_value(self, text: str, at: Place, entry: Entry) -> None:
        if entry.key in CONTINUED and text[0] in "()" and self._section is not None:
            longer = entry._replace(value=entry.value + text)
            if self._section.entries.get(entry.key) is entry:
                self._section.entries[entry.key] = longer
            self._entry = longer
            return
        header = _HEADER.fullmatch(text)
        matters = header is not None and self._matters(header[1].strip().lower())
        if matters:
            self._is_ignored = False  # or a section that matters would go with one that does not
        odd, self._margins = unseen(self._margins.translate(_TABS)), ""  # which is told here
        self._report(
            f"the line is indented and would continue the value of line {entry.place}; "
            f"remove the blanks before it{f', of which one is {odd}' if odd else ''}, or write that value on one line",
            at,
        )
        if matters:
            self._open_section(text, at)  # its keys are not missing
        elif _NAME.fullmatch(_split_entry(text)[0]):
            self._add_entry(text, at)  # its key is not missing

    def _open_section(self, text: str, at: Place) -> None:
        header = _HEADER_AND_MORE.fullmatch(seen(text))
        name = header[1].strip().lower() if header else ""
        self._section, self._entry = IniSection(name, at), None
        self._is_ignored = False
        if not _NAME.fullmatch(name):
            self._section.name = ""
            self._report(f"this is no section line, which ends with ]; write [NAME]{with_odd_character(text)}", at)
            return
        self._is_ignored = not self._matters(name)
        if header is not None and header[2]:
            self._report("more stands behind the section's name; write it on a line of its own, or remove it", at)
        self._check_name(text, seen(text), at)
        self._sections.append(self._section)

    def _add_entry(self, text: str, at: Place) -> None:
        written, value = _split_entry(text)
        key = seen(written)
        if not _NAME.fullmatch(key):
            remedy = "a comment starts with ; or #"
            self._report(f"this is neither [section] nor key=value; {remedy}{with_odd_character(text)}", at)
            return
        if self._section is None:
            instead = "move it into its section, or write the section's line above it"
            self._report(f"this stands before the first section; {instead}", at, key)
            self._section = IniSection("")
        self._check_name(written, key, at, key)
        self._check_margins(text, written, value, at, key)
        entry = self._entry = Entry(self._section.name, key, value, at)
        first = self._section.entries.setdefault(key, entry)
        if first is not entry:
            other_number = ", or give one another number" if key[-1].isdigit() else ""
            self._report(
                f"the key is there already, in line {first.place}; remove one of the two{other_number}", at, key
            )

    def _check_name(self, written: str, name: str, at: Place, key: str = "") -> None:
        if written != name and (odd := unseen(written) or not_ascii(written)):
            self._report(f"holds a character that does not belong there, {odd}; type the name anew", at, key)

    def _check_margins(self, text: str, key: str, value: str, at: Place, name: str) -> None:
        """Note a blank that is none of ASCII's around the value. It does no harm, but who copied it may have more."""
        margins = self._margins + text[len(key) : len(text) - len(value)]
        if not margins.isascii() and (odd := unseen(margins.translate(_PLAIN_BLANKS))):
            text = f"a blank beside the value is {odd}, which is left out; type a plain one, or none"
            self._report(text, at, name, Severity.WARNING)

    def _report(self, text: str, at: Place, key: str = "", severity: Severity = Severity.ERROR) -> None:
        if not self._is_ignored:
            self.problems.append(Problem(self._section.name if self._section else "", key, text, at, severity))


def _repetition(section: IniSection, first: IniSection, *, is_needless: bool) -> Problem:
    if is_needless:
        text = f"the section is there already, from line {first.place}, and one of the two is empty; remove that"
        return Problem(section.name, "", text, section.place, Severity.WARNING)
    number = "" if section.name in SINGLE else ", or give this one a number of its own"
    text = f"the section is there already, from line {first.place}; put the two together{number}"
    return Problem(section.name, "", text, section.place)


def _split_entry(text: str) -> tuple[str, str]:
    """Return key and value, or an empty key where the line has neither `=` nor `:`."""
    delimiter = _DELIMITER.search(text)
    if delimiter is None:
        return "", ""
    return text[: delimiter.start()].rstrip().lower(), text[delimiter.end() :].lstrip()
