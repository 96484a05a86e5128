"""Who sends requests, as far as reading them goes: a shared secret, and which addresses have proven it."""

from typing import Final

from gateway.radius.shared_secret import SharedSecret

_MAX_REMEMBERED_SOURCES: Final = 65_536


class Sender:
    """One or many addresses that share a secret.

    Attributes:
        signers: the addresses that have signed, see `has_signed`; not all of them if there are very many.
    """

    __slots__ = ("_proven", "shared_secret", "signers")

    def __init__(self, shared_secret: SharedSecret) -> None:
        self.shared_secret = shared_secret
        self.signers: set[str] = set()
        self._proven: set[str] = set()

    def remember_with(self, other: "Sender") -> None:
        """Know of addresses what the other knows, from now on: the same ones send with either secret."""
        self.signers, self._proven = other.signers, other._proven  # noqa: SLF001 -- of its own class

    def has_signed(self, source: str) -> bool:
        """Whether this address has sent an Access-Request with a right Message-Authenticator, other than EAP."""
        return source in self.signers

    def signed(self, source: str) -> None:
        """Remember that it has; so its secret is right, too."""
        if source not in self.signers:
            _remember(self.signers, source)
            _remember(self._proven, source)

    def is_proven(self, source: str) -> bool:
        """Whether a password or signature of this address was right, so that its shared secret must be."""
        return source in self._proven

    def was_read(self, source: str) -> None:
        """Remember that one was."""
        if source not in self._proven:
            _remember(self._proven, source)


def _remember(sources: set[str], source: str) -> None:
    """Remember an address, one of so many: a network may be large, and only those that know the secret get here."""
    if len(sources) < _MAX_REMEMBERED_SOURCES:
        sources.add(source)
