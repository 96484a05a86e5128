"""Secrets, in clear in the configuration or in a file of their own. No problem told here shows one."""

import re
from typing import NamedTuple

from gateway.config.ini import Entry, has_inline_comment
from gateway.config.protection import CannotReveal, decode_key, is_protected, reveal
from gateway.config.scope import Scope
from gateway.config.surroundings import Surroundings

_WINDOWS_FORM = "AQAAANCMnd8BFdERjHoAwE"  # how what DPAPI encrypts begins, in base64
_SECRET_LIKE = re.compile("[A-Za-z0-9+=]{24,}")


class SecretKeys(NamedTuple):
    """The keys that can give one secret: in clear, in a file, and encrypted."""

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
    if not entry.value:
        scope.error(entry, f"has no value; write {keys.clear}=SECRET, or {keys.files[0]}=PATH")
        return None
    if entry.key == keys.protected:
        octets = _revealed(scope, surroundings, entry, keys)
    elif entry.key == keys.clear:
        octets = _secret_in_clear(scope, entry, keys)
    else:
        octets = _secret_of_file(scope, surroundings, entry, keys)
    return FoundSecret(octets, entry) if octets else None


def read_secrets_key(scope: Scope, surroundings: Surroundings) -> bytes | None:
    """Return the key that [gateway]'s `secrets_key_file` names; empty after a problem, None if it names none."""
    entries = [entry for entry in scope.entries("secrets_key_file") if entry.value]
    if not entries:
        return None
    content = _read_private(scope, surroundings, entries[0], "key")
    if content is None:
        return b""
    try:
        return decode_key(content)
    except ValueError as error:
        scope.error(entries[0], f"cannot be used: {error}; put that file there, or protect the secrets anew")
        return b""


def has_clear_secrets(entries: list[Entry]) -> bool:
    """Whether one of the entries holds a secret itself."""
    return any(re.fullmatch("skey|radius_secret_[0-9]+", entry.key) and entry.value for entry in entries)


def _revealed(scope: Scope, surroundings: Surroundings, entry: Entry, keys: SecretKeys) -> bytes | None:
    if not is_protected(entry.value):
        ways = f"write {keys.clear}=SECRET in clear, or {keys.files[0]}=PATH; radgate protect can encrypt it here"
        scope.error(entry, f"only Duo's proxy on Windows can read it; {ways}")
    elif surroundings.secrets_key is None:
        scope.error(entry, "needs the key that it was encrypted with; write secrets_key_file=PATH in [gateway]")
    elif surroundings.secrets_key:
        try:
            return reveal(entry.value, entry.section, keys.clear, surroundings.secrets_key)
        except CannotReveal as error:
            scope.error(entry, str(error))
    return None


def _secret_in_clear(scope: Scope, entry: Entry, keys: SecretKeys) -> bytes | None:
    if is_protected(entry.value):
        scope.error(entry, f"is encrypted; write {keys.protected}=, or the secret in clear")
        return None
    if entry.value.startswith(_WINDOWS_FORM):
        scope.error(entry, "Duo's proxy on Windows has encrypted it, and alone can read it; write the secret in clear")
        return None
    if len(entry.value) > 1 and entry.value[0] == entry.value[-1] and entry.value[0] in "\"'":
        scope.warn(entry, "the quotation marks are part of the secret; remove them if they are not meant")
    if has_inline_comment(entry.value):
        scope.warn(entry, "what looks like a comment is part of the secret; write comments on a line of their own")
    return entry.value.encode()


def _secret_of_file(scope: Scope, surroundings: Surroundings, entry: Entry, keys: SecretKeys) -> bytes | None:
    if _SECRET_LIKE.fullmatch(entry.value):  # and would be shown as the name of a file that is not there
        scope.error(entry, f"looks like the secret itself; write {keys.clear}=SECRET, or the path of a file here")
        return None
    content = _read_private(scope, surroundings, entry, "secret")
    if content is None:
        return None
    secret = _without_newline(content)
    if secret != secret.strip():
        text = f"blanks or newlines around the secret in {entry.value} are part of it; remove them if not meant"
        scope.warn(entry, text)
    return secret


def _read_private(scope: Scope, surroundings: Surroundings, entry: Entry, what: str) -> bytes | None:
    """Return the content, never empty, of the file that an entry names; None after a problem."""
    path = scope.parse(entry, surroundings.resolve)
    content = path and scope.parse(entry._replace(value=path), surroundings.read)
    if not path or not content:
        return None
    if content.is_readable_by_others:
        scope.warn(entry, f"every user of this machine can read {path}; run chmod o-r {path}")
    if not _without_newline(content.octets):
        scope.error(entry, f"{path} is empty; write the {what} into it")
        return None
    return content.octets


def _without_newline(octets: bytes) -> bytes:
    return octets.removesuffix(b"\n").removesuffix(b"\r") if octets.endswith(b"\n") else octets
