"""State as a sealed token: whoever holds the key can open it, in any worker, after a reload, at any host.

    `rg` | version (1) | nonce (16) | ciphertext | tag (16)

AES-256-GCM, with a key for each token, which the nonce gives: so nothing depends on how many there are under one key
(NIST SP 800-38D section 8.3 permits 2^32), and GCM's own nonce can be zero. The nonce is the token's name: it says
which one was used, and what is kept for it.

A token lets nobody in. It says that a first factor has accepted this user of this section, and what Duo was about to be
asked.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.engine.challenges.keys import KEY_SIZE
from gateway.engine.challenges.refused import Refused
from gateway.engine.challenges.state import MAX_CONTENT_SIZE, OWNER_SIZE, State, decode_state, encode_state

NAME_SIZE: Final = 16  # octets
MAX_KEYS: Final = 2

_MARK: Final = b"rg"
_VERSION: Final = 1
_HEAD: Final = _MARK + bytes((_VERSION,))
_TEXT_AT: Final = len(_HEAD) + NAME_SIZE
_TAG_SIZE: Final = 16  # octets
_MIN_SIZE: Final = _TEXT_AT + _TAG_SIZE
MAX_TOKEN_SIZE: Final = _MIN_SIZE + MAX_CONTENT_SIZE  # octets: 253, what one attribute takes
_GCM_NONCE: Final = bytes(12)


class Opened(NamedTuple):
    """A token that is right. It may have been used: see `engine.challenges.used`."""

    name: bytes
    state: State


class Tokens:
    """The tokens of one section."""

    __slots__ = ("_keys", "_section")

    def __init__(self, keys: Sequence[bytes], section: str, client: str) -> None:
        """Take what tells them from others.

        Args:
            keys: of `KEY_SIZE` octets, see `engine.challenges.keys`; the first one seals, both open.
            section: of the server.
            client: the section of its first factor.
        """
        if not 1 <= len(keys) <= MAX_KEYS or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError(f"one or two keys of {KEY_SIZE} octets")
        self._keys = tuple(keys)
        self._section = f"{section}\0{client}\0".encode()

    def seal(self, state: State, user_name: str, name: bytes) -> bytes:
        """Return the token, `MAX_TOKEN_SIZE` octets at most.

        Args:
            state: what it says.
            user_name: as it came: a first factor may tell two users apart that are one account elsewhere.
            name: `NAME_SIZE` unpredictable octets, never used for another token.
        """
        if len(name) != NAME_SIZE:
            raise ValueError(f"a token's name has {NAME_SIZE} octets")
        content = encode_state(state, self._owner(user_name))
        return _HEAD + name + _cipher(self._keys[0], name).encrypt(_GCM_NONCE, content, _HEAD)

    def open(self, token: bytes, user_name: str, now: float) -> Opened | Refused:
        """Return what a token says to this user, at an instant of Duo's clock, in Unix seconds; or why it does not."""
        if not _MIN_SIZE <= len(token) <= MAX_TOKEN_SIZE or not token.startswith(_MARK):
            return Refused.FORGED
        if not token.startswith(_HEAD):
            return Refused.OTHER_VERSION
        name = token[len(_HEAD) : _TEXT_AT]
        content = self._decrypt(name, token[_TEXT_AT:])
        if content is None:
            return Refused.FORGED
        try:
            state, owner = decode_state(content)
        except ValueError:
            return Refused.OTHER_VERSION
        if owner != self._owner(user_name):
            return Refused.FOREIGN
        return Opened(name, state) if now < state.until else Refused.EXPIRED

    def _decrypt(self, name: bytes, sealed: bytes) -> bytes | None:
        for key in self._keys:
            try:
                return _cipher(key, name).decrypt(_GCM_NONCE, sealed, _HEAD)
            except InvalidTag:
                continue
        return None

    def _owner(self, user_name: str) -> bytes:
        return blake2b(self._section + user_name.encode(), digest_size=OWNER_SIZE, person=b"radgate owner").digest()

    def __repr__(self) -> str:
        """Hide the keys."""
        return f"<Tokens n_keys={len(self._keys)}>"


def _cipher(key: bytes, name: bytes) -> AESGCM:
    """Return the cipher of one token: BLAKE2b is a keyed hash by itself (RFC 7693 section 2.9)."""
    return AESGCM(blake2b(name, digest_size=KEY_SIZE, key=key, person=b"radgate token").digest())
