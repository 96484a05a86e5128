"""Keys for State: the same in every worker, and after every start; kept nowhere.

The secret key of a section's Duo application gives the key: every section has one, and a reload that adds a client or
changes a RADIUS secret leaves it as it is. Where hosts act as one the fleet key gives it, for a State may be answered
at another host than it came from. Neither says whose a State is: that stands in it, see `engine.challenges.tokens`.

HKDF of RFC 5869, with SHA-256.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE: Final = 32  # octets


def application_state_key(secret_key: bytes) -> bytes:
    """Return the key of the States of all sections of a Duo application."""
    return _derive(secret_key, b"radgate state of application")


def fleet_state_key(fleet_key: bytes) -> bytes:
    """Return the key of all States of a fleet."""
    return _derive(fleet_key, b"radgate state of fleet")


def meaning_key(key: bytes) -> bytes:
    """Return the key of digests of what was typed: like the one that it is made of, the same in every worker."""
    return _derive(key, b"radgate meaning of what was typed")


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose).derive(secret)
