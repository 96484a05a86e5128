"""Keys for State: the same in every worker and after every reload, and kept nowhere.

A section's own secrets give the key, so it changes with them: who is asked at that moment logs in anew. A State is seen
by whoever sees packets, but no shared secret can be guessed from it, for the application's secret key is in the key
too. Where hosts act as one the fleet key gives it, for a State may be answered at another host than it came from.

HKDF of RFC 5869, with SHA-256.
"""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE: Final = 32  # octets


def section_key(shared_secrets: Iterable[bytes], secret_key: bytes) -> bytes:
    """Return the key of a section's States.

    Args:
        shared_secrets: of all its clients, in any order and any number of times.
        secret_key: of its Duo application.
    """
    secrets = [secret_key, *sorted(set(shared_secrets))]
    return _derive(b"".join(len(secret).to_bytes(4, "big") + secret for secret in secrets), b"radgate state of section")


def fleet_state_key(fleet_key: bytes) -> bytes:
    """Return the key of all States of a fleet."""
    return _derive(fleet_key, b"radgate state of fleet")


def meaning_key(key: bytes) -> bytes:
    """Return the key of digests of what was typed: like the one that it is made of, the same in every worker."""
    return _derive(key, b"radgate meaning of what was typed")


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose).derive(secret)
