"""What leaves a host for the store is sealed: nobody reads it there, and what others wrote does not open.

    number of the fleet key (1) | salt (16) | nonce (12) | ciphertext | tag (16)

AES-256-GCM. Each sealer has keys of its own, which the fleet key and a random salt give. Under one key with random
nonces no more than 2^32 messages are safe (NIST SP 800-38D section 8.3), which a fleet of 2,000 logins a second sends
in eight days. So a sealer draws another salt after 2^28: a nonce comes twice with a chance of 2^-41 a salt, and two
sealers have the same salt with one of 2^-128 a pair. Nonces are drawn and not counted: a virtual machine that is set
back to a snapshot would count the same ones again.

The number says which of two fleet keys it was, while one is changed for another; if both have the same, both are tried.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.fleetapi.keys import KEY_SIZE

SALT_SIZE: Final = 16  # octets
NONCE_SIZE: Final = 12  # octets
TAG_SIZE: Final = 16  # octets
OVERHEAD: Final = 1 + SALT_SIZE + NONCE_SIZE + TAG_SIZE

_NONCE_AT: Final = 1 + SALT_SIZE
_TEXT_AT: Final = _NONCE_AT + NONCE_SIZE
_MESSAGES_A_SALT: Final = 1 << 28
_MAX_CIPHERS: Final = 512  # of other sealers: one for each worker of the fleet, and for those that were before them


class Sealer:
    """Seals under the first fleet key, and opens what was sealed under any."""

    __slots__ = ("_cipher", "_head", "_keys", "_n_left", "_random", "digest_key")

    def __init__(self, keys: Sequence[bytes], random: Callable[[int], bytes]) -> None:
        """Derive what is needed.

        Args:
            keys: fleet keys of `KEY_SIZE` octets, one at least; the first one seals.
            random: returns so many unpredictable octets, `os.urandom`.
        """
        if not keys or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError(f"fleet keys have {KEY_SIZE} octets")
        self._random = random
        self._keys = [_FleetKey(key) for key in keys]
        self._n_left = 0
        self._head = b""
        self._cipher: AESGCM | None = None
        self.digest_key = _derive(keys[0], b"radgate digest", b"")
        """Keys the digests of logins and packets: 32 octets. Hosts with another first key have other digests."""

    def seal(self, plain: bytes, associated: bytes) -> bytes:
        """Return `plain` sealed; it opens with the same associated octets alone. `OVERHEAD` octets longer."""
        cipher = self._cipher
        if cipher is None or self._n_left == 0:
            cipher = self._begin()
        self._n_left -= 1
        nonce = self._random(NONCE_SIZE)
        return self._head + nonce + cipher.encrypt(nonce, plain, associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes | None:
        """Return what was sealed with these associated octets under one of the fleet keys; None for all else."""
        if len(sealed) < OVERHEAD:
            return None
        number = sealed[0]
        for key in self._keys:
            if key.number == number:
                plain = key.open(sealed, associated)
                if plain is not None:
                    return plain
        return None

    def _begin(self) -> AESGCM:
        """Take a new salt."""
        key, salt = self._keys[0], self._random(SALT_SIZE)
        self._head = bytes([key.number]) + salt
        self._n_left = _MESSAGES_A_SALT
        self._cipher = cipher = key.cipher(salt)
        return cipher

    def __repr__(self) -> str:
        return f"<Sealer n_keys={len(self._keys)}>"


class _FleetKey:
    """One fleet key, and the ciphers of the sealers whose messages have opened."""

    __slots__ = ("_ciphers", "_key", "number")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._ciphers: dict[bytes, AESGCM] = {}
        self.number: int = _derive(key, b"radgate number", b"")[0]

    def cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self._key, b"radgate seal", salt))

    def open(self, sealed: bytes, associated: bytes) -> bytes | None:
        salt = sealed[1:_NONCE_AT]
        known = self._ciphers.get(salt)
        cipher = known or self.cipher(salt)
        try:
            plain = cipher.decrypt(sealed[_NONCE_AT:_TEXT_AT], sealed[_TEXT_AT:], associated)
        except InvalidTag:
            return None
        if known is None:
            self._keep(salt, cipher)
        return plain

    def _keep(self, salt: bytes, cipher: AESGCM) -> None:
        """Remember a sealer: a forged salt never comes here."""
        if len(self._ciphers) >= _MAX_CIPHERS:
            del self._ciphers[next(iter(self._ciphers))]
        self._ciphers[salt] = cipher

    def __repr__(self) -> str:
        return f"<_FleetKey number={self.number}>"


def _derive(key: bytes, purpose: bytes, salt: bytes) -> bytes:
    """Return a key for one purpose: BLAKE2b is a keyed hash by itself (RFC 7693 section 2.9)."""
    return blake2b(salt, digest_size=KEY_SIZE, key=key, person=purpose).digest()
