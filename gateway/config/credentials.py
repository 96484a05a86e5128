"""Secrets, in clear in the configuration or in a file of their own. No problem told here shows one."""

import re
from typing import NamedTuple

from gateway.config.ini import Entry, has_inline_comment
from gateway.config.scope import Scope
from gateway.config.surroundings import Surroundings


class SecretKeys(NamedTuple):
    """The keys that can give one secret: in clear, in a file, and in the form that only Windows can read."""

    clear: str
    files: tuple[str, ...]
    protected: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every one of them, in the order of preference."""
        return (self.clear, *self.files, self.protected)


class FoundSecret(NamedTuple):
    """A secret's octets, never empty, and the entry that gave it."""

    octets: bytes
    entry: Entry


def read_secret(scope: Scope, surroundings: Surroundings, keys: SecretKeys) -> FoundSecret | None:
    """Return the secret that one of the keys gives; None after a problem, or if none of them is there."""
    entries = scope.entries(*keys.all)
    if not entries:
        return None
    entry, *others = entries
    for other in others:
        scope.error(other, f"{entry.key} gives this secret too, in line {entry.line}; remove one of the two")
    if entry.key == keys.protected:
        text = f"only Duo's proxy on Windows can read it; write {keys.clear}=SECRET in clear, or {keys.files[0]}=PATH"
        scope.error(entry, text)
        return None
    if not entry.value:
        scope.error(entry, f"has no value; write {keys.clear}=SECRET, or {keys.files[0]}=PATH")
        return None
    read = _secret_in_clear if entry.key == keys.clear else _secret_of_file
    octets = read(scope, surroundings, entry)
    return FoundSecret(octets, entry) if octets else None


def has_clear_secrets(entries: list[Entry]) -> bool:
    """Whether one of the entries holds a secret itself."""
    return any(re.fullmatch("skey|radius_secret_[0-9]+", entry.key) and entry.value for entry in entries)


def _secret_in_clear(scope: Scope, _: Surroundings, entry: Entry) -> bytes:
    if len(entry.value) > 1 and entry.value[0] == entry.value[-1] and entry.value[0] in "\"'":
        scope.warn(entry, "the quotation marks are part of the secret; remove them if they are not meant")
    if has_inline_comment(entry.value):
        scope.warn(entry, "what looks like a comment is part of the secret; write comments on a line of their own")
    return entry.value.encode()


def _secret_of_file(scope: Scope, surroundings: Surroundings, entry: Entry) -> bytes | None:
    path = scope.parse(entry, surroundings.resolve)
    content = path and scope.parse(entry._replace(value=path), surroundings.read)
    if not path or not content:
        return None
    if content.is_readable_by_others:
        scope.warn(entry, f"every user of this machine can read {path}; run chmod o-r {path}")
    secret = _without_newline(content.octets)
    if not secret:
        scope.error(entry, f"{path} is empty; write the secret into it")
    elif secret != secret.strip():
        scope.warn(entry, f"blanks or newlines around the secret in {path} are part of it; remove them if not meant")
    return secret


def _without_newline(octets: bytes) -> bytes:
    return octets.removesuffix(b"\n").removesuffix(b"\r") if octets.endswith(b"\n") else octets
