"""The keys that give secrets: one list for whoever reads, encrypts, finds or hides them.

A key that gives a secret in clear has twins: `skey_file` names a file that holds it, `skey_protected` has it encrypted.
A secret that is being changed has a next one, with keys and twins of its own: `skey_next`, `skey_next_file`.
"""

from typing import NamedTuple

from gateway.config.schema import key_pattern, number_in

SECRETS_KEY_FILE = "secrets_key_file"
SECRET_FILES = frozenset(
    {SECRETS_KEY_FILE, "console_token_file", "console_tls_key_file", "engine_password_file", "fleet_key_file"}
)
"""The keys of secrets that are in files alone."""


class SecretKeys(NamedTuple):
    """The keys that can give one secret: in clear, in a file, and encrypted."""

    clear: str
    files: tuple[str, ...]
    """The second is another spelling, which is read and never suggested."""
    protected: str

    @property
    def all(self) -> tuple[str, ...]:
        """Every one of them, in the order of preference."""
        return (self.clear, *self.files, self.protected)

    @property
    def rows(self) -> dict[str, str]:
        """What a table has of them: no default."""
        return dict.fromkeys((self.clear, self.files[0], self.protected), "")

    def numbered(self, number: str) -> "SecretKeys":
        """Return those of one number, of keys as the tables spell them."""
        clear, *files, protected = (key.replace("N", number) for key in self.all)
        return SecretKeys(clear, tuple(files), protected)


def _twins(clear: str) -> SecretKeys:
    """Return the keys by Duo's rule, that a number comes last, and by ours for files, that `_file` does."""
    stem, number = clear.removesuffix("_N"), "_N" if clear.endswith("_N") else ""
    files = dict.fromkeys((f"{clear}_file", f"{stem}_file{number}"))
    return SecretKeys(clear, tuple(files), f"{stem}_protected{number}")


SKEY = _twins("skey")
NEXT_SKEY = _twins("skey_next")
RADIUS_SECRET = _twins("radius_secret_N")
NEXT_RADIUS_SECRET = _twins("radius_secret_N_next")
HOME_SECRET = _twins("secret")
NUMBERED_HOME_SECRET = _twins("secret_N")
SERVICE_PASSWORD = _twins("service_account_password")
SECRETS = (
    SKEY,
    NEXT_SKEY,
    RADIUS_SECRET,
    NEXT_RADIUS_SECRET,
    HOME_SECRET,
    NUMBERED_HOME_SECRET,
    SERVICE_PASSWORD,
)
"""All that there are, as the tables spell their keys."""

OTHER_SPELLINGS = frozenset(key for keys in SECRETS for key in keys.files[1:])

_BY_PATTERN = {key: keys for keys in SECRETS for key in keys.all}


def secret_keys(key: str) -> SecretKeys | None:
    """Return all keys that can give the same secret as this one does; None if it gives none."""
    keys, number = _BY_PATTERN.get(key_pattern(key)), number_in(key)
    return keys.numbered(number) if keys and number else keys


def names_secret_file(key: str) -> bool:
    """Whether the key's value is the path of a file that holds a secret."""
    keys = secret_keys(key)
    return key in SECRET_FILES or (keys is not None and key in keys.files)
