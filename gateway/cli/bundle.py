"""The ZIP file of `radgate support`: what was gathered, with secrets hidden in every file of it."""

import io
import zipfile
from pathlib import Path
from typing import NamedTuple

from gateway.cli.gathering import Item, gather
from gateway.config.including import Source, read_sources
from gateway.config.ini import Entry, parse_ini
from gateway.config.problems import ConfigError, Problem
from gateway.config.protection import clear_key, decode_key, is_protected, reveal
from gateway.config.reading import read_settings
from gateway.config.redaction import SHORTEST_SECRET, Redactor, Replacer, redact_config, secrets_of
from gateway.config.schema import key_pattern
from gateway.config.secret_keys import SECRETS_KEY_FILE, names_secret_file
from gateway.config.settings import Settings
from gateway.config.surroundings import PRIVATE_MODE, FileContent, Surroundings, surroundings_of
from gateway.logs.anonymity import name_users

README = """\
Written by `radgate support`. Secrets of the configuration are hidden in every file: *****[40] stands for 40 bytes.

configuration.txt   the file, as far as it may be shown; included/ those that it includes
check.txt           radgate check --connect
status.json         radgate status --json
versions.txt, packages.txt, machine.txt, processes.txt
logs/               the newest lines; stacks of workers that hung are among them
stderr.txt          what the gateway said since `radgate start`; journal.txt under systemd
"""
NOT_HIDDEN = """
Not hidden where they may stand, since they could not be read, are the secrets of
"""


class Bundle(NamedTuple):
    """A ZIP file, and the entries whose secrets could not be read, so that they are not hidden in it."""

    octets: bytes
    unread: list[str]


class _Elsewhere(NamedTuple):
    """Secrets that do not stand in the configuration as they are, and the entries of those that could not be read."""

    secrets: set[bytes]
    unread: list[str]


def build_bundle(path: Path, octets: bytes, *, is_anonymous: bool) -> Bundle:
    """Return a ZIP file with what can be gathered around a configuration, `octets`, and no secret of it.

    Args:
        path: absolute, of the configuration file.
        octets: its content.
        is_anonymous: replace the names of users.
    """
    files = read_sources(FileContent(octets, PRIVATE_MODE), surroundings_of(path)).files
    elsewhere = _secrets_elsewhere(path, files)
    return Bundle(_zipped(_items(path, files, elsewhere, is_anonymous=is_anonymous)), elsewhere.unread)


def _items(path: Path, files: list[Source], elsewhere: _Elsewhere, *, is_anonymous: bool) -> list[Item]:
    settings, problems = _read(path)
    shown, hidden = _shown(files, problems)
    hidden |= secrets_of(settings) if settings is not None else set()
    redact = Redactor(hidden | elsewhere.secrets).redact
    readme = README + (NOT_HIDDEN + "".join(f"- {entry}\n" for entry in elsewhere.unread) if elsewhere.unread else "")
    found = [Item("README.txt", readme.encode()), *shown, *gather(path)]
    items = [Item(item.name, redact(item.octets)) for item in found]
    if not is_anonymous:
        return items
    exempt = (entry.value.encode() for entry in _entries(files) if key_pattern(entry.key) == "exempt_username_N")
    aliases = name_users((item.octets for item in items), exempt)
    replace = Replacer(aliases, whole_words=True).replace
    return [Item(item.name, replace(item.octets)) for item in items]


def _shown(files: list[Source], problems: list[Problem]) -> tuple[list[Item], set[bytes]]:
    """Return the files of the configuration as they may be shown, and all that is hidden in them."""
    items, hidden = [], set[bytes]()
    for file in files:
        config = redact_config(file.content.octets, [each for each in problems if each.place.file == file.path])
        name = f"included/{Path(file.path).name}" if file.path else "configuration.txt"
        items.append(Item(name, config.text.encode()))
        hidden |= config.hidden
    return items, hidden


def _read(path: Path) -> tuple[Settings | None, list[Problem]]:
    try:
        return read_settings(path)
    except ConfigError as error:
        return None, error.problems


def _secrets_elsewhere(path: Path, files: list[Source]) -> _Elsewhere:
    """Return what is in the files of secrets that the configuration names, or encrypted in it, be it usable or not."""
    surroundings = surroundings_of(path)
    secrets, unread, key = set(), [], b""
    for entry in sorted(_entries(files), key=lambda entry: entry.key != SECRETS_KEY_FILE):
        try:
            secret = _secret_of(entry, surroundings, key)
        except ValueError:
            unread.append(f"{entry.key} in line {entry.place}")
            continue
        if entry.key == SECRETS_KEY_FILE:
            key = secret
        if len(secret) >= SHORTEST_SECRET:
            secrets.add(secret)
    return _Elsewhere(secrets, unread)


def _secret_of(entry: Entry, surroundings: Surroundings, key: bytes) -> bytes:
    """Return the secret that an entry names or holds encrypted, or nothing; ValueError if it cannot be read."""
    if names_secret_file(entry.key) and entry.value:
        return surroundings.read(surroundings.resolve(entry.value)).octets.strip()
    if is_protected(entry.value) and (name := clear_key(entry.key)):
        return reveal(entry.value, entry.section, name, decode_key(key))
    return b""


def _entries(files: list[Source]) -> list[Entry]:
    sections = [section for file in files for section in parse_ini(file.content.octets, file=file.path)[0]]
    return [entry for section in sections for entry in section.entries.values()]


def _zipped(items: list[Item]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for item in items:
            bundle.writestr(item.name, item.octets)
    return file.getvalue()
