"""Short names for what must be known again and never be shown: digests under a key that leaves no process of ours."""

from hashlib import blake2b
from struct import Struct
from typing import Final

_SIZE: Final = 16
_LENGTH: Final = Struct("!H")
_OF_NOTHING: Final = bytes(2)


def login_key(section: str, account: str, meaning: str, ipaddr: str | None, session: bytes) -> bytes:
    """Return what makes two packets the same login; it holds what was typed, and stays in the memory of a worker.

    Args:
        section: of the client.
        account: see `engine.person`.
        meaning: of what was typed, see `engine.modes.asked.Asked`.
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


class PasswordDigests:
    """What stands for a password wherever it must not, the same in every worker, and at every host of a fleet."""

    __slots__ = ("_begun",)

    def __init__(self, key: bytes) -> None:
        """Take a random key of up to 64 octets."""
        self._begun = blake2b(key=key, digest_size=_SIZE)

    def password(self, password: bytes, name: bytes, relayed: bytes = b"", state: bytes = b"") -> bytes:
        """Return the digest of a password with all that makes it another login's.

        Args:
            password: as it was typed.
            name: of the user, as it came: a home server may tell two apart that are one account elsewhere.
            relayed: other credentials, encoded.
            state: of the challenge that it answers.
        """
        digest = self._begun.copy()
        digest.update(_framed(name) + _framed(relayed) + _framed(state) + password)
        return digest.digest()

    def __repr__(self) -> str:
        """Hide the key."""
        return "<PasswordDigests>"


def _framed(octets: bytes) -> bytes:
    return _LENGTH.pack(len(octets)) + octets if octets else _OF_NOTHING
