"""`name=` of a server section: what people call it, wherever a section is shown or asked for.

The section's own name stays what settings, counters and former generations go by.
"""

from collections.abc import Iterable, Iterator

from gateway.config.conflicts import ServedSection
from gateway.config.ini import IniSection
from gateway.config.problems import Problem, Severity
from gateway.config.scope import Scope
from gateway.config.settings import ServerSettings
from gateway.config.slips import account_slips, name_of
from gateway.config.values import BadValueError, quoted

LONGEST_NAME = 64  # characters

_KEY = "name"


def read_name(scope: Scope) -> str:
    """Return the section's own name; empty if it has none."""
    return scope.own().read_text(_KEY, display_name, account_slips) or ""


def display_name(text: str) -> str:
    """Return a text that any line, page and label can show."""
    if odd := next((sign for sign in text if not sign.isprintable()), None):
        raise BadValueError(f"holds a character that cannot be shown, {name_of(odd)}; type the name anew")
    if len(text) > LONGEST_NAME:
        raise BadValueError(f"has {len(text)} characters; write {LONGEST_NAME} at most")
    return text


def same_names(served: Iterable[ServedSection]) -> Iterator[Problem]:
    """Yield a problem for each section that is called what another one is, letter case aside.

    The sections' own names count too: who asks for a section may name it by either.
    """
    served = list(served)
    sections = {each.settings.section: each for each in served}
    named: dict[str, ServedSection] = {}
    for each in served:
        settings, scope = each
        for entry in scope.own().entries(_KEY):
            key = settings.name.casefold()
            other = named.setdefault(key, each) if key else each
            owner = sections.get(key, each)
            if other is not each:
                line = other.scope.own().entries(_KEY)[0].place.told_at(entry.place)
                text = f"{quoted(entry.value)} is the name of [{other.settings.section}] already, in line {line}"
                yield Problem(entry.section, _KEY, f"{text}; write another one in one of the two", entry.place)
            elif owner is not each:
                line = owner.scope.place.told_at(entry.place)
                text = f"{quoted(entry.value)} is the section in line {line}; write another name"
                yield Problem(entry.section, _KEY, text, entry.place)


def unused_name(sections: Iterable[IniSection]) -> Iterator[Problem]:
    """Yield a problem for a name in [main], which would be that of every section; with [fleet] it is the host's."""
    by_name = {section.name: section for section in sections}
    main = by_name.get("main", IniSection("main"))
    if "fleet" not in by_name and _KEY in main.entries:
        entry = main.entries[_KEY]
        text = "has no effect here; write it in the server section that it is the name of"
        yield Problem(entry.section, _KEY, text, entry.place, Severity.WARNING)


def find_server(servers: Iterable[ServerSettings], wanted: str) -> ServerSettings | None:
    """Return the section of this name, its own or what people call it, in any letter case; None if there is none."""
    key = wanted.casefold()
    return next((each for each in servers if key in (each.section, each.shown_name.casefold())), None)
