"""Short names for what must be known again and never be shown: digests under a key that leaves no process of ours."""

from hashlib import blake2b
from typing import Final

_SIZE: Final = 16


def login_key(section: str, account: str, meaning: str, ipaddr: str | None, session: bytes) -> bytes:
    """Return what makes two packets the same login; it holds what was typed, and stays in the memory of a worker.

    Args:
        section: of the client.
        account: see `engine.person`.
        meaning: of what was typed, see `engine.modes.mode.Asked`.
        ipaddr: the address of the user's machine, where known.
        session: the attributes that tell machines and sessions apart, as they stand.
    """
    texts = f"{section}\0{account}\0{ipaddr or ''}\0{meaning}".encode()
    return len(texts).to_bytes(4, "big") + texts + session


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

    def login(self, key: bytes) -> bytes:
        """Return what stands for a `login_key` where others may read it."""
        digest = self._login.copy()
        digest.update(key)
        return digest.digest()

    def __repr__(self) -> str:
        """Hide the key."""
        return "<Digests>"
