"""Signed and sealed messages, as a directory demands them over a clear connection.

    length (4, big endian) | version (4) | checksum (8) | sequence number (4) | message

RFC 4422 section 3.7 has the length, MS-NLMP sections 3.4.3 and 3.4.4.2 the rest, with extended session security, an
exchanged key and 128 bits. Signatures alone would do, but Windows and Samba seal where no more is agreed upon.
"""

from hmac import compare_digest
from struct import Struct
from typing import Final, final

from gateway.hashes import Hmac, md5
from gateway.ldap.ntlm.errors import NtlmError
from gateway.ldap.ntlm.rc4 import Rc4

SIGNATURE_SIZE: Final = 16  # octets
MAX_WRAPPED: Final = 1 << 20  # octets

_BLOCK_SIZE: Final = 64  # octets, of MD5
_LENGTH_SIZE: Final = 4
_VERSION: Final = b"\x01\0\0\0"
_CHECKSUM_SIZE: Final = 8
_SEQUENCE: Final = Struct("<I")
_ALL: Final = 0xFFFFFFFF
_TO_SERVER: Final = b"client-to-server"
_TO_CLIENT: Final = b"server-to-client"
_SIGNS: Final = b" signing key magic constant\0"
_SEALS: Final = b" sealing key magic constant\0"


@final
class _Direction:
    """One of the two ways: each message on it has the next number."""

    __slots__ = ("_keyed", "_number", "_sealing_key", "_stream")

    def __init__(self, session_key: bytes, way: bytes) -> None:
        name = b"session key to " + way
        self._keyed = Hmac(md5, _BLOCK_SIZE, md5(session_key + name + _SIGNS).digest())
        self._sealing_key = md5(session_key + name + _SEALS).digest()
        self._stream: Rc4 | None = None
        self._number = 0

    def begin_sealing_anew(self) -> None:
        """Begin with the sealing key again; numbers go on. Where nothing follows, that costs nothing."""
        self._stream = None

    def crypt(self, octets: bytes) -> bytes:
        """Seal a message, or unseal it; its signature comes next."""
        stream = self._stream
        if stream is None:
            stream = self._stream = Rc4(self._sealing_key)
        return stream.crypt(octets)

    def signature(self, message: bytes) -> bytes:
        """Return the signature of the next message."""
        number = _SEQUENCE.pack(self._number)
        self._number = (self._number + 1) & _ALL
        return _VERSION + self.crypt(self._keyed.digest(number + message)[:_CHECKSUM_SIZE]) + number


@final
class Signing:
    """Both directions of one connection. After an error nothing more can be read.

    `is_server`: of the other side, which the gateway never is.
    """

    __slots__ = ("_received", "_sent")

    def __init__(self, session_key: bytes, *, is_server: bool = False) -> None:
        ways = (_TO_SERVER, _TO_CLIENT)
        self._sent = _Direction(session_key, ways[is_server])
        self._received = _Direction(session_key, ways[not is_server])

    def sign(self, message: bytes) -> bytes:
        """Return the 16 octets of the signature of a message that is not sealed itself."""
        return self._sent.signature(message)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check the signature of a message of the server's.

        Raises:
            NtlmError: it is another message, or not the server's.
        """
        if not compare_digest(self._received.signature(message), signature):
            raise NtlmError("a message of the server's whose signature is wrong")

    def begin_sealing_anew(self) -> None:
        """Do what follows an exchange of mechListMIC (MS-SPNG section 3.3.5.1)."""
        self._sent.begin_sealing_anew()
        self._received.begin_sealing_anew()

    def wrap(self, octets: bytes) -> bytes:
        """Return the next message, sealed, with its signature before it."""
        sealed = self._sent.crypt(octets)
        return self._sent.signature(octets) + sealed

    def unwrap(self, octets: bytes) -> bytes:
        """Return the server's next message.

        Raises:
            NtlmError: the signature is wrong, or there is none.
        """
        message = self._received.crypt(octets[SIGNATURE_SIZE:])
        self.verify(octets[:SIGNATURE_SIZE], message)
        return message


def frame(octets: bytes) -> bytes:
    """Return what was wrapped with its length before it."""
    return len(octets).to_bytes(_LENGTH_SIZE, "big") + octets


@final
class WrappedReader:
    """Cuts what comes on a connection into what was wrapped, without the lengths."""

    __slots__ = ("_awaited", "_max_size", "_pieces", "_size")

    def __init__(self, max_size: int = MAX_WRAPPED) -> None:
        self._max_size = max_size
        self._pieces: list[bytes] = []  # of what is not whole
        self._size = 0  # of these together
        self._awaited = _LENGTH_SIZE  # octets, before there is anything to cut

    def feed(self, octets: bytes) -> list[bytes]:
        """Return what is whole now, in its order.

        Raises:
            NtlmError: something is longer than `max_size`, or too short for a signature.
        """
        self._pieces.append(octets)
        self._size += len(octets)
        if self._size < self._awaited:
            return []
        return self._cut(b"".join(self._pieces))

    def _cut(self, octets: bytes) -> list[bytes]:
        whole: list[bytes] = []
        at, end = 0, len(octets)
        self._awaited = _LENGTH_SIZE
        while end - at >= _LENGTH_SIZE:
            size = int.from_bytes(octets[at : at + _LENGTH_SIZE], "big")
            if not SIGNATURE_SIZE <= size <= self._max_size:
                raise NtlmError("a signed message of an impossible length: the server may not sign at all")
            if end - at < _LENGTH_SIZE + size:
                self._awaited = _LENGTH_SIZE + size
                break
            at += _LENGTH_SIZE
            whole.append(octets[at : at + size])
            at += size
        self._pieces = [octets[at:]]
        self._size = end - at
        return whole
