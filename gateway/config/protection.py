"""Secrets that stand in the configuration file encrypted, and the key to them, which is kept in a file elsewhere.

`skey_protected=radgate1:…` is what AES-256-GCM makes of a secret: base64 of nonce, ciphertext and tag. Section and key
are bound in, so that a value is worth nothing in another place. Duo's proxy on Windows has the same names of keys for
values that only that machine can read.
"""

import base64
from typing import TYPE_CHECKING

from gateway.config.secret_keys import secret_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "radgate1:"
KEY_SIZE = 32  # octets
NONCE_SIZE = 12  # octets

_TAG_SIZE = 16


class CannotReveal(ValueError):  # noqa: N818 -- reads as what it says
    """The value cannot be decrypted; the text says what to do."""


def protected_key(key: str) -> str | None:
    """Return the key for the encrypted form of a secret, `radius_secret_protected_1`; None if `key` holds no secret."""
    keys = secret_keys(key)
    return keys.protected if keys and key == keys.clear else None


def clear_key(key: str) -> str | None:
    """Return the key for a secret in clear, `radius_secret_1`; None if `key` holds no encrypted one."""
    keys = secret_keys(key)
    return keys.clear if keys and key == keys.protected else None


def is_protected(value: str) -> bool:
    """Whether a value is one that `protect` made."""
    return value.startswith(SCHEME)


def protect(secret: bytes, section: str, key: str, secrets_key: bytes, nonce: bytes) -> str:
    """Return the encrypted form of a secret.

    Args:
        secret: any octets.
        section: where it stands.
        key: the one for clear text.
        secrets_key: `KEY_SIZE` random octets.
        nonce: `NONCE_SIZE` random octets, never twice with one key.
    """
    sealed = _cipher(secrets_key).encrypt(nonce, secret, _place(section, key))
    return SCHEME + base64.b64encode(nonce + sealed).decode()


def reveal(value: str, section: str, key: str, secrets_key: bytes) -> bytes:
    """Return the secret that `protect` encrypted.

    Raises:
        CannotReveal: with this key and for this place it did not make this value.
    """
    from cryptography.exceptions import InvalidTag

    try:
        octets = base64.b64decode(value.removeprefix(SCHEME), validate=True)
    except ValueError:
        octets = b""
    if len(octets) < NONCE_SIZE + _TAG_SIZE:
        raise CannotReveal("is cut off or changed; protect the secret anew")
    try:
        return _cipher(secrets_key).decrypt(octets[:NONCE_SIZE], octets[NONCE_SIZE:], _place(section, key))
    except InvalidTag as error:
        raise CannotReveal(
            "cannot be decrypted: the key in secrets_key_file is another one, or the value was made for another "
            "section or key; put the right key there, or protect the secret anew"
        ) from error


def encode_key(secrets_key: bytes) -> bytes:
    """Return the content of a key file: one line of base64."""
    return base64.b64encode(secrets_key) + b"\n"


def decode_key(content: bytes) -> bytes:
    """Return the key that a key file holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        secrets_key = base64.b64decode(content.strip(), validate=True)
    except ValueError:
        secrets_key = b""
    if len(secrets_key) != KEY_SIZE:
        raise ValueError("it holds no key that radgate protect has made")
    return secrets_key


def _place(section: str, key: str) -> bytes:
    return f"{SCHEME}[{section}]{key}".encode()


def _cipher(secrets_key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only here: 20 ms that few files need

    return AESGCM(secrets_key)
