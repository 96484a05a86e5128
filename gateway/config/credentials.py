"""Secrets, in clear in the configuration or in a file of their own. No problem told here shows one."""

import hashlib
import re
import shlex
from typing import NamedTuple

from gateway.config.ini import Entry
from gateway.config.problems import Severity
from gateway.config.protection import SCHEME, CannotReveal, decode_key, is_protected, protected_key, reveal
from gateway.config.scope import Scope
from gateway.config.secret_keys import SECRETS_KEY_FILE, SecretKeys, secret_keys
from gateway.config.slips import content_of, secret_slips
from gateway.config.surroundings import FileContent, Surroundings, unreadable
from gateway.config.values import BadValueError

_WINDOWS_FORMS = (b"AQAAANCMnd8BFdERjHoAwE", b"01000000d08c9ddf0115d1118c7a00c0")
"""How what DPAPI encrypts begins, in base64 and as PowerShell writes it."""
_SECRET_LIKE = re.compile("[A-Za-z0-9+=]{24,}")
_SECRET_LIKE_PATH = re.compile("(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9+][A-Za-z0-9+/=]{23,}")
"""Base64 that may have slashes in it; a path begins with one, or has hardly ever letters of all sorts."""


class FoundSecret(NamedTuple):
    """A secret's octets, never empty, and the entry that gave it."""

    octets: bytes
    entry: Entry


def read_secret(scope: Scope, surroundings: Surroundings, keys: SecretKeys) -> FoundSecret | None:
    """Return the secret that one of the keys gives; None after a problem, or if none of them is there."""
    entries = scope.entries(*keys.all)
    if not entries:
        return None
    given = [entry for entry in entries if entry.value]
    if not given:
        scope.error(entries[0], f"has no value; write {keys.clear}=SECRET, or {keys.files[0]}=PATH")
        return None
    entry, *others = given
    for other in others:
        scope.error(other, f"{entry.key} gives this secret too, in line {entry.place}; remove one of the two")
    for empty in (entry for entry in entries if not entry.value):
        scope.warn(empty, f"has no value and is ignored: {entry.key} gives this secret; remove the line")
    octets = _octets_of(scope, surroundings, entry, keys)
    return FoundSecret(octets, entry) if octets and _may_be_secret(scope, entry, keys, octets) else None


def read_next_secret(
    scope: Scope, surroundings: Surroundings, keys: SecretKeys, present_keys: SecretKeys, present: FoundSecret | None
) -> FoundSecret | None:
    """Return the secret that is to take the place of `present`; None if none is, or after a problem.

    [main]'s next one goes with [main]'s present one: a section with a secret of its own has nothing to do with it.
    """
    entries, present_entries = scope.entries(*keys.all), scope.entries(*present_keys.all)
    if not entries:
        return None
    entry, is_default = entries[0], entries[0].section != scope.section
    if is_default and (not present_entries or present_entries[0].section == scope.section):
        return None
    if not present_entries:
        text = f"there is no {present_keys.clear} that it is next to; write {present_keys.clear}=SECRET"
        scope.missing(present_keys.clear, text, entry)
        return None
    found = read_secret(scope, surroundings, keys)
    if found is not None and present is not None and found.octets == present.octets:
        ways = f"write the new one here, or remove the line if {present_keys.clear} is the new one already"
        scope.error(found.entry, f"is the same as {present.entry.key} in line {present.entry.place}; {ways}")
        return None
    return found


def stand_in(entry: Entry) -> FoundSecret:
    """Return what takes the place of a secret that is not on this machine: another one for another value."""
    return FoundSecret(hashlib.sha256(entry.value.encode()).hexdigest().encode(), entry)


def _octets_of(scope: Scope, surroundings: Surroundings, entry: Entry, keys: SecretKeys) -> bytes | None:
    if entry.key == keys.protected:
        return _revealed(scope, surroundings, entry, keys)
    if entry.key == keys.clear:
        return entry.value.encode()
    return read_private(scope, surroundings, entry, "secret")


def _may_be_secret(scope: Scope, entry: Entry, keys: SecretKeys, octets: bytes) -> bool:
    """Note what is odd about a secret, wherever it stands; return whether it can be one."""
    if octets.startswith(SCHEME.encode()):
        scope.error(entry, f"is encrypted; write {keys.protected}=, or the secret in clear")
        return False
    if octets.startswith(_WINDOWS_FORMS):
        scope.error(entry, "was encrypted on Windows, and can be read only there; write the secret in clear")
        return False
    return scope.note(entry, secret_slips(octets))


def read_secrets_key(scope: Scope, surroundings: Surroundings) -> bytes | None:
    """Return the key that [gateway]'s `secrets_key_file` names; empty after a problem, None if it names none."""
    entries = [entry for entry in scope.entries(SECRETS_KEY_FILE) if entry.value]
    if not entries:
        return None
    content = read_private(scope, surroundings, entries[0], "key")
    if content is None:
        return b""
    try:
        return decode_key(content)
    except ValueError as error:
        scope.error(entries[0], f"cannot be used: {error}; put that file there, or protect the secrets anew")
        return b""


def has_clear_secrets(entries: list[Entry]) -> bool:
    """Whether one of the entries holds a secret itself."""
    return any(entry.value and protected_key(entry.key) for entry in entries)


def _revealed(scope: Scope, surroundings: Surroundings, entry: Entry, keys: SecretKeys) -> bytes | None:
    if not is_protected(entry.value):
        ways = f"write {keys.clear}=SECRET in clear, or {keys.files[0]}=PATH; radgate protect can encrypt it here"
        scope.error(entry, f"only Duo's proxy on Windows can read it; {ways}")
    elif surroundings.secrets_key is None:
        tell = scope.error if surroundings.has_secrets else scope.remark
        tell(entry, "needs the key that it was encrypted with; write secrets_key_file=PATH in [gateway]")
    elif surroundings.secrets_key:
        try:
            return reveal(entry.value, entry.section, keys.clear, surroundings.secrets_key)
        except CannotReveal as error:
            scope.error(entry, str(error))
    return None


def read_private(
    scope: Scope, surroundings: Surroundings, entry: Entry, what: str, *, is_secret: bool = True
) -> bytes | None:
    """Return the one value, never empty, that the file that an entry names holds; None after a problem."""
    is_mistaken = is_secret and _SECRET_LIKE.fullmatch(entry.value)
    severity = Severity.ERROR if surroundings.has_secrets or is_mistaken else Severity.NOTE
    if is_secret:
        content = scope.parse(entry, lambda _: _read_secret_file(surroundings, entry), severity)
    else:
        content = scope.parse(entry, lambda path: surroundings.read(surroundings.resolve(path)), severity)
    if content is None:
        return None
    path = surroundings.resolve(entry.value)
    if is_secret and content.is_readable_by_others:
        scope.warn(entry, f"every user of this machine can read {path}; run chmod o-r {shlex.quote(path)}")
    octets = content_of(content.octets)
    if not octets.strip():
        scope.error(entry, f"{path} is empty; write the {what} into it")
    return octets if octets.strip() else None


def _read_secret_file(surroundings: Surroundings, entry: Entry) -> FileContent:
    """Return what the file holds that an entry names; a value that may be the secret itself is not shown."""
    path = surroundings.resolve(entry.value)
    try:
        return surroundings.read_file(path)
    except FileNotFoundError as error:
        raise BadValueError(_why_no_path(surroundings, entry) or unreadable(path, error)) from error
    except (OSError, ValueError) as error:
        raise BadValueError(unreadable(path, error)) from error


def _why_no_path(surroundings: Surroundings, entry: Entry) -> str:
    """Return what to say of a value that names no file and may be a secret; empty if it is a path."""
    keys = secret_keys(entry.key)
    if _SECRET_LIKE.fullmatch(entry.value) or _SECRET_LIKE_PATH.fullmatch(entry.value):
        instead = f"{keys.clear}=SECRET, or the path of a file here" if keys else "the path of a file that holds it"
        return f"looks like the secret itself; write {instead}"
    if "/" in entry.value:
        return ""
    instead = f"{keys.clear}=SECRET" if keys else "it into a file, and the path of that here"
    return f"names no file in {surroundings.folder}; correct the path, or write {instead} if this is the secret itself"
