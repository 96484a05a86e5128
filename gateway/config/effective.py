"""What holds for each section of a file: its own keys, [main]'s, and the defaults. Pure."""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from gateway.config.ini import IniSection, parse_ini
from gateway.config.kinds import FIRST_FACTORS, KINDS, OWN_KEYS, section_kind
from gateway.config.redaction import redact_config
from gateway.config.schema import SINGLE, key_pattern
from gateway.config.secret_keys import secret_keys
from gateway.config.settings import Settings
from gateway.config.spelling import is_read


class Origin(Enum):
    """Where a value comes from."""

    FILE = "file"
    MAIN = "main"
    DEFAULT = "default"


class Effective(NamedTuple):
    """A key with the value that holds; that of a secret is hidden."""

    section: str
    key: str
    value: str
    origin: Origin


def effective_keys(files: list[bytes], settings: Settings) -> Iterator[Effective]:
    """Yield what holds, by section in the order of the file, in each by key in the order of the tables.

    Args:
        files: the octets of the main file, which has no errors, and of those that it includes.
        settings: what was read from them.
    """
    redacted = [redact_config(octets, ()).text.encode() for octets in files]
    sections = [section for octets in redacted for section in parse_ini(octets, is_read)[0]]
    main = next((section for section in sections if section.name == "main"), IniSection("main"))
    present = {section.name: section for section in sections}
    absent = [IniSection(name) for name in ("main", "gateway") if name not in present]
    made_here = {("main", "log_dir"): settings.log.directory, ("gateway", "run_dir"): settings.gateway.run_dir}
    made_here |= {(server.section, "client"): server.client or "" for server in settings.servers}
    clients = {client.section for client in settings.clients}
    for section in (*absent, *present.values()):
        kind = section_kind(section.name)
        is_idle = kind in FIRST_FACTORS and section.name not in clients
        if kind in OWN_KEYS and not is_idle:
            yield from _of_section(section, kind, main, made_here)


def _of_section(
    section: IniSection, kind: str, main: IniSection, made_here: dict[tuple[str, str], str]
) -> Iterator[Effective]:
    table = KINDS[kind].keys
    own = KINDS[kind].own
    for pattern in (*table, *sorted(OWN_KEYS[kind] - table.keys())):
        if pattern in KINDS[kind].idle:
            continue
        found = [each for each in _written(section, pattern, main, own) if each.value]
        yield from found
        value = table.get(pattern) or made_here.get((section.name, pattern), "")
        if not found and value:
            yield Effective(section.name, pattern, value, Origin.DEFAULT)


def _written(section: IniSection, pattern: str, main: IniSection, own: frozenset[str]) -> Iterator[Effective]:
    """Yield the entries of a key, or of all its numbers: the section's own, and [main]'s where it has none.

    `own` are keys of which [main] has no default.
    """
    keys = dict.fromkeys([*main.entries, *section.entries])
    for key in keys:
        if key_pattern(key) != pattern:
            continue
        if key in section.entries:
            yield Effective(section.name, key, section.entries[key].value, Origin.FILE)
        elif not _replaced(section, key) and pattern not in own:
            yield Effective(section.name, key, main.entries[key].value, Origin.MAIN)


def _replaced(section: IniSection, key: str) -> bool:
    """Whether the section gives a secret by another key than [main] does."""
    keys = secret_keys(key)
    return section.name not in SINGLE and keys is not None and any(each in section.entries for each in keys.all)
