"""One section's keys, with those of [main] as defaults, read one by one; problems are noted, and reading goes on."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from gateway.config.ini import Entry, IniSection
from gateway.config.problems import Problem, Severity
from gateway.config.schema import DECISIVE
from gateway.config.settings import FirstFactor
from gateway.config.slips import QUOTATION_MARKS, Slip, has_inline_comment, path_slips, unfilled, unseen
from gateway.config.surroundings import Surroundings
from gateway.config.values import BadValueError

Value = TypeVar("Value")

_PATH_KEY = re.compile("(.*_)?(dir|file)(_.*)?")


class Context(NamedTuple):
    """What is around a section: the machine, and what others say for it."""

    surroundings: Surroundings
    ca_certs_file: str | None = None
    """[main]'s, for all Duo applications."""
    clients: Mapping[str, FirstFactor] = {}
    """The client sections by name; they are read before the servers, which name theirs."""


class Scope:
    """Reads a section. Values returned after a problem are stand-ins: the problems decide that nobody uses them."""

    def __init__(
        self, section: IniSection, main: IniSection, defaults: Mapping[str, str], problems: list[Problem]
    ) -> None:
        """Read `section` over `main` with the schema's `defaults`; what is wrong is appended to `problems`."""
        self.section = section.name
        self.place = section.place
        self._section = section
        self._main = main
        self._defaults = defaults
        self._problems = problems

    def own(self) -> "Scope":
        """Return what reads the section alone: for keys that [main] cannot say for several sections."""
        return Scope(self._section, IniSection("main"), self._defaults, self._problems)

    def entries(self, *keys: str) -> list[Entry]:
        """Return the section's own entries of these keys, which can replace each other; [main]'s if it has none."""
        for section in (self._section, self._main):
            if found := [section.entries[key] for key in keys if key in section.entries]:
                return found
        return []

    def matching(self, pattern: re.Pattern[str]) -> list[Entry]:
        """Return the entries whose whole key matches, [main]'s first, each key once."""
        keys = dict.fromkeys([*self._main.entries, *self._section.entries])
        return [entry for key in keys if pattern.fullmatch(key) for entry in self.entries(key)]

    def read(self, key: str, parse: Callable[[str], Value]) -> Value:
        """Return the key's value, or the default of the schema."""
        default = self._defaults[key]
        self._check_overridden(key, parse)
        for entry in self.entries(key):
            if not entry.value:
                self._note_empty(entry, default)
                continue
            try:
                return parse(entry.value)
            except BadValueError as error:
                self.error(entry, _explanation(entry, error))
        return parse(default)

    def _note_empty(self, entry: Entry, default: str) -> None:
        """An empty value means the default, unless it decides who gets in, or [main] says otherwise."""
        overridden = self._main.entries.get(entry.key, entry)
        if entry.key in DECISIVE or overridden.value:
            self.error(entry, f"has no value; write one, such as the default {default}, or remove the line")
        else:
            self.warn(entry, f"has no value, which means the default {default}; write one or remove the line")

    def read_optional(self, key: str, parse: Callable[[str], Value]) -> Value | None:
        """Return the key's value, or None without one: the key is missing, or empty, which gets a warning."""
        for entry in self.entries(key):
            if entry.value:
                return self.parse(entry, parse)
            self.warn(entry, "has no value and is ignored; write one or remove the line")
        return None

    def read_text(
        self, key: str, parse: Callable[[str], Value], slips: Callable[[str], Iterable[Slip]]
    ) -> Value | None:
        """Return free text as `read_optional` does, and note what nobody meant to be in it."""
        for entry in self.entries(key):
            self.note(entry, slips(entry.value))
        return self.read_optional(key, parse)

    def read_required(self, key: str, parse: Callable[[str], Value], remedy: str) -> Value | None:
        """Return the key's value; None, and a problem that ends in the remedy, without one."""
        for entry in self.entries(key):
            if entry.value:
                return self.parse(entry, parse)
            self.error(entry, f"has no value; {remedy}")
            return None
        self.missing(key, f"is missing; {remedy}")
        return None

    def parse(self, entry: Entry, parse: Callable[[str], Value], severity: Severity = Severity.ERROR) -> Value | None:
        """Return the entry's value; None, and a problem, if it cannot be used."""
        try:
            return parse(entry.value)
        except BadValueError as error:
            self._tell(entry, _explanation(entry, error), severity)
            return None

    def _check_overridden(self, key: str, parse: Callable[[str], Value]) -> None:
        """Note what is wrong with [main]'s value even where the section has one of its own: it is a mistake waiting."""
        overridden = self._main.entries.get(key) if key in self._section.entries else None
        if overridden is not None and self._section is not self._main and overridden.value:
            self.parse(overridden, parse)

    def missing(self, key: str, text: str, beside: Entry | None = None) -> None:
        """Note that the section lacks a key, at the entry that needs it if one does; not where it may stand in another
        section of the same name, which is told already.
        """
        if self._section.is_repeated or self._main.is_repeated:
            return
        if beside is not None:
            self.error(beside, text)
        else:
            self._problems.append(Problem(self.section, key, text, self._section.place))

    def error(self, entry: Entry, text: str) -> None:
        """Note what is wrong with an entry."""
        self._tell(entry, text, Severity.ERROR)

    def note(self, entry: Entry, slips: Iterable[Slip]) -> bool:
        """Note what is odd about an entry's value; return whether it can be used."""
        found = list(slips)
        for slip in found:
            (self.error if slip.is_error else self.warn)(entry, slip.text)
        return not any(slip.is_error for slip in found)

    def warn(self, entry: Entry, text: str) -> None:
        """Note what is odd about an entry."""
        self._tell(entry, text, Severity.WARNING)

    def remark(self, entry: Entry, text: str) -> None:
        """Note what of an entry was not looked at, or should be meant."""
        self._tell(entry, text, Severity.NOTE)

    def _tell(self, entry: Entry, text: str, severity: Severity) -> None:
        self._problems.append(Problem(entry.section, entry.key, text, entry.place, severity))


def _explanation(entry: Entry, error: BadValueError) -> str:
    """Return the error, with what is often behind it."""
    value = entry.value
    if hidden := unseen(value):
        return f"{error}; it holds a character that cannot be seen, {hidden}: type the value anew"
    if shown := unfilled(value):
        return f"{error}; it looks like the {shown} of a template that was not filled in"
    if has_inline_comment(value):
        return f"{error}; a comment needs a line of its own, here it is part of the value"
    if value and value[0] in QUOTATION_MARKS:
        return f"{error}; remove the quotation marks, they are part of the value"
    slips = path_slips(value) if _PATH_KEY.fullmatch(entry.key) else ()
    return "; ".join([str(error), *(slip.text for slip in slips)])
