"""`include=authproxy.d/*.cfg` in [gateway]: more files with sections, as if they stood at the end of the main one.

Nothing is included that the main file does not name: a folder that happens to be there must not change who gets in.
What concerns the gateway as a whole, and defaults for all sections, are in the main file alone, so that a file for one
directory changes nothing for the others.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from gateway.config.ini import IniSection, parse_ini
from gateway.config.problems import Place, Problem
from gateway.config.schema import SINGLE, number_in, without_number
from gateway.config.scope import Scope
from gateway.config.slips import path_slips
from gateway.config.spelling import is_read
from gateway.config.surroundings import LONGEST_PATH, FileContent, Surroundings, reason, unreadable
from gateway.config.values import BadValueError, quoted

INCLUDE = "include"

_EXAMPLE = "authproxy.d/*.cfg"
_NAMED_CLIENT = re.compile(rb"client[ \t]*[=:][ \t]*([^\r\n]*[^\s])", re.IGNORECASE)
_WILDCARDS = frozenset("*?[")


class Source(NamedTuple):
    """A file of a configuration; `path` is absolute, and empty for the main one."""

    path: str
    content: FileContent


class Sources(NamedTuple):
    """All files of a configuration, the main one first, what is in them, and what could not be read."""

    files: list[Source]
    sections: list[IniSection]
    problems: list[Problem]


def read_sources(content: FileContent, surroundings: Surroundings) -> Sources:
    """Return the main file, whose content this is, and those that it includes, by name."""
    sections, problems = parse_ini(content.octets, _matters([content.octets]))
    included, cannot_include = _read_included(sections, surroundings)
    files = [Source("", content), *included]
    matters = _matters([file.content.octets for file in files])
    if included:  # which may name clients of the main file
        sections, problems = parse_ini(content.octets, matters)
    problems += cannot_include
    for file in included:
        found, found_problems = parse_ini(file.content.octets, matters, file.path)
        problems += found_problems
        problems += map(_of_main_alone, filter(_is_single, found))
        sections += [section for section in found if not _is_single(section)]
    return Sources(files, list(_without_empty(sections)), [*problems, *_repetitions(sections)])


def _read_included(sections: list[IniSection], surroundings: Surroundings) -> tuple[list[Source], list[Problem]]:
    files: list[Source] = []
    problems: list[Problem] = []
    for path in _included(sections, surroundings, problems):
        try:
            files.append(Source(path, surroundings.read_file(path)))
        except (OSError, ValueError) as error:
            problems.append(Problem("", "", unreadable(path, error), Place(path)))
    return files, problems


def _matters(contents: Iterable[bytes]) -> Callable[[str], bool]:
    """Return what says whether the form of a section matters: that of a client which nobody can name does not."""
    found = (name for octets in contents for name in _NAMED_CLIENT.findall(octets))
    named = {name.decode(errors="replace").strip().lower() for name in found}
    return lambda name: is_read(name, named)


def included_paths(content: FileContent, surroundings: Surroundings) -> list[str]:
    """Return the files that a main file of this content includes, by name; none where it is not understood."""
    return _included(parse_ini(content.octets, is_read)[0], surroundings, [])


def file_of(section: IniSection) -> str:
    """Return the included file that a section is in; empty for the main one."""
    return section.place.file


def _included(sections: list[IniSection], surroundings: Surroundings, problems: list[Problem]) -> list[str]:
    """Return the paths of the files that [gateway] includes."""
    by_name = {section.name: section for section in reversed(sections)}
    gateway, main = (by_name.get(name, IniSection(name)) for name in ("gateway", "main"))
    scope = Scope(gateway, main, {}, problems)
    pattern = scope.read_optional(INCLUDE, lambda text: _pattern(text, surroundings))
    if pattern is None:
        return []
    entry = scope.entries(INCLUDE)[0]
    scope.note(entry, path_slips(entry.value))
    folder, shape = os.path.split(pattern)
    try:
        names = surroundings.list_folder(folder)
    except OSError as error:
        text = f"cannot look into {quoted(folder, LONGEST_PATH)}: {reason(error)}; make that folder, or remove the line"
        scope.error(entry, text)
        return []
    found = sorted(name for name in names if fnmatchcase(name, shape) and not name.startswith("."))
    if not found:
        scope.warn(entry, "there is no such file; write one, or remove the line")
    if any(not is_text(name) for name in found):
        scope.error(entry, "the name of a file there is not UTF-8; rename it")
    return [str(Path(folder, name)) for name in found if is_text(name)]


def _pattern(text: str, surroundings: Surroundings) -> str:
    """Return an absolute folder without wildcards, and a name with one."""
    folder, name = os.path.split(surroundings.resolve(text))
    if _WILDCARDS.isdisjoint(name) or not _WILDCARDS.isdisjoint(folder):
        raise BadValueError(f"{quoted(text)} is no folder with names in it; write {_EXAMPLE}, say")
    if os.path.normpath(folder) == os.path.normpath(surroundings.folder):
        raise BadValueError(f"{quoted(text)} is in the folder of this file; write one of its own, {_EXAMPLE}, say")
    return str(Path(os.path.normpath(folder), name))


def is_text(name: str) -> bool:
    """Whether a file's name, as the system tells it, is UTF-8."""
    return not any("\udc80" <= letter <= "\udcff" for letter in name)


def _is_single(section: IniSection) -> bool:
    return section.name in SINGLE


def _of_main_alone(section: IniSection) -> Problem:
    text = f"belongs into the main file: only that says what holds for all; move its keys to [{section.name}] there"
    return Problem(section.name, "", text, section.place)


def _without_empty(sections: Iterable[IniSection]) -> Iterator[IniSection]:
    """Yield the sections but for those without a key that another file has too: each file may name its client."""
    seen: dict[str, IniSection] = {}
    for section in sections:
        first = seen.setdefault(section.name, section)
        if first is section or section.entries or file_of(first) == file_of(section):
            yield section


def _repetitions(sections: list[IniSection]) -> Iterator[Problem]:
    """Yield a problem for each section that another file has already; within a file `ini` finds them."""
    first_of: dict[str, IniSection] = {}
    for section in sections:
        first = first_of.setdefault(section.name, section)
        if file_of(first) == file_of(section) or not section.entries:
            continue
        text = f"the section is there already, from line {first.place.told_at(section.place)}"
        yield Problem(section.name, "", f"{text}; write [{_free_name(section.name, sections)}] here", section.place)


def _free_name(name: str, sections: Iterable[IniSection]) -> str:
    """Return the kind with a number above all that there are."""
    kind = without_number(name)
    numbers = [int(number_in(each.name) or 1) for each in sections if without_number(each.name) == kind]
    return f"{kind}{max(numbers) + 1}"
