"""The ZIP file of `radgate support`: what was gathered, with secrets hidden in every file of it."""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gateway.cli.gathering import Item, gather
from gateway.config.ini import Entry, parse_ini
from gateway.config.problems import ConfigError, Problem
from gateway.config.protection import clear_key, decode_key, is_protected, reveal
from gateway.config.reading import read_settings
from gateway.config.redaction import SHORTEST_SECRET, Redactor, Replacer, redact_config, secrets_of
from gateway.config.rewriting import SECRETS_KEY_FILE
from gateway.config.schema import key_pattern
from gateway.config.settings import Settings
from gateway.config.surroundings import Surroundings, read_disk
from gateway.config.values import BadValueError
from gateway.logs.anonymity import name_users

FILES_OF_SECRETS = frozenset(
    {"skey_file", "radius_secret_N_file", "radius_secret_file_N", "secrets_key_file", "console_token_file"}
)
README = """\
Written by `radgate support`. Secrets of the configuration are hidden in every file: *****[40] stands for 40 octets.

configuration.txt   the file, as far as it may be shown
check.txt           radgate check --connect
status.json         radgate status --json
versions.txt, packages.txt, machine.txt, processes.txt
logs/               the newest lines; stacks of workers that hung are among them
stderr.txt          what the gateway said since `radgate start`; journal.txt under systemd
"""


def build_bundle(path: Path, octets: bytes, *, is_anonymous: bool) -> bytes:
    """Return a ZIP file with what can be gathered around a configuration, `octets`, and no secret of it.

    Args:
        path: absolute, of the configuration file.
        octets: its content.
        is_anonymous: replace the names of users.
    """
    return _zipped(_items(path, octets, is_anonymous=is_anonymous))


def _items(path: Path, octets: bytes, *, is_anonymous: bool) -> list[Item]:
    settings, problems = _read(path)
    config = redact_config(octets, problems)
    hidden = config.hidden | (secrets_of(settings) if settings is not None else set())
    redact = Redactor(hidden | set(_secrets_elsewhere(path, octets))).redact
    found = [Item("README.txt", README.encode()), Item("configuration.txt", config.text.encode()), *gather(path)]
    items = [Item(item.name, redact(item.octets)) for item in found]
    if not is_anonymous:
        return items
    exempt = (entry.value.encode() for entry in _entries(octets) if key_pattern(entry.key) == "exempt_username_N")
    aliases = name_users((item.octets for item in items), exempt)
    replace = Replacer(aliases, whole_words=True).replace
    return [Item(item.name, replace(item.octets)) for item in items]


def _read(path: Path) -> tuple[Settings | None, list[Problem]]:
    try:
        return read_settings(path)
    except ConfigError as error:
        return None, error.problems


def _secrets_elsewhere(path: Path, octets: bytes) -> Iterator[bytes]:
    """Yield what is in the files of secrets that the configuration names, or encrypted in it, be it usable or not."""
    entries = _entries(octets)
    surroundings = Surroundings(folder=str(path.parent), read_file=read_disk, environment=os.environ)
    for entry in entries:
        if key_pattern(entry.key) not in FILES_OF_SECRETS:
            continue
        with contextlib.suppress(BadValueError):
            content = surroundings.read(surroundings.resolve(entry.value)).octets.strip()
            found = [content, *(_revealed(entries, content) if entry.key == SECRETS_KEY_FILE else ())]
            yield from (secret for secret in found if len(secret) >= SHORTEST_SECRET)


def _entries(octets: bytes) -> list[Entry]:
    return [entry for section in parse_ini(octets)[0] for entry in section.entries.values()]


def _revealed(entries: list[Entry], key_content: bytes) -> Iterator[bytes]:
    for entry in entries:
        if is_protected(entry.value) and (key := clear_key(entry.key)):
            with contextlib.suppress(ValueError):
                yield reveal(entry.value, entry.section, key, decode_key(key_content))


def _zipped(items: list[Item]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for item in items:
            bundle.writestr(item.name, item.octets)
    return file.getvalue()
