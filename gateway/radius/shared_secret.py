"""All that the shared secret of a NAS is used for: hiding User-Password, and both authenticators.

The MD5 states of its two HMAC pads are made once and copied for each use.
"""

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from gateway.hashes import Hmac, md5
from gateway.radius.dictionary import AUTHENTICATOR_SIZE, MAX_PASSWORD_SIZE, MESSAGE_AUTHENTICATOR

if TYPE_CHECKING:
    from gateway.radius.packet import Packet

SIGNATURE_HEAD: Final = bytes((MESSAGE_AUTHENTICATOR, 18))
EMPTY_SIGNATURE: Final = SIGNATURE_HEAD + bytes(AUTHENTICATOR_SIZE)
"""A Message-Authenticator over which itself is made (RFC 3579 section 3.2)."""

_number: Final = int.from_bytes
_BLOCK_SIZE: Final = 64  # octets, RFC 2104 section 2: the block of MD5
_ZERO_AUTHENTICATOR: Final = bytes(AUTHENTICATOR_SIZE)


class SharedSecret:
    """The secret that a NAS and the gateway share; octets, not text, of any length above zero (RFC 2865 section 3)."""

    __slots__ = ("_hmac", "_octets")

    def __init__(self, octets: bytes) -> None:
        """Prepare the hash states.

        Raises:
            ValueError: the secret is empty.
        """
        if not octets:
            raise ValueError("a shared secret must not be empty")
        self._octets = octets
        self._hmac = Hmac(md5, _BLOCK_SIZE, octets)

    def __repr__(self) -> str:
        """Hide the secret."""
        return "SharedSecret(…)"

    def message_authenticator(self, octets: bytes) -> bytes:
        """Return the HMAC-MD5 of a packet whose Message-Authenticator value is zero (RFC 3579 section 3.2)."""
        return self._hmac.digest(octets)

    def has_signed(self, request: "Packet") -> bool:
        """Whether the request's one Message-Authenticator, of 18 octets, is right; compared in constant time.

        RFC 3579 section 3.2: found by offset, taken as zero for the calculation, wherever in the packet it stands.
        """
        if not request.signed_at:
            return False
        octets, start = request.octets, request.signed_at + 2
        unsigned = octets[:start] + _ZERO_AUTHENTICATOR + octets[start + AUTHENTICATOR_SIZE :]
        return compare_digest(self.message_authenticator(unsigned), request.signature)

    def response_authenticator(self, octets: bytes) -> bytes:
        """Return the MD5 of a reply that carries the Request Authenticator in its header, and the secret (RFC 2865
        section 3).
        """
        return md5(octets + self._octets).digest()

    def has_authenticated(self, request: "Packet") -> bool:
        """Whether the Request Authenticator of an Accounting-Request is right; compared in constant time.

        RFC 2866 section 3: it is made like that of a reply, over 16 zero octets in its place.
        """
        return compare_digest(self.response_authenticator(without_authenticator(request)), request.authenticator)

    def pad(self, seed: bytes) -> bytes:
        """Return the 16 octets that hide a block of a value: the MD5 of the secret and what stands before the block
        (RFC 2865 section 5.2, RFC 2868 section 3.5).
        """
        return md5(self._octets + seed).digest()

    def hide_user_password(self, password: bytes, request_authenticator: bytes) -> bytes:
        """Return the value of User-Password, padded with NULs to 16, 32 … 128 octets (RFC 2865 section 5.2).

        Raises:
            ValueError: the password is longer than 128 octets.
        """
        if len(password) > MAX_PASSWORD_SIZE:
            raise ValueError("a User-Password holds at most 128 octets")
        padded = password.ljust(max(16, -(-len(password) // 16) * 16), b"\0")
        hidden, previous = b"", request_authenticator
        for start in range(0, len(padded), 16):
            previous = xor(padded[start : start + 16], md5(self._octets + previous).digest())
            hidden += previous
        return hidden

    def reveal_user_password(self, hidden: bytes, request_authenticator: bytes) -> bytes | None:
        """Return the password without its padding, or None if the value is not 16, 32 … 128 octets long (RFC 2865
        section 5.2).

        Only trailing NULs are padding; those inside belong to the password.
        """
        if not 16 <= len(hidden) <= MAX_PASSWORD_SIZE or len(hidden) % 16:
            return None
        clear = xor(hidden[:16], md5(self._octets + request_authenticator).digest())
        for start in range(16, len(hidden), 16):
            pad = md5(self._octets + hidden[start - 16 : start]).digest()
            clear += xor(hidden[start : start + 16], pad)
        return clear.rstrip(b"\0")


def xor(block: bytes, pad: bytes) -> bytes:
    """Return a block of 16 octets, hidden with a pad, or revealed."""
    return (_number(block, "big") ^ _number(pad, "big")).to_bytes(AUTHENTICATOR_SIZE, "big")


def without_authenticator(packet: "Packet") -> bytes:
    """Return a packet's octets with zeros for its authenticator, over which accounting is signed."""
    return packet.octets[:4] + _ZERO_AUTHENTICATOR + packet.octets[20:]
