"""Short names for what must be known again and never be shown: digests under a key that leaves no process of ours."""

from hashlib import blake2b
from struct import Struct
from typing import Final

_SIZE: Final = 16
_LENGTH: Final = Struct("!I")


class Digests:
    """Keyed digests, the same in every process that has the same key."""

    def __init__(self, key: bytes) -> None:
        """Take a random key of up to 64 octets."""
        self._packet = blake2b(key=key, digest_size=_SIZE, person=b"packet")
        self._login = blake2b(key=key, digest_size=_SIZE, person=b"login")

    def packet(self, octets: bytes) -> bytes:
        """Return what stands for these very octets."""
        digest = self._packet.copy()
        digest.update(octets)
        return digest.digest()

    def login(self, section: str, user_name: str, typed: bytes, ipaddr: str | None) -> bytes:
        """Return what makes two packets the same login: section, user, typed octets, the user's address where known."""
        digest = self._login.copy()
        texts = f"{len(section)} {len(user_name)} {section}{user_name}{ipaddr or ''}".encode()
        digest.update(_LENGTH.pack(len(texts)) + texts + typed)
        return digest.digest()

    def __repr__(self) -> str:
        """Hide the key."""
        return "<Digests>"
