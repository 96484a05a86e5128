"""Which client sections matter: those that check passwords do so only for server sections that name them."""

from collections.abc import Iterable

from gateway.config.ini import IniSection
from gateway.config.kinds import DUO_ONLY, FIRST_FACTORS, SERVED, section_kind
from gateway.config.schema import without_number
from gateway.config.settings import DUO_ONLY_CLIENT


def named_clients(sections: Iterable[IniSection]) -> frozenset[str]:
    """Return what served sections have behind `client=`, their own or [main]'s, in lower case.

    Where one needs a client section and names none that is there, any that nobody names may be meant: all are returned,
    those too that have a name of their own behind the kind's, which is an error then. Else `[duo_only_client]` could be
    the only one left, and nobody would check passwords.
    """
    sections = list(sections)
    main = next((section for section in sections if section.name == "main"), IniSection("main"))
    named, may_be_any = set(), False
    for section in sections:
        kind = section_kind(section.name)
        if kind in SERVED:
            entry = section.entries.get("client") or main.entries.get("client")
            name = entry.value.lower() if entry is not None else ""
            named.add(name)
            may_be_any |= kind != DUO_ONLY and not _is_there(name, sections)
    if may_be_any:
        named.update(section.name for section in sections if section.name.startswith(tuple(FIRST_FACTORS)))
    return frozenset(named - {""})


def _is_there(name: str, sections: list[IniSection]) -> bool:
    return without_number(name) == DUO_ONLY_CLIENT or any(section.name == name for section in sections)


def is_idle(name: str, named: frozenset[str]) -> bool:
    """Whether a section is a first factor that nobody names: what it says has no effect."""
    return without_number(name) in FIRST_FACTORS and name not in named
